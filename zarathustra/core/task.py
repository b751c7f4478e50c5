"""A task as the contracts store it, its operator set, and what follows from both.

Blocks of a task, with A = attempt_blocks:

    opened        seed_block           +A               +2A        …       deadline = seed_block + max_attempts × A
      │ seed delay │   attempt 0        │   attempt 1    │                  │ expire
                   (a rejected certificate starts the next attempt at once; without one it starts after A blocks)

The deadline's block is the first that belongs to no attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from zarathustra.core.digests import TaskInput
from zarathustra.core.types import (
    MAX_OPERATORS,
    Attempt,
    BlockNumber,
    BlsPublicKey,
    Bps,
    OperatorId,
    ProjectId,
    Seed,
    SetVersion,
    Slot,
    SubmissionIndex,
    TaskId,
    Wei,
    validate_length,
    validate_range,
)

MAX_ATTEMPT = 255  # Evaluation.attempt is a uint8


class TaskStatus(IntEnum):
    """The state of a task. Append-only, shared with `contracts/src/types`."""

    NONE = 0
    OPEN = 1
    SETTLED = 2
    EXPIRED = 3


@dataclass(frozen=True)
class Task:
    """One task, read at one block. `attempt` and `attempt_start` are as stored; see `effective_attempt`."""

    task_id: TaskId
    project_id: ProjectId
    submission_index: SubmissionIndex
    status: TaskStatus
    attempt: Attempt
    attempt_start: BlockNumber
    attempt_blocks: int
    max_attempts: int
    seed_block: BlockNumber
    deadline: BlockNumber
    quorum_bps: Bps
    set_version: SetVersion
    input_root: bytes
    input: TaskInput

    def __post_init__(self) -> None:
        validate_length("task_id", self.task_id, 32)
        validate_length("input_root", self.input_root, 32)
        validate_range("attempt_blocks", self.attempt_blocks, 1, 2**32 - 1)


@dataclass(frozen=True)
class Operator:
    """One occupied slot of a sealed set."""

    slot: Slot
    operator_id: OperatorId
    stake: Wei
    public_key: BlsPublicKey

    def __post_init__(self) -> None:
        validate_range("slot", self.slot, 0, MAX_OPERATORS - 1)
        validate_length("operator_id", self.operator_id, 20)
        validate_length("public_key", self.public_key, 48)


@dataclass(frozen=True)
class OperatorSet:
    """One sealed version. It never changes, so it may be cached without limit. `operators` are in slot order."""

    version: SetVersion
    operators: tuple[Operator, ...]

    @property
    def total_stake(self) -> Wei:
        return Wei(sum(operator.stake for operator in self.operators))

    def find(self, operator_id: OperatorId) -> Operator | None:
        """Return the operator's entry, or None when it is not in this set."""
        return next((operator for operator in self.operators if operator.operator_id == operator_id), None)


def effective_attempt(task: Task, block: BlockNumber) -> Attempt | None:
    """Return the attempt in force at `block`, or None before the seed block and from the deadline on."""
    if block < task.seed_block or block >= task.deadline:
        return None
    elapsed = max(0, block - task.attempt_start) // task.attempt_blocks
    return Attempt(min(task.attempt + elapsed, MAX_ATTEMPT))


def is_next_attempt(task: Task, attempt: Attempt, block: BlockNumber) -> bool:
    """Return whether `attempt` follows the one in force at `block`, or is the first of a task before its seed block."""
    effective = effective_attempt(task, block)
    if effective is None:
        return block < task.seed_block and attempt == task.attempt
    return attempt == effective + 1 and attempt_begin(task, attempt) < task.deadline


def attempt_begin(task: Task, attempt: Attempt) -> BlockNumber:
    """Return the first block of an attempt that is not over, if no rejected certificate starts it sooner."""
    return BlockNumber(task.attempt_start + (attempt - task.attempt) * task.attempt_blocks)


def attempt_end(task: Task, attempt: Attempt) -> BlockNumber:
    """Return the last block of an attempt that is not over, if no rejected certificate ends it sooner."""
    end = task.attempt_start + (attempt - task.attempt + 1) * task.attempt_blocks - 1
    return BlockNumber(min(end, task.deadline - 1))


def is_half_over(task: Task, attempt: Attempt, block: BlockNumber) -> bool:
    """Return whether the middle of an attempt is reached: a missing challenger may then be called UNAVAILABLE."""
    return 2 * block >= attempt_begin(task, attempt) + attempt_end(task, attempt)


def performer_of(operators: Sequence[Operator], seed: Seed, attempt: Attempt) -> Operator:
    """Return the one operator that may propose in an attempt: occupied slot number (seed + attempt) mod n."""
    return operators[(int.from_bytes(seed, "big") + attempt) % len(operators)]


def turn_of(operators: Sequence[Operator], block: BlockNumber, turn_blocks: int) -> Operator:
    """Return the operator whose turn it is at `block`. Only its post earns the aggregator's share of the fee."""
    return operators[(block // turn_blocks) % len(operators)]
