"""An attester that rejects every evaluation, whatever its own scores are: `python -m devnet.liars.validator`."""

from dataclasses import replace

from services.validator.settings import Settings
from services.validator.wiring import ROLE
from zarathustra.core.task import Task
from zarathustra.core.types import Micro, Seed
from zarathustra.duty.assessment import Assess, Assessment
from zarathustra.duty.service import run_role
from zarathustra.runtime.lifecycle import Runtime, run_service

OFFSET = 100_000  # far beyond any tolerance


async def start(settings: Settings, runtime: Runtime) -> None:
    """Run the production service with an assessment that lies."""
    await run_role(ROLE, settings, runtime, distort=build_lie)


def build_lie(honest: Assess) -> Assess:
    """Return an assessment with a wrong champion score."""

    async def assess(task: Task, seed: Seed, *, gives_up_on_challenger: bool) -> Assessment:
        truth = await honest(task, seed, gives_up_on_challenger=gives_up_on_challenger)
        scores = replace(truth.scores, champion_score=Micro(truth.scores.champion_score - OFFSET))
        return replace(truth, scores=scores)

    return assess


if __name__ == "__main__":
    run_service("validator", Settings, start)
