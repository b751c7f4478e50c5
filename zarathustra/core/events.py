"""Contract events: one frozen fact per event that services read, and the chain event that carries it.

Field names are the ABI's in snake case, so one decoder serves all of them; a golden test compares both lists.
Append-only: records that are already on the bus must stay readable.
"""

import uuid
from dataclasses import dataclass
from typing import TypeAlias

from zarathustra.core.outcomes import Outcome
from zarathustra.core.project import ProjectParams
from zarathustra.core.types import (
    Address,
    Attempt,
    BlockHash,
    BlockNumber,
    Micro,
    OperatorId,
    ProjectId,
    SetVersion,
    Slot,
    SubmissionIndex,
    TaskId,
    Wei,
    validate_length,
)

RECORD_NAMESPACE = uuid.UUID("6f1c3f0e-0a4b-5a68-9d0a-2a7d6e1b7c55")  # any constant; a new one changes every record id


# ---- Administration


@dataclass(frozen=True)
class Paused:
    guardian: Address
    until: int  # Unix seconds


@dataclass(frozen=True)
class Unpaused:
    account: Address


# ---- AvsGovernance


@dataclass(frozen=True)
class OperatorAdmitted:
    owner: Address


@dataclass(frozen=True)
class OperatorExpelled:
    owner: Address


@dataclass(frozen=True)
class OperatorRegistered:
    operator: OperatorId
    owner: Address
    slot: Slot
    bls_key: bytes  # 128 bytes, EIP-2537
    stake: Wei
    rewards_receiver: Address
    active_from: BlockNumber


@dataclass(frozen=True)
class OperatorStakeIncreased:
    operator: OperatorId
    amount: Wei
    stake: Wei


@dataclass(frozen=True)
class SigningKeyRotated:
    operator: OperatorId
    signing_key: OperatorId


@dataclass(frozen=True)
class RewardsReceiverChanged:
    operator: OperatorId
    rewards_receiver: Address


@dataclass(frozen=True)
class OperatorOwnerChanged:
    operator: OperatorId
    owner: Address


@dataclass(frozen=True)
class OperatorSlashed:
    operator: OperatorId
    case_id: bytes
    amount: Wei
    stake: Wei


@dataclass(frozen=True)
class OperatorJailed:
    operator: OperatorId


@dataclass(frozen=True)
class OperatorUnjailed:
    operator: OperatorId
    active_from: BlockNumber


@dataclass(frozen=True)
class OperatorDeregistered:
    operator: OperatorId


@dataclass(frozen=True)
class OperatorEjected:
    operator: OperatorId


@dataclass(frozen=True)
class OperatorExited:
    operator: OperatorId
    to: Address
    stake: Wei


@dataclass(frozen=True)
class OperatorSetSealed:
    version: SetVersion
    pointer: Address
    count: int
    total_stake: Wei


# ---- AttestationCenter


@dataclass(frozen=True)
class TaskOpened:
    task_id: TaskId
    project_id: ProjectId
    submission_index: SubmissionIndex
    opening: int
    input_root: bytes
    k: int
    champion_index: SubmissionIndex
    set_version: SetVersion
    seed_block: BlockNumber
    deadline: BlockNumber


@dataclass(frozen=True)
class SeedFixed:
    task_id: TaskId
    seed: bytes


@dataclass(frozen=True)
class TaskSubmitted:
    task_id: TaskId
    attempt: Attempt
    performer: OperatorId
    aggregator: OperatorId
    evaluation_hash: bytes
    bitmap: int
    signed_stake: Wei
    settlement: int
    proof_of_task: str


@dataclass(frozen=True)
class TaskRejected:
    task_id: TaskId
    attempt: Attempt
    performer: OperatorId
    evaluation_hash: bytes
    bitmap: int


@dataclass(frozen=True)
class PerformerGuilty:
    task_id: TaskId
    attempt: Attempt
    performer: OperatorId
    amount: Wei


@dataclass(frozen=True)
class TaskExpired:
    task_id: TaskId


@dataclass(frozen=True)
class TaskDisputed:
    task_id: TaskId
    disputer: Address


@dataclass(frozen=True)
class DisputeResolved:
    task_id: TaskId
    is_overturned: bool


@dataclass(frozen=True)
class ConflictProven:
    task_id: TaskId
    attempt: Attempt
    culprits: int
    amount: Wei


@dataclass(frozen=True)
class FeesClaimed:
    operator: OperatorId
    from_settlement: int
    up_to: int


# ---- ModelSubmission


@dataclass(frozen=True)
class ProjectCreated:
    project_id: ProjectId
    owner: Address
    params: ProjectParams


@dataclass(frozen=True)
class MetadataChanged:
    project_id: ProjectId
    metadata_cid: str


@dataclass(frozen=True)
class ProjectOpened:
    project_id: ProjectId
    champion_score: Micro


@dataclass(frozen=True)
class ProjectClosed:
    project_id: ProjectId


@dataclass(frozen=True)
class ProjectSuspended:
    project_id: ProjectId


@dataclass(frozen=True)
class ProjectCancelled:
    project_id: ProjectId


@dataclass(frozen=True)
class ToppedUp:
    project_id: ProjectId
    pool: Wei
    budget: Wei


@dataclass(frozen=True)
class SubmissionCommitted:
    project_id: ProjectId
    index: SubmissionIndex
    contributor: Address
    commitment: bytes


@dataclass(frozen=True)
class SubmissionRevealed:
    project_id: ProjectId
    index: SubmissionIndex
    parameters_cid: str


@dataclass(frozen=True)
class SubmissionReopened:
    project_id: ProjectId
    index: SubmissionIndex


@dataclass(frozen=True)
class SubmissionSettled:
    project_id: ProjectId
    index: SubmissionIndex
    task_id: TaskId
    outcome: Outcome
    champion_score: Micro
    challenger_score: Micro
    gain_lower_bound: Micro


@dataclass(frozen=True)
class ModelImproved:
    project_id: ProjectId
    index: SubmissionIndex
    gain_lower_bound: Micro


@dataclass(frozen=True)
class ChampionRestored:
    project_id: ProjectId
    index: SubmissionIndex


@dataclass(frozen=True)
class RewardWithheld:
    project_id: ProjectId
    index: SubmissionIndex
    amount: Wei
    until: BlockNumber


@dataclass(frozen=True)
class RewardDisputed:
    project_id: ProjectId
    index: SubmissionIndex
    disputer: Address
    until: BlockNumber


@dataclass(frozen=True)
class RewardPaid:
    project_id: ProjectId
    index: SubmissionIndex
    contributor: Address
    amount: Wei


@dataclass(frozen=True)
class RewardReturned:
    project_id: ProjectId
    index: SubmissionIndex
    amount: Wei


@dataclass(frozen=True)
class BondSlashed:
    project_id: ProjectId
    index: SubmissionIndex
    amount: Wei


@dataclass(frozen=True)
class Credited:
    account: Address
    token: Address
    amount: Wei


@dataclass(frozen=True)
class Withdrawn:
    account: Address
    token: Address
    to: Address
    amount: Wei


AdministrationFact: TypeAlias = Paused | Unpaused
GovernanceFact: TypeAlias = (
    OperatorAdmitted
    | OperatorExpelled
    | OperatorRegistered
    | OperatorStakeIncreased
    | SigningKeyRotated
    | RewardsReceiverChanged
    | OperatorOwnerChanged
    | OperatorSlashed
    | OperatorJailed
    | OperatorUnjailed
    | OperatorDeregistered
    | OperatorEjected
    | OperatorExited
    | OperatorSetSealed
)
AttestationFact: TypeAlias = (
    TaskOpened
    | SeedFixed
    | TaskSubmitted
    | TaskRejected
    | PerformerGuilty
    | TaskExpired
    | TaskDisputed
    | DisputeResolved
    | ConflictProven
    | FeesClaimed
)
MarketFact: TypeAlias = (
    ProjectCreated
    | MetadataChanged
    | ProjectOpened
    | ProjectClosed
    | ProjectSuspended
    | ProjectCancelled
    | ToppedUp
    | SubmissionCommitted
    | SubmissionRevealed
    | SubmissionReopened
    | SubmissionSettled
    | ModelImproved
    | ChampionRestored
    | RewardWithheld
    | RewardDisputed
    | RewardPaid
    | RewardReturned
    | BondSlashed
    | Credited
    | Withdrawn
)
Fact: TypeAlias = AdministrationFact | GovernanceFact | AttestationFact | MarketFact


@dataclass(frozen=True)
class ChainEvent:
    """One contract event with its place on chain. `project_id` is the record's key; 0 for a fact of no project."""

    chain_id: int
    block_number: BlockNumber
    block_hash: BlockHash
    transaction_hash: bytes
    log_index: int
    project_id: ProjectId
    fact: Fact

    def __post_init__(self) -> None:
        validate_length("block_hash", self.block_hash, 32)
        validate_length("transaction_hash", self.transaction_hash, 32)


@dataclass(frozen=True)
class Retracted:
    """A reorganisation removed `event`. Retractions are sent in reverse order of the removed branch's events."""

    event: ChainEvent


def chain_record_id(record: ChainEvent | Retracted) -> uuid.UUID:
    """Return the record's id, derived from its place on chain: the same event found twice is the same record."""
    event = record.event if isinstance(record, Retracted) else record
    kind = type(record).__name__
    return uuid.uuid5(RECORD_NAMESPACE, f"{kind}/{event.chain_id}/{event.block_hash.hex()}/{event.log_index}")
