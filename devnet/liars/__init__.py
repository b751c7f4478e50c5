"""Operators that misbehave in a stated way, so that the demo and the tests can show what becomes of them.

They run the production services with one function replaced. Nothing of this exists outside the development network.
"""
