"""Write `evaluation.json`: the exact integers that every operator must compute for known models and seeds.

    python -m tests.golden.make_evaluation

A change of this file changes official scores: operators of two versions would disagree. Change it only on purpose.

    cases   artefacts (JSON text, parameters as hex) and seed → one integer for each round
    task    the square's champion and challenger → result, scores, report
"""

import json
from pathlib import Path
from typing import Any

from safetensors.numpy import save

from tests.kit.scoring.artefacts import SEED, SQUARE, evaluator, square_parameters
from zarathustra.core.outcomes import Code
from zarathustra.core.types import Micro, Ppm, TaskId
from zarathustra.formats.architecture import parse_architecture
from zarathustra.formats.report import conclude
from zarathustra.scoring.jobs import ScoringJob
from zarathustra.scoring.rounds import configure_torch
from zarathustra.scoring.warmup import build_every_op, build_every_op_evaluator, build_tensors
from zarathustra.scoring.worker import score_job
from zarathustra.wire.evaluator import EvaluateResult

GOLDEN_FILE = Path(__file__).parent / "evaluation.json"
TASK_ID, INPUT_HASH, K, ALPHA_PPM = TaskId(b"\x11" * 32), b"\x22" * 32, 3, Ppm(10_000)


def main() -> None:
    configure_torch()
    GOLDEN_FILE.write_text(json.dumps(build(), indent=1, sort_keys=True) + "\n")


def build() -> dict[str, Any]:
    every_op = build_every_op()
    every_parameters = save(build_tensors(parse_architecture(every_op)))
    cases = [
        build_case("square", ScoringJob(SQUARE, evaluator(samples=1024), square_parameters(), 8, SEED)),
        build_case(
            "shifted_square", ScoringJob(SQUARE, evaluator(samples=1024), square_parameters(noise=0.5), 8, SEED)
        ),
        build_case("every_op", ScoringJob(every_op, build_every_op_evaluator(), every_parameters, 4, SEED)),
    ]
    return {"cases": cases, "task": build_task(cases[1]["scores"], cases[0]["scores"])}


def build_case(name: str, job: ScoringJob) -> dict[str, Any]:
    return {
        "name": name,
        "architecture": job.architecture.decode(),
        "evaluator": job.evaluator.decode(),
        "parameters": job.parameters.hex(),
        "rounds": job.rounds,
        "seed": job.seed.hex(),
        "scores": score_job(job),
    }


def build_task(champion: list[int], challenger: list[int]) -> dict[str, Any]:
    result = EvaluateResult(
        Code.VALID, None, tuple(map(Micro, champion)), tuple(map(Micro, challenger)), torch="t", numpy="n", cpu="c"
    )
    conclusion = conclude(result, task_id=TASK_ID, input_hash=INPUT_HASH, k=K, alpha_ppm=ALPHA_PPM)
    scores = conclusion.scores
    return {
        "champion_score": scores.champion_score,
        "challenger_score": scores.challenger_score,
        "gain_lower_bound": scores.gain_lower_bound,
        "report": conclusion.report.decode(),
    }


if __name__ == "__main__":
    main()
