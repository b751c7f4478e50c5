"""One anvil chain on loopback, from its platform package alone: no Foundry installation, no node wrapper.

The accounts are those of the well-known development mnemonic, so their keys are public: never use them elsewhere.
"""

import asyncio
import platform
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self

from devnet.chain import ChainError
from devnet.children import (
    Child,
    ChildEndedError,
    end_child,
    get_pid,
    kill_child,
    spawn_child,
    wait_for_output,
)
from zarathustra.chain.rpc import Rpc
from zarathustra.core.types import Address, Wei

DEV_MNEMONIC: Final = "test test test test test test test test test test test junk"
DEFAULT_CHAIN_ID: Final = 31_337
HOST: Final = "127.0.0.1"

START_DEADLINE_S: Final = 30.0  # usually 0.1; a loaded two-core machine needs seconds
STOP_DEADLINE_S: Final = 5.0

_PACKAGES: Final = Path(__file__).resolve().parent.parent / "contracts" / "node_modules" / "@foundry-rs"
_MACHINES: Final[Mapping[str, str]] = MappingProxyType(
    {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
)
_LISTENING: Final = re.compile(rb"Listening on 127\.0\.0\.1:(\d+)")


class AnvilError(ChainError):
    """anvil cannot be started."""


def find_binary(packages: Path = _PACKAGES) -> Path:
    """Return the path of this platform's anvil. Raises AnvilError when its package is not installed."""
    machine = platform.machine().lower()
    system = "win32" if sys.platform == "win32" else sys.platform
    binary = packages / f"anvil-{system}-{_MACHINES.get(machine, machine)}" / "bin" / "anvil"
    if not binary.exists():
        raise AnvilError(f"no anvil at {binary}; install the packages of contracts/package.json")
    return binary


class Anvil:
    """A chain process; use as an async context manager. Its state is lost when it stops.

    Without `block_time_s` a block is mined for every transaction. `finalized` is 2 × `slots_in_an_epoch` blocks behind
    the head: a deeper `anvil_reorg` is a fork below finalized. With a fixed `genesis_time_s`, and times and base fees
    set for each block, equal transactions give equal hashes. The process ends with the thread that started it (Linux),
    so a killed test run leaves no process behind.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        chain_id: int = DEFAULT_CHAIN_ID,
        block_time_s: int | None = None,
        slots_in_an_epoch: int = 1,
        genesis_time_s: int | None = None,
        log_file: Path | None = None,
    ) -> None:
        self.name = "anvil"
        self.chain_id = chain_id
        self.port = port
        self.log_file = log_file or Path(tempfile.mkdtemp(prefix="anvil-")) / "anvil.log"
        self._block_time_s = block_time_s
        self._slots_in_an_epoch = slots_in_an_epoch
        self._genesis_time_s = genesis_time_s
        self._process: Child | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The address where it answers JSON-RPC; known once it has started."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return get_pid(self._process)

    async def start(self) -> None:
        """Start a new chain and return once it listens. With port 0 it picks a free port and keeps it."""
        if self.pid is not None:
            raise AnvilError(f"anvil on port {self.port} runs already")

        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self.log_file.write_bytes(b"")  # the line that names the port must come from this run
        self._process = await spawn_child(self._build_command(), self.log_file)
        try:
            async with asyncio.timeout(START_DEADLINE_S):
                self.port = await self._wait_until_listening(self._process)
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Stop the process in order. Does nothing when it does not run."""
        await end_child(self._process, deadline_s=STOP_DEADLINE_S)
        self._process = None

    async def kill(self) -> None:
        """Send SIGKILL, like a crash."""
        await kill_child(self._process)
        self._process = None

    async def fund(self, rpc: Rpc, address: Address, amount: Wei) -> None:
        """See `devnet.chain.DevelopmentChain`. Sets the balance to `amount`."""
        await rpc.call("anvil_setBalance", "0x" + address.hex(), hex(amount))

    async def mine(self, rpc: Rpc) -> None:
        """See `devnet.chain.DevelopmentChain`. The chain's clock moves on by a second with each such block."""
        await rpc.call("anvil_mine", hex(1), hex(1))

    def _build_command(self) -> list[str]:
        command = [str(find_binary()), "--host", HOST, "--port", str(self.port), "--hardfork", "prague"]
        command += ["--chain-id", str(self.chain_id), "--mnemonic", DEV_MNEMONIC]
        command += ["--slots-in-an-epoch", str(self._slots_in_an_epoch)]
        if self._block_time_s is not None:
            command += ["--block-time", str(self._block_time_s)]
        if self._genesis_time_s is not None:
            command += ["--timestamp", str(self._genesis_time_s)]
        return command

    async def _wait_until_listening(self, process: Child) -> int:
        """Return the port that anvil prints: it does so after it has bound the socket."""
        try:
            return int((await wait_for_output(process, self.log_file, _LISTENING))[1])
        except ChildEndedError as error:
            raise AnvilError(f"anvil ended while starting:\n{error}") from None
