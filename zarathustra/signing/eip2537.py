"""Field elements as the EIP-2537 precompiles expect them: 16 zero bytes, then 48 bytes big-endian."""

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason

COORDINATE_LENGTH = 48
PADDING = bytes(16)
PADDED_LENGTH = len(PADDING) + COORDINATE_LENGTH
G1_COORDINATES = 2
G2_COORDINATES = 4


def pad_coordinates(raw: bytes) -> bytes:
    """Pad each coordinate: n × 48 bytes → n × 64 bytes."""
    starts = range(0, len(raw), COORDINATE_LENGTH)
    return b"".join(PADDING + raw[start : start + COORDINATE_LENGTH] for start in starts)


def strip_coordinates(encoded: bytes, *, count: int, reason: Reason) -> bytes:
    """Remove the padding: `count` × 64 bytes → `count` × 48 bytes. Raises Invalid(reason) for any other form."""
    if len(encoded) != count * PADDED_LENGTH:
        raise Invalid(reason, "EIP-2537 point has the wrong length", length=len(encoded))
    words = [encoded[start : start + PADDED_LENGTH] for start in range(0, len(encoded), PADDED_LENGTH)]
    if any(not word.startswith(PADDING) for word in words):
        raise Invalid(reason, "EIP-2537 padding is not zero")
    return b"".join(word[len(PADDING) :] for word in words)
