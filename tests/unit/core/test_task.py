"""Attempts by block, performers, turns, and the truth table of the quorum."""

from dataclasses import replace

import pytest

from tests.kit.chain.tasks import build_operators, build_task
from zarathustra.core.quorum import is_approved, is_rejected
from zarathustra.core.task import attempt_end, effective_attempt, performer_of, turn_of
from zarathustra.core.types import Attempt, BlockNumber, Bps, Seed, Wei

pytestmark = pytest.mark.unit

TASK = build_task(seed_block=100, attempt_blocks=10, max_attempts=3)


@pytest.mark.parametrize(
    ("block", "expected"),
    [(99, None), (100, 0), (109, 0), (110, 1), (129, 2), (130, None)],
)
def test_effective_attempt__silence__moves_by_time(block: int, expected: int | None) -> None:
    assert effective_attempt(TASK, BlockNumber(block)) == expected


def test_effective_attempt__rejected_certificate__next_starts_at_once() -> None:
    task = replace(TASK, attempt=Attempt(1), attempt_start=BlockNumber(104))
    assert effective_attempt(task, BlockNumber(104)) == 1
    assert effective_attempt(task, BlockNumber(114)) == 2


def test_attempt_end__last_attempt__is_cut_by_the_deadline() -> None:
    assert attempt_end(TASK, Attempt(0)) == 109
    assert attempt_end(TASK, Attempt(2)) == 129
    late = replace(TASK, attempt=Attempt(2), attempt_start=BlockNumber(125))
    assert attempt_end(late, Attempt(2)) == TASK.deadline - 1


def test_performer_of__consecutive_attempts__go_round_the_occupied_slots() -> None:
    operators = build_operators(10, 10, 10).operators
    seed = Seed((7).to_bytes(32, "big"))
    chosen = [performer_of(operators, seed, Attempt(attempt)).slot for attempt in range(4)]
    assert chosen == [1, 2, 0, 1]


def test_turn_of__turn_blocks__keeps_the_turn_that_long() -> None:
    operators = build_operators(10, 10, 10).operators
    assert [turn_of(operators, BlockNumber(block), 5).slot for block in (0, 4, 5, 14, 15)] == [0, 0, 1, 2, 0]


@pytest.mark.parametrize(
    ("operators", "approve_at", "reject_at"),
    [(3, 2, 2), (50, 34, 17), (100, 67, 34)],
)
def test_quorum__equal_operators_at_6600__matches_the_truth_table(
    operators: int, approve_at: int, reject_at: int
) -> None:
    total, quorum = Wei(operators), Bps(6_600)
    assert is_approved(signed=Wei(approve_at), total=total, quorum_bps=quorum)
    assert not is_approved(signed=Wei(approve_at - 1), total=total, quorum_bps=quorum)
    assert is_rejected(rejected=Wei(reject_at), total=total, quorum_bps=quorum)
    assert not is_rejected(rejected=Wei(reject_at - 1), total=total, quorum_bps=quorum)


def test_is_rejected__no_stake_at_all__is_false() -> None:
    assert not is_rejected(rejected=Wei(0), total=Wei(0), quorum_bps=Bps(6_600))
