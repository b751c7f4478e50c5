"""A performer that claims in one chosen attempt that the challenger is perfect.

LIE_SUBMISSION=2 python -m devnet.liars.performer      lies in the first attempt of submission 2, otherwise is honest
"""

import json
from dataclasses import dataclass, replace

from services.performer.settings import Settings
from services.performer.wiring import ROLE
from zarathustra.core.digests import input_hash
from zarathustra.core.outcomes import Code
from zarathustra.core.task import Task
from zarathustra.core.types import Micro, Seed
from zarathustra.duty.assessment import Assess, Assessment
from zarathustra.duty.service import run_role
from zarathustra.formats.report import conclude
from zarathustra.runtime.lifecycle import Runtime, run_service
from zarathustra.wire.evaluator import EvaluateResult

PERFECT_SCORE = Micro(1_000_000)


@dataclass(frozen=True, kw_only=True)
class LiarSettings(Settings):
    lie_submission: int


async def start(settings: LiarSettings, runtime: Runtime) -> None:
    """Run the production service with an assessment that lies."""
    await run_role(ROLE, settings, runtime, distort=lambda honest: build_lie(honest, settings.lie_submission))


def build_lie(honest: Assess, lie_submission: int) -> Assess:
    """Return an assessment that lies in the first attempt of one submission and is honest otherwise."""

    async def assess(task: Task, seed: Seed, *, gives_up_on_challenger: bool) -> Assessment:
        truth = await honest(task, seed, gives_up_on_challenger=gives_up_on_challenger)
        if task.submission_index != lie_submission or task.attempt != 0:
            return truth
        return _falsify(truth, task, seed)

    return assess


def _falsify(truth: Assessment, task: Task, seed: Seed) -> Assessment:
    """Return the same report with perfect rounds for the challenger: consistent, and false."""
    report = json.loads(truth.report)
    champion = tuple(Micro(score) for score in report["championRounds"])
    result = EvaluateResult(
        code=Code.VALID,
        reason=None,
        champion_rounds=champion,
        challenger_rounds=(PERFECT_SCORE,) * len(champion),
        torch=report["torch"],
        numpy=report["numpy"],
        cpu=report["cpu"],
    )
    conclusion = conclude(
        result,
        task_id=task.task_id,
        input_hash=input_hash(task.input_root, seed),
        k=task.input.k,
        alpha_ppm=task.input.alpha_ppm,
    )
    return replace(truth, scores=conclusion.scores, reason=None, report=conclusion.report)


if __name__ == "__main__":
    run_service("performer", LiarSettings, start)
