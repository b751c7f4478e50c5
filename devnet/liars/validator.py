"""An attester that rejects every evaluation, whatever it measured: `python -m devnet.liars.validator`."""

from dataclasses import replace

from services.validator import wiring
from services.validator.handlers import Assess
from services.validator.settings import Settings
from zarathustra.core.task import Task
from zarathustra.core.types import Micro, Seed
from zarathustra.duty.assessment import Assessment, Assessor
from zarathustra.duty.evaluator_client import EvaluatorClient
from zarathustra.runtime.lifecycle import Runtime, run_service
from zarathustra.store.endpoints import list_endpoints
from zarathustra.store.fetch import Fetcher

OFFSET = 100_000  # far beyond any tolerance


async def start(settings: Settings, runtime: Runtime) -> None:
    """The production wiring with a lying way to assess."""
    async with (
        Fetcher(list_endpoints(settings.ipfs_api_url, settings.ipfs_gateway_urls)) as fetcher,
        EvaluatorClient(settings.evaluator_url) as evaluator,
    ):
        honest = Assessor(fetcher, evaluator.evaluate).assess
        await wiring.run(settings, runtime, assess=build_lie(honest), fetcher=fetcher)


def build_lie(honest: Assess) -> Assess:
    """An assessment whose champion score is another one than everybody's."""

    async def assess(task: Task, seed: Seed, *, gives_up_on_challenger: bool) -> Assessment:
        truth = await honest(task, seed, gives_up_on_challenger=gives_up_on_challenger)
        scores = replace(truth.scores, champion_score=Micro(truth.scores.champion_score - OFFSET))
        return replace(truth, scores=scores)

    return assess


if __name__ == "__main__":
    run_service("validator", Settings, start)
