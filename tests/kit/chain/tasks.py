"""Tasks and operator sets, valid unless a test says otherwise."""

from typing import Final

from tests.kit.derived import derive_bytes
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

SEED_BLOCK: Final = 100
ATTEMPT_BLOCKS: Final = 50
MAX_ATTEMPTS: Final = 3
DEADLINE: Final = SEED_BLOCK + MAX_ATTEMPTS * ATTEMPT_BLOCKS


def build_operators(*stakes: int, version: int = 1) -> OperatorSet:
    """Build a set with one operator for each stake, in slots 0, 1, …. The keys are placeholders that verify nothing."""
    return OperatorSet(
        SetVersion(version),
        tuple(
            Operator(
                Slot(slot),
                OperatorId(derive_bytes(20, "operator", slot)),
                Wei(stake),
                BlsPublicKey(derive_bytes(48, "key", slot)),
            )
            for slot, stake in enumerate(stakes)
        ),
    )


def build_input(task_id: TaskId, *, tolerance: int = 2, **cids: Cid) -> TaskInput:
    """Build a task's input. `cids` are those of artefacts that exist; the others name nothing."""
    return TaskInput(
        task_id=task_id,
        architecture_cid=cids.get("architecture", Cid("bafkarchitecture")),
        evaluator_cid=cids.get("evaluator", Cid("bafkevaluator")),
        champion_cid=cids.get("champion", Cid("bafkchampion")),
        challenger_cid=cids.get("challenger", Cid("bafkchallenger")),
        rounds=4,
        k=0,
        alpha_ppm=Ppm(10_000),
        tolerance=Micro(tolerance),
    )


def name_task(name: object) -> TaskId:
    return TaskId(derive_bytes(32, "task", name))


def build_task(
    *,
    name: object = 1,
    submission_index: int = 1,
    task_input: TaskInput | None = None,
    status: TaskStatus = TaskStatus.OPEN,
    attempt: int = 0,
    attempt_start: int | None = None,
    attempt_blocks: int = ATTEMPT_BLOCKS,
    max_attempts: int = MAX_ATTEMPTS,
    seed_block: int = SEED_BLOCK,
    set_version: int = 1,
    quorum_bps: int = 6_600,
) -> Task:
    """Build a task. Equal names give equal ids; without `attempt_start` the attempt starts at the seed block."""
    inputs = task_input or build_input(name_task(name))
    return Task(
        task_id=inputs.task_id,
        project_id=ProjectId(1),
        submission_index=SubmissionIndex(submission_index),
        status=status,
        attempt=Attempt(attempt),
        attempt_start=BlockNumber(seed_block if attempt_start is None else attempt_start),
        attempt_blocks=attempt_blocks,
        max_attempts=max_attempts,
        seed_block=BlockNumber(seed_block),
        deadline=BlockNumber(seed_block + max_attempts * attempt_blocks),
        quorum_bps=Bps(quorum_bps),
        set_version=SetVersion(set_version),
        input_root=input_root(inputs),
        input=inputs,
    )
