"""Fetches a task's artefacts, asks the evaluator service, and concludes. Performer and attester use the same code.

The project owner is responsible for architecture, evaluator and champion, the contributor for the challenger. An
invalid artefact leads to a code (EVALUATOR_FAILED or INVALID). An artefact that no node serves now raises Retry.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from zarathustra.core.digests import input_hash
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.outcomes import Code
from zarathustra.core.promotion import Scores
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Task
from zarathustra.core.types import Seed
from zarathustra.formats.limits import MAX_ARCHITECTURE_BYTES, MAX_EVALUATOR_BYTES, MAX_PARAMETERS_BYTES
from zarathustra.formats.report import conclude, unavailable_result
from zarathustra.store.port import ArtefactReader
from zarathustra.wire.evaluator import EvaluateRequest, EvaluateResult

Evaluate = Callable[[EvaluateRequest], Awaitable[EvaluateResult]]


@dataclass(frozen=True)
class Assessment:
    """The scores, the reason unless the code is VALID, and the report that states both."""

    scores: Scores
    reason: Reason | None
    report: bytes


# `Assessor.assess`, or a function that falsifies its result in the development network
Assess = Callable[..., Awaitable[Assessment]]


class Assessor:
    """Assesses tasks. Keeps no state between two calls."""

    def __init__(self, artefacts: ArtefactReader, evaluate: Evaluate) -> None:
        self._artefacts = artefacts
        self._evaluate = evaluate

    async def assess(self, task: Task, seed: Seed, *, gives_up_on_challenger: bool) -> Assessment:
        """Assess `task` on the data that `seed` draws.

        Raises Retry if an artefact or the evaluator service cannot be reached, and Invalid if the service refuses the
        request. With `gives_up_on_challenger`, the code is UNAVAILABLE if no node has the challenger's parameters.
        """
        result = await self._evaluate_task(task, seed, gives_up_on_challenger)
        conclusion = conclude(
            result,
            task_id=task.task_id,
            input_hash=input_hash(task.input_root, seed),
            k=task.input.k,
            alpha_ppm=task.input.alpha_ppm,
        )
        return Assessment(conclusion.scores, result.reason, conclusion.report)

    async def _evaluate_task(self, task: Task, seed: Seed, gives_up_on_challenger: bool) -> EvaluateResult:
        fetch = self._artefacts.fetch
        try:
            architecture = await fetch(task.input.architecture_cid, max_bytes=MAX_ARCHITECTURE_BYTES)
            evaluator = await fetch(task.input.evaluator_cid, max_bytes=MAX_EVALUATOR_BYTES)
            champion = await fetch(task.input.champion_cid, max_bytes=MAX_PARAMETERS_BYTES)
        except Invalid as error:
            return EvaluateResult(Code.EVALUATOR_FAILED, error.reason, (), ())
        try:
            challenger = await fetch(task.input.challenger_cid, max_bytes=MAX_PARAMETERS_BYTES)
        except Invalid as error:
            return EvaluateResult(Code.INVALID, error.reason, (), ())
        except Retry as error:
            # Only if every endpoint *answered* that it lacks the file: our own outage is not the contributor's fault.
            if gives_up_on_challenger and error.details.get("is_absent") is True:
                return unavailable_result()
            raise
        return await self._evaluate(
            EvaluateRequest(
                input_hash=input_hash(task.input_root, seed),
                architecture=architecture,
                evaluator=evaluator,
                champion=champion,
                challenger=challenger,
                seed=seed,
                rounds=task.input.rounds,
            )
        )
