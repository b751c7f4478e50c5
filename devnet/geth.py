"""One chain of go-ethereum on loopback: `geth --dev`, the code that most of Ethereum runs, under the rules of Osaka.

geth is no part of the project's packages. It is the program that the variable DEVNET_GETH names, or `geth` on the PATH.

In its development mode geth mines a block when a transaction or a withdrawal is there. So an empty withdrawal mines a
block on demand, and one each second keeps the chain going. The newest final block is the newest multiple of 32.

The mode's own genesis also switches on drafts of later forks, with other costs of gas. So the chain starts from that
genesis without them, and with an account from which others are funded.
"""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from devnet.anvil import DEFAULT_CHAIN_ID
from devnet.chain import ChainError
from devnet.children import (
    LOG_TAIL_BYTES,
    Child,
    ChildEndedError,
    end_child,
    get_pid,
    kill_child,
    spawn_child,
    wait_for_output,
)
from zarathustra.chain.calls import LATEST
from zarathustra.chain.quantities import format_data, format_quantity, parse_quantity
from zarathustra.chain.rpc import HttpRpc, Rpc
from zarathustra.chain.transactions import Sender, Transaction
from zarathustra.core.errors import Retry
from zarathustra.core.types import ZERO_ADDRESS, Address, Wei
from zarathustra.sdk.client import log_intent
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import EcdsaSecretKey

VERSION: Final = "1.17.10"  # with which the tests were run
BINARY_VARIABLE: Final = "DEVNET_GETH"
INSTALL_HINT: Final = (
    f"go install github.com/ethereum/go-ethereum/cmd/geth@v{VERSION} installs it; "
    f"then put it on the PATH or name it in {BINARY_VARIABLE}"
)
FORKS: Final = frozenset({"shanghaiTime", "cancunTime", "pragueTime", "osakaTime"})  # later ones are left out
SUPPLY: Final = Wei(10**30)  # of the account that funds others
HOST: Final = "127.0.0.1"
GAS_LIMIT: Final = 30_000_000

START_DEADLINE_S: Final = 30.0  # usually 0.3
STOP_DEADLINE_S: Final = 10.0
COMMAND_DEADLINE_S: Final = 30.0  # usually 0.5
MINE_DEADLINE_S: Final = 30.0  # usually 0.01
POLL_S: Final = 0.01

_LISTENING: Final = re.compile(rb"HTTP server started +endpoint=127\.0\.0\.1:(\d+)")
_EMPTY_WITHDRAWAL: Final = {
    "index": "0x0",
    "validatorIndex": "0x0",
    "address": format_data(ZERO_ADDRESS),
    "amount": "0x0",
}


class GethError(ChainError):
    """geth is not installed, or cannot be started."""


def find_geth(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the path of geth. Raises GethError that says how to install it."""
    named = environment.get(BINARY_VARIABLE)
    found = shutil.which(named or "geth", path=environment.get("PATH", ""))
    if found is None:
        where = f"{BINARY_VARIABLE} names no program: {named}" if named else "there is no geth on the PATH"
        raise GethError(f"{where}; {INSTALL_HINT}")
    return Path(found)


class Geth:
    """A chain process; use as an async context manager. Its state is lost when it stops.

    Without `block_time_s` a block is mined for every transaction only, with it also each time that has passed. The
    process ends with the thread that started it (Linux).
    """

    def __init__(
        self,
        *,
        chain_id: int = DEFAULT_CHAIN_ID,
        block_time_s: float | None = None,
        log_file: Path | None = None,
    ) -> None:
        self.name = "geth"
        self.chain_id = chain_id
        self.port = 0
        self.log_file = log_file or Path(tempfile.mkdtemp(prefix="geth-")) / "geth.log"
        self._block_time_s = block_time_s
        self._faucet = EcdsaSecretKey.generate()
        self._funding = asyncio.Lock()
        self._process: Child | None = None
        self._ticking: asyncio.Task[None] | None = None

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
        """Start a new chain on a free port and return once it listens."""
        binary = find_geth()
        data = await asyncio.to_thread(self._prepare, binary)
        self._process = await spawn_child(
            _build_command(binary, data), self.log_file, environment=_clean_environment(os.environ)
        )
        try:
            async with asyncio.timeout(START_DEADLINE_S):
                self.port = await self._wait_until_listening(self._process)
        except BaseException:
            await kill_child(self._process)
            shutil.rmtree(self._data, ignore_errors=True)
            raise
        if self._block_time_s is not None:
            self._ticking = asyncio.create_task(self._tick(self._block_time_s))

    async def stop(self) -> None:
        """Stop the process in order. Does nothing when it does not run."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
            self._ticking = None
        await end_child(self._process, deadline_s=STOP_DEADLINE_S)
        self._process = None
        shutil.rmtree(self._data, ignore_errors=True)

    async def fund(self, rpc: Rpc, address: Address, amount: Wei) -> None:
        """See `devnet.chain.DevelopmentChain`. A transfer pays what is missing."""
        async with self._funding:  # one at a time: each sender reads the account's next nonce from the chain
            missing = amount - parse_quantity(await rpc.call("eth_getBalance", format_data(address), LATEST))
            if missing > 0:
                sender = Sender(rpc, self._faucet.reveal(), chain_id=self.chain_id, on_intent=log_intent, poll_s=POLL_S)
                await sender.send(Transaction(address, b"", Wei(missing)))

    async def mine(self, rpc: Rpc) -> None:
        """See `devnet.chain.DevelopmentChain`."""
        before = await _fetch_block_number(rpc)
        await rpc.call("dev_addWithdrawal", _EMPTY_WITHDRAWAL)
        async with asyncio.timeout(MINE_DEADLINE_S):
            while await _fetch_block_number(rpc) == before:
                await asyncio.sleep(POLL_S)

    @property
    def _data(self) -> Path:
        return self.log_file.parent / "geth-data"

    def _prepare(self, binary: Path) -> Path:
        """Create the chain's first block, and return the folder of its data."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self.log_file.write_bytes(b"")
        shutil.rmtree(self._data, ignore_errors=True)
        dumped = json.loads(_run_geth(binary, "--dev", "dumpgenesis"))
        genesis = build_genesis(dumped, chain_id=self.chain_id, faucet=compute_address(self._faucet))
        self._data.mkdir()
        file = self._data / "genesis.json"
        file.write_text(json.dumps(genesis))
        _run_geth(binary, "init", "--datadir", str(self._data), str(file))
        return self._data

    async def _tick(self, block_time_s: float) -> None:
        """Mine a block each `block_time_s`."""
        async with HttpRpc([self.url]) as rpc:
            while True:
                await asyncio.sleep(block_time_s)
                with contextlib.suppress(Retry, TimeoutError):  # busy, or stopped: its users notice
                    await self.mine(rpc)

    async def _wait_until_listening(self, process: Child) -> int:
        """Return the port that geth prints once it has bound the socket."""
        try:
            return int((await wait_for_output(process, self.log_file, _LISTENING))[1])
        except ChildEndedError as error:
            raise GethError(f"geth ended while starting:\n{error}") from None


def build_genesis(dumped: Mapping[str, Any], *, chain_id: int, faucet: Address) -> dict[str, Any]:
    """Return the genesis of the development mode with our chain id, account and gas limit, and the rules of FORKS."""
    config = {name: value for name, value in dumped["config"].items() if not name.endswith("Time") or name in FORKS}
    blobs = config["blobSchedule"]
    return {
        **dumped,
        "config": {**config, "chainId": chain_id, "blobSchedule": {"osaka": blobs["prague"], **blobs}},
        "gasLimit": format_quantity(GAS_LIMIT),
        "alloc": {**dumped["alloc"], faucet.hex(): {"balance": format_quantity(SUPPLY)}},
    }


def _run_geth(binary: Path, *arguments: str) -> str:
    """Run a command of geth to its end and return its output. Raises GethError."""
    try:
        done = subprocess.run(
            [str(binary), *arguments],
            env=_clean_environment(os.environ),
            capture_output=True,
            text=True,
            check=True,
            timeout=COMMAND_DEADLINE_S,
        )
    except subprocess.CalledProcessError as error:
        raise GethError(f"geth {' '.join(arguments)} failed:\n{error.stderr[-LOG_TAIL_BYTES:]}") from error
    return done.stdout


def _build_command(binary: Path, data: Path) -> list[str]:
    command = [str(binary), "--dev", "--datadir", str(data), "--lightkdf", "--cache", "64"]
    command += ["--http", "--http.addr", HOST, "--http.port", "0", "--http.api", "eth,net,web3,dev"]
    return [*command, "--ipcdisable", "--nodiscover", "--maxpeers", "0", "--port", "0"]


def _clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that geth needs: it would read flags from others, such as GETH_HTTP_PORT."""
    return {name: environment[name] for name in ("PATH", "HOME", "TMPDIR") if name in environment}


async def _fetch_block_number(rpc: Rpc) -> int:
    return parse_quantity(await rpc.call("eth_blockNumber"))
