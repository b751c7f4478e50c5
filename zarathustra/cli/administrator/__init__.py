"""Commands of those who deploy and administrate a network."""
