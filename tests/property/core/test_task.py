"""Attempts over blocks, compared with a walk that applies the contract's rules block by block."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.chain.tasks import build_operators, build_task
from zarathustra.core.task import (
    MAX_ATTEMPT,
    Task,
    attempt_begin,
    attempt_end,
    effective_attempt,
    is_half_over,
    performer_of,
    turn_of,
)
from zarathustra.core.types import Attempt, BlockNumber, Seed

pytestmark = pytest.mark.property


@dataclass(frozen=True)
class Life:
    """A task's terms, and the blocks in which a certificate rejects the current attempt."""

    attempt_blocks: int
    max_attempts: int
    rejected_at: frozenset[int]  # blocks after the seed block


lives = st.builds(
    Life,
    attempt_blocks=st.integers(1, 12),
    max_attempts=st.integers(1, 6),
    rejected_at=st.frozensets(st.integers(0, 80), max_size=6),
)
SEED_BLOCK = 100


def walk(life: Life) -> list[tuple[Task, int, int | None, int]]:
    """Return for each block: the task as stored before it, the block, its attempt, and the attempt's first block.

    It counts blocks one by one, without division.
    """
    task = build_task(seed_block=SEED_BLOCK, attempt_blocks=life.attempt_blocks, max_attempts=life.max_attempts)
    seen: list[tuple[Task, int, int | None, int]] = []
    attempt, began, age = 0, SEED_BLOCK, 0
    for block in range(SEED_BLOCK - 3, SEED_BLOCK):
        seen.append((task, block, None, began))
    for block in range(SEED_BLOCK, task.deadline):
        if age == life.attempt_blocks:
            attempt, began, age = attempt + 1, block, 0
        seen.append((task, block, attempt, began))
        age += 1
        if block - SEED_BLOCK in life.rejected_at:
            attempt, began, age = attempt + 1, block, 0
            task = replace(task, attempt=Attempt(attempt), attempt_start=BlockNumber(block))
            seen.append((task, block, attempt, began))
            age = 1
    seen.append((task, task.deadline, None, began))
    return seen


@given(lives)
def test_effective_attempt__any_life__is_the_same_as_in_the_walk(life: Life) -> None:
    for task, block, attempt, _ in walk(life):
        assert effective_attempt(task, BlockNumber(block)) == attempt


@given(lives)
def test_attempt_begin__any_life__is_the_same_as_in_the_walk(life: Life) -> None:
    for task, _block, attempt, began in walk(life):
        if attempt is not None:
            assert attempt_begin(task, Attempt(attempt)) == began


@given(lives)
def test_attempt_end__no_rejection__is_the_last_block_of_the_attempt(life: Life) -> None:
    silent = replace(life, rejected_at=frozenset())
    last: dict[int, int] = {}
    for _task, block, attempt, _ in walk(silent):
        if attempt is not None:
            last[attempt] = block
    task = walk(silent)[0][0]
    assert {attempt: attempt_end(task, Attempt(attempt)) for attempt in last} == last


@given(lives)
def test_is_half_over__no_rejection__begins_in_the_middle_of_each_attempt(life: Life) -> None:
    silent = replace(life, rejected_at=frozenset())
    for task, block, attempt, began in walk(silent):
        if attempt is not None and attempt < life.max_attempts:
            has_half_passed = 2 * (block - began) >= life.attempt_blocks - 1
            assert is_half_over(task, Attempt(attempt), BlockNumber(block)) == has_half_passed


@given(lives)
def test_effective_attempt__as_blocks_pass__never_goes_back(life: Life) -> None:
    attempts = [attempt for task, block, _, _ in walk(life) if (attempt := effective_attempt(task, BlockNumber(block)))]
    assert attempts == sorted(attempts)


@given(st.integers(0, 300), st.integers(0, 10_000))
def test_effective_attempt__any_number__fits_the_evaluations_field(stored: int, blocks: int) -> None:
    task = replace(build_task(attempt_blocks=1, max_attempts=10_000), attempt=Attempt(min(stored, MAX_ATTEMPT)))
    attempt = effective_attempt(task, BlockNumber(task.seed_block + blocks))
    if attempt is None:
        assert blocks >= 10_000  # the deadline
        return
    assert 0 <= attempt <= MAX_ATTEMPT


@given(st.binary(min_size=32, max_size=32), st.integers(1, 128))
def test_performer_of__as_many_attempts_as_operators__each_performs_once(seed: bytes, count: int) -> None:
    operators = build_operators(*[10] * min(count, 100)).operators
    chosen = {performer_of(operators, Seed(seed), Attempt(attempt)).slot for attempt in range(len(operators))}
    assert chosen == {operator.slot for operator in operators}


@given(st.integers(0, 10**9), st.integers(1, 100), st.integers(1, 100))
def test_turn_of__one_turn_each__all_operators_have_equally_many_blocks(
    block: int, turn_blocks: int, count: int
) -> None:
    operators = build_operators(*[10] * count).operators
    length = turn_blocks * count
    start = block - block % length
    turns = [turn_of(operators, BlockNumber(start + offset), turn_blocks).slot for offset in range(length)]
    assert turns == sorted(turns)
    assert all(turns.count(operator.slot) == turn_blocks for operator in operators)
