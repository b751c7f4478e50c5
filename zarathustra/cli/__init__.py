"""The command zarathustra."""
