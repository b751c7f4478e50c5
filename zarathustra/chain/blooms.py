"""Log blooms: a header's own word on which addresses and topics its block's logs have (Yellow Paper, 4.4.3).

A node that lacks a block, or its receipts, may answer `[]` for its logs. The header's bloom shows whether that can be
true. It may name a log that is not there, but it never denies one that is.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from eth_hash.auto import keccak

BLOOM_LENGTH: Final = 256
_BIT_MASK: Final = 8 * BLOOM_LENGTH - 1


def compute_bloom(items: Iterable[bytes]) -> int:
    """Return the bloom of these addresses and topics, as a number."""
    bloom = 0
    for item in items:
        bloom |= _bits_of(item)
    return bloom


def may_contain_any(bloom: int, items: Iterable[bytes]) -> bool:
    """Return whether the bloom admits at least one of these addresses or topics."""
    return any(bloom & bits == bits for bits in map(_bits_of, items))


@lru_cache(maxsize=4_096)  # the filters' addresses and topics; receipts may have any number of others
def _bits_of(item: bytes) -> int:
    """Return the three bits that stand for an item."""
    digest = keccak(item)
    places = [int.from_bytes(digest[start : start + 2], "big") & _BIT_MASK for start in (0, 2, 4)]
    return 1 << places[0] | 1 << places[1] | 1 << places[2]
