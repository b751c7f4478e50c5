"""The command `zarathustra`."""
