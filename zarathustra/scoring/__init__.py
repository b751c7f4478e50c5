"""What runs inside the sandbox and how it is driven: models, rounds, metrics, and whose fault a failure is."""
