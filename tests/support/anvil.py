"""A fresh anvil for each test that asks for one.

    pytest_plugins = ["tests.support.anvil"]

`anvil` mines a block for every transaction; `slots_in_an_epoch` = 4 makes the newest 8 blocks reorganisable.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from devnet.anvil import Anvil
from zarathustra.chain.rpc import HttpRpc

REORGANISABLE_BLOCKS = 8


@pytest_asyncio.fixture
async def anvil(tmp_path: Path) -> AsyncIterator[Anvil]:
    async with Anvil(slots_in_an_epoch=REORGANISABLE_BLOCKS // 2, log_file=tmp_path / "anvil.log") as chain:
        yield chain


@pytest_asyncio.fixture
async def rpc(anvil: Anvil) -> AsyncIterator[HttpRpc]:
    async with HttpRpc([anvil.url]) as client:
        yield client


async def mine(rpc: HttpRpc, blocks: int = 1) -> None:
    """Mine empty blocks."""
    await rpc.call("anvil_mine", hex(blocks))


async def reorganise(rpc: HttpRpc, depth: int, transactions: list[Any] | None = None) -> None:
    """Replace the newest `depth` blocks; `transactions`: pairs of a transaction and the new block it goes into."""
    await rpc.call("anvil_reorg", depth, transactions or [])
