"""Bytes for ids, hashes and signatures whose content no test checks."""

import hashlib


def derive_bytes(length: int, *parts: object) -> bytes:
    """Return bytes that depend on `parts` only. Other parts give other bytes."""
    return hashlib.shake_256(repr(parts).encode()).digest(length)
