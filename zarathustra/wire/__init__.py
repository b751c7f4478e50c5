"""Bytes to core values and back; the only importer of the generated messages."""
