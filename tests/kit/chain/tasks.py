"""Tasks and operator sets for tests, valid unless a test says otherwise."""

from zarathustra.core.digests import TaskInput, input_root
from zarathustra.core.task import Operator, OperatorSet, Task, TaskStatus
from zarathustra.core.types import (
    Attempt,
    BlockNumber,
    BlsPublicKey,
    Bps,
    Cid,
    Micro,
    OperatorId,
    Ppm,
    ProjectId,
    SetVersion,
    Slot,
    SubmissionIndex,
    TaskId,
    Wei,
)

TASK_ID = TaskId(b"\x11" * 32)


def make_operators(count: int, *, stake: int = 10) -> OperatorSet:
    """`count` operators of equal stake in slots 0, 1, …; their keys are placeholders that nobody verifies."""
    operators = tuple(
        Operator(
            Slot(slot), OperatorId(bytes([slot + 1]) * 20), Wei(stake), BlsPublicKey(bytes([0x80 + slot]) + bytes(47))
        )
        for slot in range(count)
    )
    return OperatorSet(SetVersion(1), operators)


def make_input(task_id: TaskId = TASK_ID, *, tolerance: int = 2) -> TaskInput:
    return TaskInput(
        task_id=task_id,
        architecture_cid=Cid("bafkarchitecture"),
        evaluator_cid=Cid("bafkevaluator"),
        champion_cid=Cid("bafkchampion"),
        challenger_cid=Cid("bafkchallenger"),
        rounds=4,
        k=0,
        alpha_ppm=Ppm(10_000),
        tolerance=Micro(tolerance),
    )


def make_task(*, seed_block: int = 100, attempt_blocks: int = 10, max_attempts: int = 3) -> Task:
    task_input = make_input()
    return Task(
        task_id=TASK_ID,
        project_id=ProjectId(1),
        submission_index=SubmissionIndex(1),
        status=TaskStatus.OPEN,
        attempt=Attempt(0),
        attempt_start=BlockNumber(seed_block),
        attempt_blocks=attempt_blocks,
        max_attempts=max_attempts,
        seed_block=BlockNumber(seed_block),
        deadline=BlockNumber(seed_block + max_attempts * attempt_blocks),
        quorum_bps=Bps(6_600),
        set_version=SetVersion(1),
        input_root=input_root(task_input),
        input=task_input,
    )
