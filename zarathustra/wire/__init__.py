"""Bytes to core values and back; the only package that imports the generated messages."""
