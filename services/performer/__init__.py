"""Performer: evaluates the attempts that are its own and proposes the result."""
