"""A chain of blocks with logs, in the JSON of a node: what the scripted nodes of `sick_node` serve."""

from dataclasses import dataclass, field
from typing import Any

from eth_hash.auto import keccak

from tests.kit.derived import derive_bytes

BLOOM_BITS = 2_048
CONTRACT = b"\xc0" * 20
TOPIC = b"\x70" * 32
GENESIS_TIME_S = 1_700_000_000
BLOCK_S = 12


@dataclass
class LedgerBlock:
    """One block; its logs are (address, first topic, data)."""

    number: int
    block_hash: bytes
    parent_hash: bytes
    logs: tuple[tuple[bytes, bytes, bytes], ...]
    bloom: int

    def to_json(self) -> dict[str, Any]:
        return {
            "number": hex(self.number),
            "hash": _hex(self.block_hash),
            "parentHash": _hex(self.parent_hash),
            "timestamp": hex(GENESIS_TIME_S + BLOCK_S * self.number),
            "logsBloom": _hex(self.bloom.to_bytes(BLOOM_BITS // 8, "big")),
            "baseFeePerGas": hex(10**9),
        }

    def list_logs(self) -> list[dict[str, Any]]:
        return [
            {
                "address": _hex(address),
                "topics": [_hex(topic)],
                "data": _hex(data),
                "blockNumber": hex(self.number),
                "blockHash": _hex(self.block_hash),
                "transactionHash": _hex(derive_bytes(32, "transaction", self.number, place)),
                "logIndex": hex(place),
            }
            for place, (address, topic, data) in enumerate(self.logs)
        ]

    def list_receipts(self) -> list[dict[str, Any]]:
        """One transaction for each log."""
        return [
            {"blockHash": _hex(self.block_hash), "transactionHash": log["transactionHash"], "logs": [log]}
            for log in self.list_logs()
        ]


@dataclass
class Ledger:
    """Blocks from number 0 to the head. `final`: the newest block that cannot change; None: none is named."""

    chain_id: int = 1
    final: int | None = 0
    blocks: list[LedgerBlock] = field(default_factory=list)
    _branch: int = 0

    def __post_init__(self) -> None:
        self.mine()

    @property
    def head(self) -> int:
        return len(self.blocks) - 1

    def mine(self, count: int = 1, *, logs: int = 0, address: bytes = CONTRACT, topic: bytes = TOPIC) -> None:
        """Append blocks, each with so many logs."""
        for _ in range(count):
            number = len(self.blocks)
            content = tuple((address, topic, bytes([place % 256])) for place in range(logs))
            bloom = build_bloom([item for entry in content for item in entry[:2]])
            parent = self.blocks[-1].block_hash if self.blocks else bytes(32)
            name = derive_bytes(32, "ledger", self.chain_id, self._branch, number)
            self.blocks.append(LedgerBlock(number, name, parent, content, bloom))

    def reorganise(self, depth: int, *, mined: int, logs: int = 0) -> None:
        """Replace the newest `depth` blocks by others."""
        self._branch += 1
        del self.blocks[len(self.blocks) - depth :]
        self.mine(mined, logs=logs)


def build_bloom(items: list[bytes]) -> int:
    """Build a bloom by the rules of the Yellow Paper, without the code that production uses."""
    bits = [False] * BLOOM_BITS
    for item in items:
        digest = keccak(item)
        for pair in range(3):
            bits[(digest[2 * pair] * 256 + digest[2 * pair + 1]) % BLOOM_BITS] = True
    return sum(1 << place for place, bit in enumerate(bits) if bit)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
