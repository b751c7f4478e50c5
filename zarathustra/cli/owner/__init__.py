"""Commands of project owners."""
