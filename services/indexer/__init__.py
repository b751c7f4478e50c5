"""Indexer: publishes the contracts' events, and retracts those that a reorganisation removes."""
