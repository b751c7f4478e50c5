"""Processes that can only compute: the jail, the frames, and both ends of a jailed worker. Knows no format."""
