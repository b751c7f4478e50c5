"""Aggregator: folds attestations into certificates and posts them."""
