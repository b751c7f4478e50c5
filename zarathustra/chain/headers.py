"""Block headers in the bytes that their hash covers: the proof of a block's PREVRANDAO, from which seeds are derived.

No node has to offer raw headers: they are built from the answer to `eth_getBlockByNumber`, and used only if they hash
to the block's hash. A fork that adds a field needs a line here; a header that lacks it fails that comparison.
"""

from collections.abc import Mapping
from typing import Any, Final

import rlp
from eth_hash.auto import keccak

from zarathustra.chain.port import SeedHeader
from zarathustra.chain.quantities import format_quantity, parse_data, parse_field, parse_quantity
from zarathustra.chain.rpc import Rpc
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO32, BlockNumber

# The fields in their order (Yellow Paper, EIP-1559, 4895, 4844, 4788, 7685, 7928, 7843). Numbers are quantities.
NUMBERS: Final = frozenset(
    {
        "difficulty",
        "number",
        "gasLimit",
        "gasUsed",
        "timestamp",
        "baseFeePerGas",
        "blobGasUsed",
        "excessBlobGas",
        "slotNumber",
    }
)
FIELDS: Final = (
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
    "blockAccessListHash",
    "slotNumber",
)
FRONTIER_FIELDS: Final = 15  # every header has these; the later ones are missing before their fork


async def fetch_seed_header(rpc: Rpc, number: BlockNumber) -> SeedHeader:
    """Return the header of the block that is canonical now at that number.

    Raises Retry(NO_SEED) while the node does not have the block, and Retry(RPC_ERROR) when it answers another block or
    fields that do not hash to the block's hash. Raises Invalid(NO_RANDOMNESS) for a block without randomness, which the
    contract refuses too: the first block, or any block of a chain that has no beacon chain.
    """
    header: SeedHeader = await rpc.call(
        "eth_getBlockByNumber", format_quantity(number), False, parse=lambda answer: _parse_seed_header(answer, number)
    )
    if header.prev_randao == ZERO32:
        raise Invalid(Reason.NO_RANDOMNESS, "seed block has no randomness", number=number)
    return header


def _parse_seed_header(answer: Any, number: BlockNumber) -> SeedHeader:
    if answer is None:
        raise Retry(Reason.NO_SEED, "read seed block", number=number)
    if parse_quantity(parse_field(answer, "number")) != number:
        raise Retry(Reason.RPC_ERROR, "node answered another block", number=number)
    encoded = encode_header(answer)
    if keccak(encoded) != parse_data(parse_field(answer, "hash"), length=32):
        raise Retry(Reason.RPC_ERROR, "block's fields do not hash to its hash", number=number)
    return SeedHeader(encoded, parse_data(parse_field(answer, "mixHash"), length=32))


def encode_header(answer: Mapping[str, Any]) -> bytes:
    """Return the RLP of a header in a node's answer. Raises Retry(RPC_ERROR) when a field is malformed or missing."""
    present = [name for name in FIELDS[FRONTIER_FIELDS:] if answer.get(name) is not None]
    encoded: bytes = rlp.encode([_encode_field(answer, name) for name in (*FIELDS[:FRONTIER_FIELDS], *present)])
    return encoded


def _encode_field(answer: Mapping[str, Any], name: str) -> bytes:
    value = parse_field(answer, name)
    if name not in NUMBERS:
        return parse_data(value)
    number = parse_quantity(value)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
