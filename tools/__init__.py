"""The project's own tools: install what it needs, check all of it, compare what is generated."""
