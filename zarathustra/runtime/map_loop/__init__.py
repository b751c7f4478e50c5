"""The loop of every service but the aggregator, its routes and bounds, and what it reports."""
