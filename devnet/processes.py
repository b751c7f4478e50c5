"""Keeps service processes running as Kubernetes does: readiness probes, restarts with back-off, ordered stop."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from devnet.children import Child, end_child, get_pid, spawn_child

ROOT = Path(__file__).resolve().parents[1]

FIRST_BACKOFF_S = 0.25
MAX_BACKOFF_S = 8.0
STEADY_S = 20.0  # a service that ran this long starts again with the first back-off
STOP_DEADLINE_S = 10.0
READY_POLL_S = 0.1
LOG_TAIL_BYTES = 2_000


class ProcessError(Exception):
    """A service does not become ready; the message ends with the tail of its log."""


@dataclass(frozen=True)
class ProcessSpec:
    """How to run one service. `ready_url` answers 200 when the service is ready."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    ready_url: str


@dataclass
class Process:
    """One service and its restarts."""

    spec: ProcessSpec
    log_file: Path
    restarts: int = 0
    _child: Child | None = field(default=None, repr=False)

    @property
    def pid(self) -> int | None:
        return get_pid(self._child)

    async def spawn(self) -> Child:
        """Start the child process; its output goes to the log file."""
        # Of our own environment, pass on only what is needed to find Python and a home directory.
        base = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        environment = {**base, **self.spec.environment}
        self._child = await spawn_child(self.spec.command, self.log_file, environment=environment, directory=ROOT)
        return self._child

    async def end(self) -> None:
        """Send SIGTERM, and SIGKILL after the deadline."""
        await end_child(self._child, deadline_s=STOP_DEADLINE_S)

    def read_log_tail(self) -> str:
        return self.log_file.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")


class Supervisor:
    """Runs processes and restarts those that end. Use as an async context manager: its exit stops all of them."""

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._processes: dict[str, Process] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._is_stopping = False

    async def __aenter__(self) -> "Supervisor":
        self._log_dir.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    @property
    def processes(self) -> tuple[Process, ...]:
        return tuple(self._processes.values())

    def start(self, spec: ProcessSpec) -> Process:
        """Start a service and keep it running."""
        process = Process(spec, self._log_dir / f"{spec.name}.log")
        self._processes[spec.name] = process
        self._keepers.append(asyncio.create_task(self._keep_running(process), name=spec.name))
        return process

    def kill(self, name: str) -> None:
        """Send SIGKILL to one service, like a crash; it is restarted."""
        pid = self._processes[name].pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    async def wait_until_ready(self, names: Sequence[str], *, timeout_s: float) -> None:
        """Return once all the named services are ready. Raises ProcessError with the log of one that is not."""
        deadline = time.monotonic() + timeout_s
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            for name in names:
                process = self._processes[name]
                while not await _is_ready(session, process.spec.ready_url):
                    if time.monotonic() > deadline:
                        raise ProcessError(f"{name} is not ready after {timeout_s:.0f} s:\n{process.read_log_tail()}")
                    await asyncio.sleep(READY_POLL_S)

    async def stop(self) -> None:
        """Send SIGTERM to all, then SIGKILL to those that still run after the deadline. Idempotent."""
        self._is_stopping = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers.clear()
        await asyncio.gather(*(process.end() for process in self._processes.values()))

    async def _keep_running(self, process: Process) -> None:
        backoff = FIRST_BACKOFF_S
        while not self._is_stopping:
            started = time.monotonic()
            child = await process.spawn()
            await child.wait()
            process.restarts += 1
            backoff = FIRST_BACKOFF_S if time.monotonic() - started > STEADY_S else min(backoff * 2, MAX_BACKOFF_S)
            await asyncio.sleep(backoff)


def python_service(module: str) -> tuple[str, ...]:
    """Return the command that runs one of our own modules with this interpreter."""
    return (sys.executable, "-m", module)


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
