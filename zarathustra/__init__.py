"""Zarathustra: the shared library of the marketplace. Services, devnet and tools build on it; it knows none of them."""
