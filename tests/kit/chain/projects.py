"""One project with a submission and its task, in the storage and the events of a `ContractNode`."""

from dataclasses import fields
from typing import Any, Final

from tests.kit.chain.contract_node import ContractNode
from tests.kit.chain.tasks import name_task
from zarathustra.chain import abi
from zarathustra.chain.market import StoredProject, StoredSubmission
from zarathustra.chain.reader import StoredTask
from zarathustra.core.digests import TaskInput, cid_hash, input_root, terms_hash
from zarathustra.core.events import ProjectCreated, SubmissionRevealed, TaskOpened
from zarathustra.core.outcomes import Outcome
from zarathustra.core.project import ProjectParams, ProjectStatus, RewardRule, SubmissionStatus
from zarathustra.core.task import TaskStatus
from zarathustra.core.types import (
    ZERO_ADDRESS,
    Address,
    Attempt,
    BlockNumber,
    Bps,
    Cid,
    Micro,
    Ppm,
    ProjectId,
    SetVersion,
    SubmissionIndex,
    Wei,
)

PROJECT: Final = ProjectId(7)
FIRST: Final = SubmissionIndex(1)
TASK: Final = name_task("of a project")
CREATED_AT, REVEALED_AT, OPENED_AT = BlockNumber(20), BlockNumber(40), BlockNumber(60)
BASELINE_CID, CHALLENGER_CID = Cid("bafkbaseline"), Cid("bafkchallenger")
OWNER: Final = Address(b"\x0a" * 20)


def build_params(**changes: Any) -> ProjectParams:
    """Build what the owner published."""
    params: dict[str, Any] = {
        "architecture_cid": Cid("bafkarchitecture"),
        "parameters_cid": BASELINE_CID,
        "evaluator_cid": Cid("bafkevaluator"),
        "metadata_cid": Cid("bafkmetadata"),
        "token": ZERO_ADDRESS,
        "pool": Wei(1_000),
        "budget": Wei(100),
        "reward_rule": RewardRule.FIXED,
        "max_reward": Wei(500),
        "reward_rate": Wei(0),
        "bond": Wei(30),
        "fee": Wei(10),
        "min_gain": Micro(100),
        "worse_tolerance": Micro(1_000),
        "tolerance": Micro(2),
        "rounds": 32,
        "alpha_ppm": Ppm(10_000),
        "quorum_bps": Bps(6_600),
        "seed_delay": 4,
        "max_attempts": 3,
        "attempt_blocks": 20,
        "reveal_blocks": 50,
        "dispute_blocks": 0,
        "open_until": BlockNumber(1_000_000),
        "owner_pays_misses": False,
    }
    return ProjectParams(**{**params, **changes})


TASK_INPUT: Final = TaskInput(
    task_id=TASK,
    architecture_cid=build_params().architecture_cid,
    evaluator_cid=build_params().evaluator_cid,
    champion_cid=BASELINE_CID,
    challenger_cid=CHALLENGER_CID,
    rounds=build_params().rounds,
    k=0,
    alpha_ppm=build_params().alpha_ppm,
    tolerance=build_params().tolerance,
)


def store_project(node: ContractNode, params: ProjectParams | None = None, **changes: Any) -> None:
    """Create the project: its event, its storage, and that of its baseline. `changes` are the storage's."""
    published = params or build_params()
    node.events.append((CREATED_AT, ProjectCreated(PROJECT, OWNER, published)))
    stored = {
        "status": ProjectStatus.OPEN,
        "owner": OWNER,
        "created_at": CREATED_AT,
        "pool_free": published.pool,
        "budget_free": published.budget,
        "submission_count": 2,
        "head": FIRST,
        "head_since": REVEALED_AT,
        "evaluated": 0,
        "champion_index": SubmissionIndex(0),
        "champion_score": Micro(0),
        "baseline_score": Micro(0),
        "rewards_paid": Wei(0),
        "terms_hash": terms_hash(published),
    }
    shared = {one.name: getattr(published, one.name) for one in fields(StoredProject) if hasattr(published, one.name)}
    node.put_view(abi.MODEL_SUBMISSION, "getProject", PROJECT, value=StoredProject(**{**shared, **stored, **changes}))
    baseline = build_submission(since=CREATED_AT, content=cid_hash(published.parameters_cid), contributor=OWNER)
    node.put_view(abi.MODEL_SUBMISSION, "getSubmission", PROJECT, 0, value=baseline)


def store_submission(node: ContractNode, **changes: Any) -> None:
    """Reveal the first submission: its event and its storage. `changes` are the storage's."""
    node.events.append((REVEALED_AT, SubmissionRevealed(PROJECT, FIRST, CHALLENGER_CID)))
    node.put_view(abi.MODEL_SUBMISSION, "getSubmission", PROJECT, FIRST, value=build_submission(**changes))


def build_submission(**changes: Any) -> StoredSubmission:
    """Build a submission as the contract stores it."""
    stored: dict[str, Any] = {
        "contributor": Address(b"\x0c" * 20),
        "since": REVEALED_AT,
        "status": SubmissionStatus.EVALUATING,
        "outcome": Outcome.NONE,
        "opening": 1,
        "k": 0,
        "content": cid_hash(CHALLENGER_CID),
    }
    return StoredSubmission(**{**stored, **changes})


def store_task(node: ContractNode) -> None:
    """Open the first submission's task: its event and its storage."""
    params = build_params()
    seed_block = BlockNumber(OPENED_AT + params.seed_delay)
    stored = StoredTask(
        status=TaskStatus.OPEN,
        attempt=Attempt(0),
        max_attempts=params.max_attempts,
        quorum_bps=params.quorum_bps,
        attempt_blocks=params.attempt_blocks,
        attempt_offset=0,
        set_version=SetVersion(1),
        seed_block=seed_block,
        project_id=PROJECT,
        submission_index=FIRST,
        settlement=0,
        input_root=input_root(TASK_INPUT),
    )
    opened = TaskOpened(
        task_id=TASK,
        project_id=PROJECT,
        submission_index=FIRST,
        opening=0,
        input_root=stored.input_root,
        k=TASK_INPUT.k,
        champion_index=SubmissionIndex(0),
        set_version=stored.set_version,
        seed_block=seed_block,
        deadline=stored.deadline,
    )
    node.events.append((OPENED_AT, opened))
    node.put_view(abi.ATTESTATION_CENTER, "getTask", TASK, value=stored)
