"""Figures, each printed next to a naive way or a bound, as a ratio; run them by hand, they are no tests."""
