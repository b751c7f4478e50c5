"""What runs inside the jail, and what controls it: models, rounds, metrics, and whose fault a failure is."""
