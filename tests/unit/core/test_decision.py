"""Which proposals get no vote, and what an attester answers to the others."""

from dataclasses import replace

import pytest

from tests.kit.chain.tasks import build_operators, build_task
from zarathustra.core.decision import Answer, check_proposal, decide
from zarathustra.core.digests import input_hash
from zarathustra.core.errors import Invalid
from zarathustra.core.outcomes import Code
from zarathustra.core.promotion import Scores
from zarathustra.core.reasons import Reason
from zarathustra.core.task import TaskStatus, performer_of
from zarathustra.core.types import Attempt, BlockNumber, Evaluation, Micro, OperatorId, Seed

pytestmark = pytest.mark.unit

TASK = build_task(seed_block=100, attempt_blocks=10)
OPERATORS = build_operators(10, 10, 10)
SEED = Seed(b"\x05" * 32)
BLOCK = BlockNumber(103)
PROPOSAL = Evaluation(
    task_id=TASK.task_id,
    attempt=Attempt(0),
    performer=performer_of(OPERATORS.operators, SEED, Attempt(0)).operator_id,
    input_hash=input_hash(TASK.input_root, SEED),
    code=Code.VALID,
    champion_score=Micro(500_000),
    challenger_score=Micro(900_000),
    gain_lower_bound=Micro(390_000),
    report_hash=b"\x09" * 32,
)


def test_check_proposal__all_in_order__passes() -> None:
    check_proposal(PROPOSAL, TASK, OPERATORS, seed=SEED, block=BLOCK)


@pytest.mark.parametrize(
    ("proposal", "task", "block", "reason"),
    [
        (PROPOSAL, replace(TASK, status=TaskStatus.SETTLED), BLOCK, Reason.TASK_CLOSED),
        (PROPOSAL, TASK, BlockNumber(110), Reason.WRONG_ATTEMPT),
        (replace(PROPOSAL, attempt=Attempt(1)), TASK, BLOCK, Reason.WRONG_ATTEMPT),
        (PROPOSAL, TASK, BlockNumber(99), Reason.WRONG_ATTEMPT),
        (replace(PROPOSAL, performer=OperatorId(b"\x77" * 20)), TASK, BLOCK, Reason.WRONG_PERFORMER),
        (replace(PROPOSAL, input_hash=b"\x00" * 32), TASK, BLOCK, Reason.WRONG_INPUT),
    ],
)
def test_check_proposal__one_fault__gets_no_vote(proposal, task, block, reason) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Invalid) as caught:
        check_proposal(proposal, task, OPERATORS, seed=SEED, block=block)
    assert caught.value.reason is reason


def scores(code: Code = Code.VALID, champion: int = 0, challenger: int = 0, gain: int = 0) -> Scores:
    return Scores(code, Micro(champion), Micro(challenger), Micro(gain))


@pytest.mark.parametrize(
    ("theirs", "ours", "answer", "reason"),
    [
        (scores(champion=10, challenger=20, gain=8), scores(champion=12, challenger=18, gain=20), Answer.APPROVE, None),
        (scores(champion=10), scores(champion=13), Answer.REJECT, Reason.SCORE_MISMATCH),
        (scores(challenger=10), scores(challenger=7), Answer.REJECT, Reason.SCORE_MISMATCH),
        (scores(gain=0), scores(gain=13), Answer.REJECT, Reason.SCORE_MISMATCH),
        (scores(Code.INVALID), scores(Code.VALID), Answer.REJECT, Reason.SCORE_MISMATCH),
        (scores(Code.UNAVAILABLE), scores(Code.UNAVAILABLE), Answer.APPROVE, None),
        (scores(Code.UNAVAILABLE), scores(Code.VALID), Answer.ABSTAIN, Reason.UNAVAILABLE),
        (scores(Code.VALID), scores(Code.UNAVAILABLE), Answer.ABSTAIN, Reason.UNAVAILABLE),
    ],
)
def test_decide__by_scores__answers(theirs: Scores, ours: Scores, answer: Answer, reason: Reason | None) -> None:
    decision = decide(theirs, ours, tolerance=2)
    assert (decision.answer, decision.reason) == (answer, reason)
