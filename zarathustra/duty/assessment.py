"""Fetch a task's artefacts, have them evaluated, conclude: the same for the performer's claim and the attester's check.

Whose fault a failed fetch is: architecture, evaluator and champion are the owner's, the challenger's parameters the
contributor's. An artefact that is wrong for ever is a conclusion; one that nobody serves now is tried again.
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
    """Scores, why unless they are valid, and the report that states both."""

    scores: Scores
    reason: Reason | None
    report: bytes


# `Assessor.assess`, or what lies about it in the development network
Assess = Callable[..., Awaitable[Assessment]]


class Assessor:
    """Assesses tasks. Holds nothing between two of them."""

    def __init__(self, artefacts: ArtefactReader, evaluate: Evaluate) -> None:
        self._artefacts = artefacts
        self._evaluate = evaluate

    async def assess(self, task: Task, seed: Seed, *, gives_up_on_challenger: bool) -> Assessment:
        """The assessment of `task` on the data that `seed` draws.

        Raises Retry when an artefact or the evaluator is out of reach; with `gives_up_on_challenger`, challenger
        parameters that nobody serves are concluded to be UNAVAILABLE instead.
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
            # Only when every endpoint *answered* that it has not got it: our own outage is not the contributor's fault.
            if gives_up_on_challenger and error.facts.get("is_absent") is True:
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
