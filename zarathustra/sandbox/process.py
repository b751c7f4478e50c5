"""The parent's side: starts a jailed worker, asks it, and tells how it ended.

The parent parses no file of a stranger: it forwards bytes, and reads at most 4 KiB back.
"""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from pathlib import Path

from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.sandbox.frames import ANSWER_HEADER, MAX_ANSWER_BYTES

PACKAGE_ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0  # torch's import takes 4 s from a warm disk, far longer from a cold one


class JailedProcess:
    """A running worker that has greeted."""

    def __init__(self, process: Process, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self._process = process
        self._reader, self._writer = streams

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, parts: Sequence[bytes]) -> bytes:
        """Send a question and return the answer's body. Raises OSError or IncompleteReadError when the worker ends."""
        for part in parts:
            self._writer.write(part)
            await self._writer.drain()
        return await self.read_answer()

    async def read_answer(self) -> bytes:
        """The next answer's body; the first one is the greeting."""
        (length,) = ANSWER_HEADER.unpack(await self._reader.readexactly(ANSWER_HEADER.size))
        if length > MAX_ANSWER_BYTES:
            raise OSError("the worker floods its answer")
        return await self._reader.readexactly(length)

    async def wait_for_signal(self) -> int:
        """The signal that ended it, 0 for an exit. A worker that only closed its socket is ended first."""
        try:
            async with asyncio.timeout(1):
                return -min(await self._process.wait(), 0)
        except TimeoutError:
            await self.kill()
            return 0

    async def kill(self) -> None:
        self._writer.close()
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


async def start_jailed(module: str) -> tuple[JailedProcess, bytes]:
    """Start `python -m MODULE <socket fd> <parent pid>` with an empty environment; the process and its greeting.

    The module is to call `worker.serve_jailed`. Raises Retry(SANDBOX_UNAVAILABLE) when no greeting comes.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-B", "-s", "-m", module, str(theirs.fileno()), str(os.getpid()),
            env={},  # not even PATH: what is not there cannot leak
            cwd=PACKAGE_ROOT,
            stdin=DEVNULL,
            stdout=DEVNULL,
            pass_fds=(theirs.fileno(),),
        )  # fmt: skip
    jailed = JailedProcess(process, await asyncio.open_unix_connection(sock=ours))
    greeting = b""
    try:
        async with asyncio.timeout(START_SECONDS):
            greeting = await jailed.read_answer()
    except (OSError, asyncio.IncompleteReadError) as error:  # TimeoutError is an OSError
        raise Retry(Reason.SANDBOX_UNAVAILABLE, "start worker; its output is above this line") from error
    finally:
        if not greeting:  # also on cancellation
            await jailed.kill()
    return jailed, greeting
