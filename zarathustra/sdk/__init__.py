"""The library for project owners, contributors and operators."""
