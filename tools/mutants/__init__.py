"""Mutation testing of the contracts: every guard, comparison and effect of `contracts/src` is broken, one at a
time, and a test must fail.
"""
