"""A whole network on one machine, for the demo, for trying things out and for the tests."""
