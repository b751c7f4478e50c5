"""Pure decisions: values in, values out. No clock, randomness, environment, logging or I/O."""
