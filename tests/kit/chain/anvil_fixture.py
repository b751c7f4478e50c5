"""A fresh anvil for each test that asks for one.

    pytest_plugins = ["tests.kit.chain.anvil_fixture"]

The fixture `anvil` mines a block for every transaction; the fixture `rpc` is a client of it.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from devnet.anvil import Anvil
from tests.kit.chain.anvil import REORGANISABLE_BLOCKS
from zarathustra.chain.rpc import HttpRpc


@pytest_asyncio.fixture
async def anvil(tmp_path: Path) -> AsyncIterator[Anvil]:
    async with Anvil(slots_in_an_epoch=REORGANISABLE_BLOCKS // 2, log_file=tmp_path / "anvil.log") as chain:
        yield chain


@pytest_asyncio.fixture
async def rpc(anvil: Anvil) -> AsyncIterator[HttpRpc]:
    async with HttpRpc([anvil.url]) as client:
        yield client
