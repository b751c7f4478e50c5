"""Commands that need neither network nor key."""
