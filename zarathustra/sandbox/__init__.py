"""Processes that may do nothing but compute: jail, frames, and both ends of a jailed worker. Knows no format."""
