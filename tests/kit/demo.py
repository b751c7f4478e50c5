"""The demo as a process: start it, read its output, find its child processes to kill."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import MappingProxyType

import psutil

from devnet.processes import ROOT

GONE_SECONDS = 20.0


class DemoProcess:
    """`python -m devnet …` in a directory of its own."""

    def __init__(self, process: asyncio.subprocess.Process, directory: Path) -> None:
        self.process = process
        self.directory = directory
        self.lines: list[str] = []

    async def read_until(self, text: str, *, timeout_s: float) -> None:
        """Return once a line with `text` was printed; fail with everything printed when it never comes."""
        async with asyncio.timeout(timeout_s):
            while line := await self._read_line():
                if text in line:
                    return
        raise AssertionError(f"the demo ended before it printed {text!r}:\n" + "\n".join(self.lines))

    async def read_to_end(self, *, timeout_s: float) -> int:
        """Wait for the end and return the exit status."""
        async with asyncio.timeout(timeout_s):
            while await self._read_line():
                pass
            return await self.process.wait()

    def find_child(self, module: str) -> psutil.Process:
        """Return the child process that runs `module`; fail when there is none."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):
                if module in child.cmdline():
                    return child
        raise AssertionError(f"{module} does not run")

    def get_family(self) -> list[psutil.Process]:
        """Return the demo's process and its descendants."""
        demo = psutil.Process(self.process.pid)
        return [demo, *demo.children(recursive=True)]

    async def _read_line(self) -> str:
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode(errors="replace")
        self.lines.append(line.rstrip())
        return line


@asynccontextmanager
async def start_demo(
    command: str, directory: Path, *options: str, environment: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[DemoProcess]:
    """Start `python -m devnet COMMAND OPTIONS`; kill it at the end of the block if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devnet", command, "--directory", str(directory), *options),
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    demo = DemoProcess(process, directory)
    try:
        yield demo
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await process.wait()


async def wait_until_gone(family: list[psutil.Process]) -> list[psutil.Process]:
    """Wait until the processes have ended; return those that still run after GONE_SECONDS."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, GONE_SECONDS)
    return list(alive)
