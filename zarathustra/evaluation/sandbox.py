"""The parent's side of the jailed worker: starts it, feeds it, times it, and replaces it when it dies.

The parent parses no file of a stranger: it forwards bytes, and reads at most 4 KiB of strict JSON back.
"""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Micro
from zarathustra.evaluation.frames import (
    ANSWER_HEADER,
    MAX_ANSWER_BYTES,
    Job,
    Versions,
    encode_job_header,
    parse_scores,
    parse_versions,
)

WORKER_MODULE = "zarathustra.evaluation.worker"
PACKAGE_ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0  # torch's import takes 4 s from a warm disk, far longer from a cold one
DEFAULT_SCORE_SECONDS = 300.0  # the work budget is about 100 s on one core; past this the model stalls on purpose


class WorkerDied(Exception):  # noqa: N818  (an event, not yet anyone's error)
    """The worker ended while it scored. `signal_number` is 0 if it exited by itself."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"the worker died, signal {signal_number}")
        self.signal_number = signal_number


class Sandbox:
    """Scores models in one persistent jailed worker, one at a time. Use as an async context manager.

    Not for concurrent callers: the evaluator above it holds the lock.
    """

    def __init__(self, *, score_seconds: float = DEFAULT_SCORE_SECONDS) -> None:
        self._score_seconds = score_seconds
        self._worker: _Worker | None = None
        self.starts = 0

    async def __aenter__(self) -> "Sandbox":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def worker_pid(self) -> int | None:
        return None if self._worker is None else self._worker.pid

    async def start(self) -> Versions:
        """Make sure that a worker runs; what it computes with. Raises Retry(SANDBOX_UNAVAILABLE)."""
        if self._worker is not None and not self._worker.is_alive:
            await self.stop()
        if self._worker is None:
            self._worker = await _start_worker()
            self.starts += 1
        return self._worker.versions

    async def stop(self) -> None:
        """End the worker. Idempotent."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.kill()

    async def score(self, job: Job) -> tuple[Micro, ...]:
        """The model's score of each round.

        Raises Invalid with the reason it has none, Retry if no worker can be started or something outside keeps
        killing it. A worker that dies is replaced and the job tried once more: only a second death is the model's.
        """
        try:
            return await self._score_once(job)
        except WorkerDied:
            pass  # perhaps an accident from outside
        try:
            return await self._score_once(job)
        except WorkerDied as death:
            if death.signal_number == signal.SIGKILL:  # we did not send it: the kernel or a person did
                raise Retry(Reason.MEMORY, "the worker was killed twice from outside; give it more memory") from death
            raise Invalid(Reason.CRASH, "the model ends its worker", signal=death.signal_number) from death

    async def _score_once(self, job: Job) -> tuple[Micro, ...]:
        await self.start()
        worker = self._worker
        if worker is None:
            raise WorkerDied(0)
        is_usable = False
        try:
            async with asyncio.timeout(self._score_seconds):
                body = await worker.ask(job)
            scores = _parse(body, job.rounds)
            is_usable = True
        except TimeoutError as error:
            raise Invalid(Reason.TIMEOUT, "score model", seconds=self._score_seconds) from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise WorkerDied(await worker.wait_for_signal()) from error
        finally:
            if not is_usable:  # also on cancellation: half an answer may still be on its way
                await self.stop()
        if isinstance(scores, Invalid):
            raise scores
        return scores


def _parse(body: bytes, rounds: int) -> tuple[Micro, ...] | Invalid:
    """The scores, or the worker's own verdict as a value: after that the worker is still good."""
    try:
        return parse_scores(body, rounds)
    except Invalid as verdict:
        return verdict


class _Worker:
    """A running, greeted worker."""

    def __init__(self, process: Process, streams: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self._process = process
        self._reader, self._writer = streams
        self.versions = Versions("", "", "")

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.returncode is None

    async def greet(self) -> None:
        self.versions = parse_versions(await self._read_answer())

    async def ask(self, job: Job) -> bytes:
        self._writer.write(encode_job_header(job))
        for part in (job.architecture, job.evaluator, job.parameters):
            self._writer.write(part)
            await self._writer.drain()
        return await self._read_answer()

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

    async def _read_answer(self) -> bytes:
        (length,) = ANSWER_HEADER.unpack(await self._reader.readexactly(ANSWER_HEADER.size))
        if length > MAX_ANSWER_BYTES:
            raise OSError("the worker floods its answer")
        return await self._reader.readexactly(length)


async def _start_worker() -> _Worker:
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-B", "-s", "-m", WORKER_MODULE, str(theirs.fileno()), str(os.getpid()),
            env={},  # not even PATH: what is not there cannot leak
            cwd=PACKAGE_ROOT,
            stdin=DEVNULL,
            stdout=DEVNULL,
            pass_fds=(theirs.fileno(),),
        )  # fmt: skip
    worker = _Worker(process, await asyncio.open_unix_connection(sock=ours))
    try:
        async with asyncio.timeout(START_SECONDS):
            await worker.greet()
    except (OSError, asyncio.IncompleteReadError, Invalid) as error:  # TimeoutError is an OSError
        raise Retry(Reason.SANDBOX_UNAVAILABLE, "start worker; its output is above this line") from error
    finally:
        if not worker.versions.torch:
            await worker.kill()
    return worker
