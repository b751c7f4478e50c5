"""Fetches a task's artefacts, asks the evaluator service, and concludes. Performer and attester use the same code.

The project owner is responsible for architecture, evaluator and champion, the contributor for the challenger. An
invalid artefact leads to a code (EVALUATOR_FAILED or INVALID). An artefact that no node serves now raises Retry.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from zarathustra.core.digests import input_hash
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.outcomes import Code
from zarathustra.core.promotion import Scores
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Task
from zarathustra.core.types import Cid, Seed
from zarathustra.duty.room import ByteRoom
from zarathustra.formats.limits import MAX_ARCHITECTURE_BYTES, MAX_EVALUATOR_BYTES, MAX_PARAMETERS_BYTES
from zarathustra.formats.report import conclude, unavailable_result
from zarathustra.store.cid import parse_cid
from zarathustra.store.port import ArtefactReader, BlockSource
from zarathustra.store.unixfs import Walk
from zarathustra.wire.evaluator import EvaluateRequest, EvaluateResult

# Two tasks with the largest models at one time. An operator's evaluator scores one; the next is fetched meanwhile.
MAX_HELD_BYTES: Final = 4 * MAX_PARAMETERS_BYTES
BUSY_SECONDS: Final = 1.0

T = TypeVar("T")

Evaluate = Callable[[EvaluateRequest], Awaitable[EvaluateResult]]


class ArtefactSource(ArtefactReader, BlockSource, Protocol):
    """Gives whole artefacts and single blocks."""


@dataclass(frozen=True)
class Assessment:
    """The scores, the reason unless the code is VALID, and the report that states both."""

    scores: Scores
    reason: Reason | None
    report: bytes


# `Assessor.assess`, or a function that falsifies its result in the development network
Assess = Callable[..., Coroutine[Any, Any, Assessment]]


class Assessor:
    """Assesses tasks. Keeps no state between two calls, but bounds what all calls hold together."""

    def __init__(self, artefacts: ArtefactSource, evaluate: Evaluate, *, busy_seconds: float = BUSY_SECONDS) -> None:
        """`busy_seconds` is the pause before a busy evaluator is asked again, if it does not say how long."""
        self._artefacts = artefacts
        self._evaluate = evaluate
        self._busy_seconds = busy_seconds
        self._room = ByteRoom(MAX_HELD_BYTES)

    async def assess(self, task: Task, seed: Seed, *, gives_up_on_challenger: bool) -> Assessment:
        """Assess `task` on the data that `seed` draws. Waits for room, and while the evaluator service is busy.

        Raises Retry if an artefact or the evaluator service cannot be reached, and Invalid if the service refuses the
        request. With `gives_up_on_challenger`, the code is UNAVAILABLE if no node has the challenger's parameters.
        """
        try:
            result = await self._evaluate_task(task, seed, gives_up_on_challenger)
        except _Concluded as end:
            result = end.result
        conclusion = conclude(
            result,
            task_id=task.task_id,
            input_hash=input_hash(task.input_root, seed),
            k=task.input.k,
            alpha_ppm=task.input.alpha_ppm,
        )
        return Assessment(conclusion.scores, result.reason, conclusion.report)

    async def _evaluate_task(self, task: Task, seed: Seed, gives_up: bool) -> EvaluateResult:
        fetch = self._artefacts.fetch
        size = await self._measure(task.input.champion_cid) + await self._measure(task.input.challenger_cid)
        async with self._room.take(size):
            request = EvaluateRequest(
                input_hash=input_hash(task.input_root, seed),
                architecture=await _blame_owner(fetch(task.input.architecture_cid, max_bytes=MAX_ARCHITECTURE_BYTES)),
                evaluator=await _blame_owner(fetch(task.input.evaluator_cid, max_bytes=MAX_EVALUATOR_BYTES)),
                champion=await _blame_owner(fetch(task.input.champion_cid, max_bytes=MAX_PARAMETERS_BYTES)),
                challenger=await _blame_contributor(
                    fetch(task.input.challenger_cid, max_bytes=MAX_PARAMETERS_BYTES), gives_up
                ),
                seed=seed,
                rounds=task.input.rounds,
            )
            return await self._ask(request)

    async def _measure(self, cid: Cid) -> int:
        """Return the size of a file, in bytes, from its root block: a model that no node serves must hold no room.

        Returns 0 when `fetch` will refuse the file, or when no node has it: who is to blame is found in its order.
        """
        try:
            walk = Walk(parse_cid(cid), max_bytes=MAX_PARAMETERS_BYTES)
            return walk.open(walk.root, await self._artefacts.fetch_block(walk.root.block_id)).size
        except Invalid:
            return 0
        except Retry as error:
            if error.details.get("is_absent") is True:
                return 0
            raise

    async def _ask(self, request: EvaluateRequest) -> EvaluateResult:
        """Ask the evaluator service. While it is busy the artefacts stay here, so that they are fetched once."""
        while True:
            try:
                return await self._evaluate(request)
            except Retry as error:
                if error.reason is not Reason.EVALUATOR_BUSY:
                    raise
                seconds = error.details.get("retry_after_seconds", self._busy_seconds)
            await asyncio.sleep(float(str(seconds)))


class _Concluded(Exception):  # noqa: N818  (an early result, no error)
    """The evaluation ends before the evaluator service is asked."""

    def __init__(self, result: EvaluateResult) -> None:
        super().__init__(result.code.name)
        self.result = result


async def _blame_owner(work: Awaitable[T]) -> T:
    try:
        return await work
    except Invalid as error:
        raise _Concluded(EvaluateResult(Code.EVALUATOR_FAILED, error.reason, (), ())) from error


async def _blame_contributor(work: Awaitable[T], gives_up: bool) -> T:
    try:
        return await work
    except Invalid as error:
        raise _Concluded(EvaluateResult(Code.INVALID, error.reason, (), ())) from error
    except Retry as error:
        # Only if every endpoint *answered* that it lacks the file: our own outage is not the contributor's fault.
        if gives_up and error.details.get("is_absent") is True:
            raise _Concluded(unavailable_result()) from error
        raise
