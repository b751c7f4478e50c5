"""Anvil's own calls: mine blocks, and replace them."""

from typing import Any

from zarathustra.chain.rpc import Rpc

MINED_AT_ONCE = 1_000
REORGANISABLE_BLOCKS = 8  # of the fixture's chain: 2 × its slots in an epoch


async def mine(rpc: Rpc, blocks: int = 1) -> None:
    """Mine empty blocks, a thousand at a time: more take longer than a request may."""
    for start in range(0, blocks, MINED_AT_ONCE):
        await rpc.call("anvil_mine", hex(min(MINED_AT_ONCE, blocks - start)))


async def reorganise(rpc: Rpc, depth: int, transactions: list[Any] | None = None) -> None:
    """Replace the newest `depth` blocks; `transactions`: pairs of a transaction and the new block it goes into."""
    await rpc.call("anvil_reorg", depth, transactions or [])
