"""The parent's side: starts a jailed worker, sends it questions, and reports how it ended.

The parent parses no file from a stranger. It forwards bytes and reads answers of at most 4 KiB.
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
START_SECONDS = 120.0  # importing torch takes 4 s with a warm disk cache, much longer without


class JailedProcess:
    """A started worker process. `start_jailed` returns it after its greeting."""

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
        """Send a question and return the answer's body. Raises OSError or IncompleteReadError if the worker ends."""
        for part in parts:
            self._writer.write(part)
            await self._writer.drain()
        return await self.read_answer()

    async def read_answer(self) -> bytes:
        """Return the body of the next answer. The first one is the greeting."""
        (length,) = ANSWER_HEADER.unpack(await self._reader.readexactly(ANSWER_HEADER.size))
        if length > MAX_ANSWER_BYTES:
            raise OSError("the worker's answer is too long")
        return await self._reader.readexactly(length)

    async def wait_for_signal(self) -> int:
        """Return the signal that ended the worker, or 0 for an exit.

        Kills a worker that has closed its socket but still runs after 1 s, and returns 0.
        """
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
    """Start `python -m MODULE <socket fd> <parent pid>` with an empty environment. Return the process and its greeting.

    The module must call `worker.serve_jailed`. Raises Retry(SANDBOX_UNAVAILABLE) if no greeting arrives.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-B", "-s", "-m", module, str(theirs.fileno()), str(os.getpid()),
            env={},  # not even PATH: nothing in it that could leak
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
