"""Artefacts that cannot be evaluated: who is responsible, and what it costs."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.kit.scoring.artefacts import (
    architecture,
    encode_file,
    encode_tensors,
    evaluator,
    node,
    square_tensors,
)
from tests.kit.simnet.accounts import CONTRIBUTOR_KEYS, OWNER_KEY, TREASURY
from tests.kit.simnet.net import Simnet
from tests.kit.simnet.projects import (
    ARTEFACTS,
    BASELINE,
    BETTER_PARAMETERS,
    FIRST,
    TERMS,
    open_project,
    publish_unchecked,
)
from tests.kit.simnet.run import open_simnet
from tests.kit.simnet.stage import Stage
from tests.kit.simulated_time import simulate
from zarathustra.core.events import TaskSubmitted
from zarathustra.core.outcomes import Outcome
from zarathustra.core.project import ProjectStatus, Submission
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO_ADDRESS, Cid
from zarathustra.formats.limits import MAX_REPORT_BYTES
from zarathustra.sdk.owner import Artefacts
from zarathustra.store.memory import MemoryStore

pytestmark = pytest.mark.simnet

NOT_FINITE = encode_tensors({**square_tensors(), "y.bias": np.array([np.nan], dtype=np.float32)})
OTHER_SHAPE = encode_tensors({**square_tensors(), "y.bias": np.zeros(2, dtype=np.float32)})
MISSING_TENSOR = encode_tensors({name: values for name, values in square_tensors().items() if name != "y.bias"})
UNKNOWN_OP = architecture([node("y", "Execute", "x", command="rm")])
BAD_TARGET = evaluator(target="__import__('os')")


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        (NOT_FINITE, Reason.NOT_FINITE),
        (OTHER_SHAPE, Reason.BAD_SHAPE),
        (MISSING_TENSOR, Reason.BAD_SHAPE),
        (encode_file(b"{}", b"surplus"), Reason.BAD_SHAPE),
        (b"no safetensors", Reason.BAD_HEADER),
    ],
    ids=["not_finite", "other_shape", "missing_tensor", "no_tensors", "no_header"],
)
def test_simnet__challenger_cannot_be_evaluated__invalid_and_the_bond_is_lost(
    stage: Stage, parameters: bytes, reason: Reason
) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published = await open_project(net)
            await published.submit(parameters)
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            assert submission.outcome is Outcome.INVALID
            assert await fetch_reported_reason(net, submission) == reason.code
            assert await net.fetch_credit(CONTRIBUTOR_KEYS[0]) == 0
            assert await net.market.fetch_credit(TREASURY, ZERO_ADDRESS) == TERMS.bond - TERMS.fee
            assert (await net.fetch_project(published.project_id)).champion_index == BASELINE

    simulate(play())


@pytest.mark.parametrize(
    ("cid", "outcome", "reason"),
    [
        ("", Outcome.UNAVAILABLE, Reason.UNAVAILABLE),
        ("bafkchallenger", Outcome.INVALID, Reason.BAD_CID),
    ],
    ids=["nobody_serves_it", "not_a_cid"],
)
def test_simnet__challenger_cannot_be_fetched__still_settles(
    stage: Stage, cid: str, outcome: Outcome, reason: Reason
) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published = await open_project(net)
            missing = await MemoryStore().add(BETTER_PARAMETERS)  # on a node that no operator knows
            await published.submit_cid(net.open_client(CONTRIBUTOR_KEYS[0]), Cid(cid) if cid else missing)
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            assert submission.outcome is outcome
            assert await fetch_reported_reason(net, submission) == reason.code
            assert (await net.fetch_project(published.project_id)).champion_index == BASELINE
            index = await published.submit(BETTER_PARAMETERS, by=1)
            assert (await net.wait_for_outcome(published.project_id, index)).outcome is Outcome.IMPROVED

    simulate(play())


@pytest.mark.parametrize(
    ("artefacts", "reason"),
    [
        (replace(ARTEFACTS, architecture=UNKNOWN_OP), Reason.UNKNOWN_OP),
        (replace(ARTEFACTS, parameters=NOT_FINITE), Reason.NOT_FINITE),
        (replace(ARTEFACTS, evaluator=BAD_TARGET), Reason.BAD_EVALUATOR),
    ],
    ids=["unknown_op", "baseline_not_finite", "bad_target"],
)
def test_simnet__owners_artefacts_cannot_be_evaluated__project_cancelled_and_escrow_returned(
    stage: Stage, artefacts: Artefacts, reason: Reason
) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            net.start()
            published = await publish_unchecked(net, artefacts)
            await published.wait_until_open()

            project = await net.fetch_project(published.project_id)
            baseline = await net.fetch_submission(published.project_id, BASELINE)
            assert project.status is ProjectStatus.CANCELLED
            assert baseline.outcome is Outcome.EVALUATOR_FAILED
            assert await fetch_reported_reason(net, baseline) == reason.code
            assert await net.fetch_credit(OWNER_KEY) == TERMS.pool + TERMS.budget - TERMS.fee

    simulate(play())


async def fetch_reported_reason(net: Simnet, submission: Submission) -> str:
    """Return the reason in the report of the settled evaluation."""
    (settled,) = [fact for fact in net.facts(TaskSubmitted) if fact.task_id == submission.task_id]
    report = json.loads(await net.artefacts.fetch(settled.proof_of_task, max_bytes=MAX_REPORT_BYTES))
    return str(report["reason"])
