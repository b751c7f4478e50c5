"""Operators that misbehave in a defined way, so that the demo and the tests can show the consequences.

They run the production services with one function replaced. Only the development network has this code.
"""
