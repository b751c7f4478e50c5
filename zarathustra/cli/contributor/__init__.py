"""Commands of contributors."""
