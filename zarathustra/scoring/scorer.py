"""Scores models in a jailed worker: starts it, sends it jobs, limits its time, and replaces it when it ends."""

import asyncio
import signal

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Micro
from zarathustra.sandbox.process import JailedProcess, start_jailed
from zarathustra.scoring.jobs import ScoringJob, Versions, encode_job, parse_scores, parse_versions

WORKER_MODULE = "zarathustra.scoring.worker"
NO_VERSIONS = Versions("", "", "")  # until the first worker has started
DEFAULT_SCORE_SECONDS = 300.0  # the work budget takes about 100 s on one core; a slower model is refused


class WorkerDied(Exception):  # noqa: N818  (an event, not yet an error)
    """The worker ended while it scored. `signal_number` is 0 if it exited by itself."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"the worker died, signal {signal_number}")
        self.signal_number = signal_number


class Scorer:
    """Scores models in one persistent jailed worker, one at a time. Use as an async context manager.

    Not safe for concurrent use: the evaluator service holds a lock around it.
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
        """Start a worker unless one runs, and return its versions. Raises Retry(SANDBOX_UNAVAILABLE)."""
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

    async def score(self, job: ScoringJob) -> tuple[Micro, ...]:
        """Return the model's score in each round.

        If the worker ends during the job, a new worker tries the job once more. Raises Invalid with the reason why the
        model has no score, which is CRASH if both workers end. Raises Retry(SANDBOX_UNAVAILABLE) if no worker can be
        started, Retry(MEMORY) if the second worker is killed from outside.
        """
        try:
            return await self._score_once(job)
        except WorkerDied:
            pass  # possibly not the model's fault: try once more
        try:
            return await self._score_once(job)
        except WorkerDied as death:
            if death.signal_number == signal.SIGKILL:  # not sent by this class: the kernel or a person killed it
                raise Retry(Reason.MEMORY, "the worker was killed twice from outside; give it more memory") from death
            raise Invalid(Reason.CRASH, "the model ends its worker", signal=death.signal_number) from death

    async def _score_once(self, job: ScoringJob) -> tuple[Micro, ...]:
        await self.start()
        worker = self._worker
        if worker is None:
            raise WorkerDied(0)
        is_usable = False
        try:
            async with asyncio.timeout(self._score_seconds):
                body = await worker.ask(encode_job(job))
            scores = parse_scores(body, job.rounds)
            is_usable = True
            return scores
        except Invalid:
            is_usable = True  # the worker has answered, so it can be used again
            raise
        except TimeoutError as error:
            raise Invalid(Reason.TIMEOUT, "score model", seconds=self._score_seconds) from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise WorkerDied(await worker.wait_for_signal()) from error
        finally:
            if not is_usable:  # also on cancellation: part of an answer may still arrive
                await self.stop()


async def _start_worker() -> tuple[JailedProcess, Versions]:
    worker, greeting = await start_jailed(WORKER_MODULE)
    try:
        return worker, parse_versions(greeting)
    except Retry:
        await worker.kill()
        raise
