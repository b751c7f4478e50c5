"""A whole network on one machine, for the demo, for experiments and for the tests."""
