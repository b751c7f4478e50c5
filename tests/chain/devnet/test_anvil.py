"""The test chain as a process."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from devnet.anvil import Anvil, AnvilError, find_binary
from tests.kit.paths import ROOT
from tests.kit.waiting import until
from zarathustra.chain.quantities import parse_quantity
from zarathustra.chain.rpc import HttpRpc

pytestmark = pytest.mark.chain


CHILD = """
import asyncio, os, signal
from devnet.anvil import Anvil

async def main():
    chain = Anvil()
    await chain.start()
    print(chain.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_anvil__started__answers_with_its_chain_id(tmp_path: Path) -> None:
    async with Anvil(chain_id=4_242, log_file=tmp_path / "anvil.log") as chain, HttpRpc([chain.url]) as rpc:
        assert parse_quantity(await rpc.call("eth_chainId")) == 4_242
        assert chain.pid is not None
    assert chain.pid is None


async def test_anvil__block_time__mines_by_itself(tmp_path: Path) -> None:
    async with Anvil(block_time_s=1, log_file=tmp_path / "anvil.log") as chain, HttpRpc([chain.url]) as rpc:

        async def has_mined() -> bool:
            return parse_quantity(await rpc.call("eth_blockNumber")) > 0

        await until(has_mined)


async def test_anvil__killed_and_started__same_port_empty_chain(tmp_path: Path) -> None:
    chain = Anvil(log_file=tmp_path / "anvil.log")
    await chain.start()
    port = chain.port
    async with HttpRpc([chain.url]) as rpc:
        await rpc.call("anvil_mine", hex(3))
    await chain.kill()
    await chain.start()
    async with HttpRpc([chain.url]) as rpc:
        assert parse_quantity(await rpc.call("eth_blockNumber")) == 0
    assert chain.port == port
    await chain.stop()


async def test_anvil__port_taken__says_why(tmp_path: Path) -> None:
    async with Anvil(log_file=tmp_path / "first.log") as first:
        with pytest.raises(AnvilError, match="ended while starting"):
            await Anvil(port=first.port, log_file=tmp_path / "second.log").start()


def test_find_binary__not_installed__says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(AnvilError, match=r"package\.json"):
        find_binary(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals a child when its parent ends")
async def test_anvil__parent_killed__ends_too() -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    output, _ = await child.communicate()
    assert child.returncode == -signal.SIGKILL
    await until(lambda: not is_running(int(output)))


def is_running(pid: int) -> bool:
    """Return whether the process runs; a zombie does not."""
    try:
        return os.readlink(f"/proc/{pid}/exe") != ""
    except OSError:
        return False
