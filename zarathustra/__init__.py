"""The shared library of the marketplace. Services, devnet and tools import it; it imports none of them."""
