"""Parse a sealed operator set. AvsGovernance stores it as the code of a data contract.

0x00 ‖ sum of all keys 96 ‖ slot 0 ‖ … ‖ slot n − 1      slot = address 20 ‖ stake 12 ‖ x 48 ‖ y 48; all zero: empty

The last slot is the highest that is occupied. The contract needs the sum; operators do not.
"""

from typing import Final

from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Operator, OperatorSet
from zarathustra.core.types import MAX_OPERATORS, BlsPublicKey, OperatorId, SetVersion, Slot, Wei

SLOT_LENGTH: Final = 128
HEADER_LENGTH: Final = 97
MAX_LENGTH: Final = HEADER_LENGTH + MAX_OPERATORS * SLOT_LENGTH
EMPTY_SLOT: Final = bytes(SLOT_LENGTH)

# The base field of BLS12-381. A flag of a compressed point says which of the two square roots its y is.
FIELD_MODULUS: Final = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab", 16
)
COMPRESSED_FLAG: Final = 0x80
LARGER_ROOT_FLAG: Final = 0x20


def parse_operator_set(version: SetVersion, blob: bytes) -> OperatorSet:
    """Parse the occupied slots, in slot order. Raises Retry(RPC_ERROR) when the code does not have a set's shape."""
    is_whole = len(blob) >= HEADER_LENGTH and (len(blob) - HEADER_LENGTH) % SLOT_LENGTH == 0
    if not is_whole or len(blob) > MAX_LENGTH or blob[0] != 0:
        raise Retry(Reason.RPC_ERROR, "sealed operator set has the wrong shape", version=version, length=len(blob))

    entries = [blob[start : start + SLOT_LENGTH] for start in range(HEADER_LENGTH, len(blob), SLOT_LENGTH)]
    operators = [_parse_slot(slot, entry) for slot, entry in enumerate(entries) if entry != EMPTY_SLOT]
    return OperatorSet(version, tuple(operators))


def compress_g1(x: bytes, y: bytes) -> BlsPublicKey:
    """Compress a G1 point to 48 bytes: x, with flags in its three unused top bits. The contract checked the point."""
    flags = COMPRESSED_FLAG
    if int.from_bytes(y, "big") > FIELD_MODULUS // 2:
        flags |= LARGER_ROOT_FLAG
    return BlsPublicKey(bytes([x[0] | flags]) + x[1:])


def _parse_slot(slot: int, entry: bytes) -> Operator:
    return Operator(
        slot=Slot(slot),
        operator_id=OperatorId(entry[:20]),
        stake=Wei(int.from_bytes(entry[20:32], "big")),
        public_key=compress_g1(entry[32:80], entry[80:128]),
    )
