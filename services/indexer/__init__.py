"""Indexer: publishes what the contracts say, and takes it back when the chain does."""
