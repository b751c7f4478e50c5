"""Official scores equal the committed file to the last digit."""

import json

import pytest

from tests.golden.make_evaluation import GOLDEN_FILE, build_task
from zarathustra.core.types import Seed
from zarathustra.scoring.jobs import ScoringJob
from zarathustra.scoring.worker import score_job

pytestmark = pytest.mark.golden

GOLDEN = json.loads(GOLDEN_FILE.read_text())
CASES = {case["name"]: case for case in GOLDEN["cases"]}


@pytest.mark.parametrize("name", sorted(CASES))
def test_scores__known_model_and_seed__are_the_committed_integers(name: str) -> None:
    case = CASES[name]
    job = ScoringJob(
        case["architecture"].encode(),
        case["evaluator"].encode(),
        bytes.fromhex(case["parameters"]),
        case["rounds"],
        Seed(bytes.fromhex(case["seed"])),
    )
    assert score_job(job) == case["scores"]


def test_report__known_rounds__are_the_committed_bytes() -> None:
    rebuilt = build_task(CASES["shifted_square"]["scores"], CASES["square"]["scores"])
    assert rebuilt == GOLDEN["task"]
