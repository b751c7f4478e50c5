"""Benchmarks. Each compares a figure with a naive method or a bound. Run them by hand; they are not tests."""
