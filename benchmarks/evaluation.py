"""Measures what the persistent worker saves, compared with a new torch process for each evaluation.

    python -m benchmarks.evaluation

Compare the ratio: the absolute figures hold for one machine only.
"""

import asyncio
import time

from safetensors.numpy import save

from zarathustra.core.types import Seed
from zarathustra.formats.architecture import parse_architecture
from zarathustra.scoring.jobs import ScoringJob
from zarathustra.scoring.scorer import Scorer
from zarathustra.scoring.warmup import build_every_op, build_every_op_evaluator, build_tensors

PERSISTENT_RUNS = 50
FRESH_RUNS = 3


async def main() -> None:
    job = build_job()
    async with Scorer() as scorer:
        await scorer.start()
        await scorer.score(job)
        persistent = await time_persistent(scorer, job)
    fresh = await time_fresh(job)
    print(f"one jailed worker for all      {1 / persistent:8.2f} evaluations/s  {1000 * persistent:8.1f} ms each")
    print(f"one process with torch each    {1 / fresh:8.2f} evaluations/s  {1000 * fresh:8.1f} ms each")
    print(f"ratio                          {fresh / persistent:8.1f}")


def build_job() -> ScoringJob:
    """Build a job: a small model with every op, 8 rounds of 256 samples."""
    architecture = build_every_op()
    parameters = save(build_tensors(parse_architecture(architecture)))
    return ScoringJob(architecture, build_every_op_evaluator(), parameters, 8, Seed(bytes(32)))


async def time_persistent(scorer: Scorer, job: ScoringJob) -> float:
    """Return the seconds per evaluation."""
    started = time.perf_counter()
    for _ in range(PERSISTENT_RUNS):
        await scorer.score(job)
    return (time.perf_counter() - started) / PERSISTENT_RUNS


async def time_fresh(job: ScoringJob) -> float:
    """Return the seconds per evaluation."""
    started = time.perf_counter()
    for _ in range(FRESH_RUNS):
        async with Scorer() as scorer:
            await scorer.score(job)
    return (time.perf_counter() - started) / FRESH_RUNS


if __name__ == "__main__":
    asyncio.run(main())
