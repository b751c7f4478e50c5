"""Scores models in a jailed worker: starts it, feeds it, times it, and replaces it when it dies."""

import asyncio
import signal

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Micro
from zarathustra.sandbox.process import JailedProcess, start_jailed
from zarathustra.scoring.jobs import Job, Versions, encode_job, parse_scores, parse_versions

WORKER_MODULE = "zarathustra.scoring.worker"
NO_VERSIONS = Versions("", "", "")  # before the first worker
DEFAULT_SCORE_SECONDS = 300.0  # the work budget is about 100 s on one core; past this the model stalls on purpose


class WorkerDied(Exception):  # noqa: N818  (an event, not yet anyone's error)
    """The worker ended while it scored. `signal_number` is 0 if it exited by itself."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"the worker died, signal {signal_number}")
        self.signal_number = signal_number


class Scorer:
    """Scores models in one persistent jailed worker, one at a time. Use as an async context manager.

    Not for concurrent callers: the evaluator above it holds the lock.
    """

    def __init__(self, *, score_seconds: float = DEFAULT_SCORE_SECONDS) -> None:
        self._score_seconds = score_seconds
        self._worker: JailedProcess | None = None
        self._versions = NO_VERSIONS
        self.starts = 0

    async def __aenter__(self) -> "Scorer":
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
            self._worker, self._versions = await _start_worker()
            self.starts += 1
        return self._versions

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
                body = await worker.ask(encode_job(job))
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


async def _start_worker() -> tuple[JailedProcess, Versions]:
    worker, greeting = await start_jailed(WORKER_MODULE)
    try:
        return worker, parse_versions(greeting)
    except Retry:
        await worker.kill()
        raise
