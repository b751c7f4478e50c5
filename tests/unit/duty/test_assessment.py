"""Who caused a failure, and that performer and attester write the same bytes."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.kit.chain.fake import FakeChain, open_task
from tests.kit.scoring.fake_models import BROKEN_MODEL, Artefacts, ArtefactStore, ModelEvaluator
from tests.kit.signing.operators import make_keys, seal_operators
from zarathustra.core.digests import input_hash
from zarathustra.core.errors import Retry
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Task
from zarathustra.core.types import MAX_SCORE_MICRO, Cid, Micro, Ppm, Seed, TaskId
from zarathustra.duty.assessment import Assessment, Assessor
from zarathustra.formats.limits import (
    MAX_ARCHITECTURE_BYTES,
    MAX_EVALUATOR_BYTES,
    MAX_REPORT_BYTES,
)
from zarathustra.formats.report import conclude
from zarathustra.store.memory import MemoryStore
from zarathustra.wire.evaluator import EvaluateResult

pytestmark = pytest.mark.unit

SEED = Seed(b"\x05" * 32)
OPERATORS = seal_operators(make_keys(0))
OWNERS = ("architecture_cid", "evaluator_cid", "champion_cid")
MAX_ROUNDS = 128  # the contract's limit


class Scene:
    """A store with the artefacts of one task, and an assessor."""

    def __init__(self) -> None:
        self.files = MemoryStore()
        self.artefacts = ArtefactStore(self.files)
        self.evaluator = ModelEvaluator()
        self.assessor = Assessor(self.artefacts, self.evaluator.evaluate, busy_seconds=0)

    async def open(self, artefacts: Artefacts | None = None) -> Task:
        return await open_task(FakeChain(OPERATORS), self.files, artefacts)

    async def assess(self, task: Task, *, gives_up: bool = False) -> Assessment:
        return await self.assessor.assess(task, SEED, gives_up_on_challenger=gives_up)


def lose(scene: Scene, task: Task, name: str) -> None:
    scene.artefacts.missing.add(getattr(task.input, name))


def spoil(task: Task, name: str) -> Task:
    """Return the task with a CID that can never be accepted for the artefact."""
    changes: dict[str, Any] = {name: Cid("bafkno-such-thing")}
    return replace(task, input=replace(task.input, **changes))


async def test_assess__better_challenger__is_valid_with_its_gain() -> None:
    scene = Scene()
    task = await scene.open()
    assessment = await scene.assess(task)
    scores = assessment.scores
    assert (scores.code, assessment.reason) == (Code.VALID, None)
    assert scores.challenger_score - scores.champion_score == 400_000
    assert scores.gain_lower_bound == 400_000  # both models see the same samples: no spread


async def test_assess__task__evaluator_gets_its_bytes_and_seed() -> None:
    scene = Scene()
    task = await scene.open()
    await scene.assess(task)
    (request,) = scene.evaluator.requests
    files = Artefacts()
    assert (request.architecture, request.evaluator) == (files.architecture, files.evaluator)
    assert (request.champion, request.challenger) == (files.champion, files.challenger)
    assert (request.seed, request.rounds) == (SEED, task.input.rounds)
    assert request.input_hash == input_hash(task.input_root, SEED)


# ---- the owner's artefacts


@pytest.mark.parametrize("name", OWNERS)
@pytest.mark.parametrize("gives_up", [False, True])
async def test_assess__owners_artefact_is_permanently_wrong__evaluator_failed(name: str, gives_up: bool) -> None:
    scene = Scene()
    task = spoil(await scene.open(), name)
    assessment = await scene.assess(task, gives_up=gives_up)
    assert (assessment.scores.code, assessment.reason) == (Code.EVALUATOR_FAILED, Reason.BAD_CID)
    assert scene.evaluator.requests == []


@pytest.mark.parametrize("name", OWNERS)
@pytest.mark.parametrize("gives_up", [False, True])
async def test_assess__owners_artefact_is_unavailable__is_always_tried_again(name: str, gives_up: bool) -> None:
    """This is never a conclusion: otherwise an owner could suspend its project by hiding the champion."""
    scene = Scene()
    task = await scene.open()
    lose(scene, task, name)
    with pytest.raises(Retry) as caught:
        await scene.assess(task, gives_up=gives_up)
    assert caught.value.reason is Reason.UNAVAILABLE


async def test_assess__champion_does_not_load__evaluator_failed() -> None:
    scene = Scene()
    assessment = await scene.assess(await scene.open(Artefacts(champion=BROKEN_MODEL)))
    assert assessment.scores.code is Code.EVALUATOR_FAILED


@pytest.mark.parametrize(
    ("artefacts", "code"),
    [
        (Artefacts(architecture=bytes(MAX_ARCHITECTURE_BYTES + 1)), Code.EVALUATOR_FAILED),
        (Artefacts(evaluator=bytes(MAX_EVALUATOR_BYTES + 1)), Code.EVALUATOR_FAILED),
    ],
    ids=["architecture", "evaluator"],
)
async def test_assess__owners_file_over_its_limit__is_the_owners_fault(artefacts: Artefacts, code: Code) -> None:
    scene = Scene()
    assessment = await scene.assess(await scene.open(artefacts))
    assert (assessment.scores.code, assessment.reason) == (code, Reason.OVERSIZE)


# ---- the contributor's artefact


async def test_assess__challenger_is_permanently_wrong__invalid() -> None:
    scene = Scene()
    assessment = await scene.assess(spoil(await scene.open(), "challenger_cid"))
    assert (assessment.scores.code, assessment.reason) == (Code.INVALID, Reason.BAD_CID)


async def test_assess__challenger_does_not_load__invalid() -> None:
    scene = Scene()
    assessment = await scene.assess(await scene.open(Artefacts(challenger=BROKEN_MODEL)))
    assert (assessment.scores.code, assessment.reason) == (Code.INVALID, Reason.BAD_HEADER)
    assert assessment.scores.champion_score == 0  # operators must agree on the code only


async def test_assess__challenger_is_unavailable__is_tried_again() -> None:
    scene = Scene()
    task = await scene.open()
    lose(scene, task, "challenger_cid")
    with pytest.raises(Retry):
        await scene.assess(task)


async def test_assess__challenger_is_unavailable_and_late__unavailable() -> None:
    scene = Scene()
    task = await scene.open()
    lose(scene, task, "challenger_cid")
    assessment = await scene.assess(task, gives_up=True)
    assert (assessment.scores.code, assessment.reason) == (Code.UNAVAILABLE, Reason.UNAVAILABLE)
    assert scene.evaluator.requests == []


async def test_assess__our_endpoints_are_unreachable_and_late__is_tried_again_not_unavailable() -> None:
    """Our outage is not the contributor's fault: UNAVAILABLE needs the answer "not here" from every endpoint."""
    scene = Scene()
    task = await scene.open()
    scene.artefacts.unanswered.add(task.input.challenger_cid)
    with pytest.raises(Retry) as caught:
        await scene.assess(task, gives_up=True)
    assert caught.value.reason is Reason.UNAVAILABLE


async def test_assess__late_and_challenger_is_available__is_evaluated() -> None:
    scene = Scene()
    assert (await scene.assess(await scene.open(), gives_up=True)).scores.code is Code.VALID


async def test_assess__evaluator_busy_and_late__is_tried_again_not_unavailable() -> None:
    scene = Scene()
    task = await scene.open()
    scene.evaluator.busy = 3
    assert (await scene.assess(task, gives_up=True)).scores.code is Code.VALID
    assert scene.artefacts.fetched.count(task.input.champion_cid) == 1


async def test_assess__both_models_wrong__evaluator_failed() -> None:
    scene = Scene()
    task = await scene.open(Artefacts(champion=BROKEN_MODEL, challenger=BROKEN_MODEL))
    assert (await scene.assess(task)).scores.code is Code.EVALUATOR_FAILED
    spoiled = spoil(spoil(task, "champion_cid"), "challenger_cid")
    assert (await scene.assess(spoiled)).scores.code is Code.EVALUATOR_FAILED


# ---- the report


@pytest.mark.parametrize("artefacts", [Artefacts(), Artefacts(challenger=BROKEN_MODEL)], ids=["valid", "invalid"])
async def test_assess__two_operators__write_the_same_bytes(artefacts: Artefacts) -> None:
    performer, attester = Scene(), Scene()
    first = await performer.assess(await performer.open(artefacts))
    second = await attester.assess(await attester.open(artefacts), gives_up=True)
    assert first == second


async def test_assess__report__states_task_input_and_scores() -> None:
    scene = Scene()
    task = await scene.open()
    assessment = await scene.assess(task)
    report = json.loads(assessment.report)
    assert report["taskId"] == "0x" + task.task_id.hex()
    assert report["inputHash"] == "0x" + input_hash(task.input_root, SEED).hex()
    assert report["gainLowerBound"] == assessment.scores.gain_lower_bound


def test_report__longest_that_a_project_allows__fits_what_attesters_fetch() -> None:
    """Otherwise no attester could read the report of an honest performer."""
    rounds = tuple(Micro(-MAX_SCORE_MICRO) for _ in range(MAX_ROUNDS))
    words = "x" * 64
    result = EvaluateResult(Code.VALID, None, rounds, rounds, torch=words, numpy=words, cpu=words)
    conclusion = conclude(result, task_id=TaskId(b"\x11" * 32), input_hash=SEED, k=0, alpha_ppm=Ppm(10_000))
    assert len(conclusion.report) <= MAX_REPORT_BYTES
