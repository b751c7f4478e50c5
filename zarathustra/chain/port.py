"""The chain as services use it. In production the operator's own node answers; tests use a fake."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from zarathustra.core.messages import CertificateIssued, ConflictFound
from zarathustra.core.task import OperatorSet, Task
from zarathustra.core.types import (
    Address,
    BlockNumber,
    OperatorId,
    ProjectId,
    SetVersion,
    Slot,
    SubmissionIndex,
    TaskId,
)
from zarathustra.core.vote import Vote


@dataclass(frozen=True)
class Deployment:
    """The chain and its contracts; everything else is read from them."""

    chain_id: int
    administration: Address
    governance: Address
    attestation_center: Address
    avs_logic: Address
    model_submission: Address
    deployed_at: BlockNumber


@dataclass(frozen=True)
class Receipt:
    """The result of a transaction that succeeded."""

    transaction_hash: bytes
    block_number: BlockNumber
    gas_used: int


@dataclass(frozen=True)
class Posting:
    """The transaction in which the contract accepted a certificate, and its sender."""

    receipt: Receipt
    sender: Address


@dataclass(frozen=True)
class SeedHeader:
    """A block's header in RLP, as its hash covers it, and its PREVRANDAO (32 bytes)."""

    encoded: bytes
    prev_randao: bytes


class TaskReader(Protocol):
    """Reads tasks and operator sets from the operator's own node. All methods raise Retry when no node answers."""

    async def fetch_block_number(self) -> BlockNumber:
        """Return the head's number."""
        ...

    async def fetch_seed_header(self, number: BlockNumber) -> SeedHeader:
        """Return the header of the block that is canonical now. Retry(NO_SEED) while the node does not have it.

        Raises Invalid(NO_RANDOMNESS) for a block from which no seed can be derived.
        """
        ...

    async def fetch_task(self, task_id: TaskId) -> Task:
        """Return the task at the head. Raises Invalid(UNKNOWN_TASK) when the contract does not know it."""
        ...

    async def fetch_operator_set(self, version: SetVersion) -> OperatorSet:
        """Return a sealed set; it never changes, so implementations cache it. The chain checked the keys' subgroup."""
        ...

    async def fetch_latest_version(self) -> SetVersion:
        """Return the newest sealed set's version; 0 while none is sealed."""
        ...

    async def fetch_open_tasks(self) -> Sequence[TaskId]:
        """Return the open tasks among those opened within the longest life of a task. Needs no bus."""
        ...

    async def fetch_posting(self, task: Task, vote: Vote) -> Posting | None:
        """Return the transaction that settled or rejected by exactly this vote, or None."""
        ...

    async def fetch_turn_blocks(self) -> int:
        """Return how many blocks one operator's turn to post lasts."""
        ...


class TaskSender(Protocol):
    """An operator's transactions. Nothing else may use the key's nonces: create one per key."""

    async def submit_certificate(self, certificate: CertificateIssued, slot: Slot, header: SeedHeader) -> Receipt:
        """Simulate, send, raise the fees until mined. Invalid(REVERTED) with the error's name if it reverts.

        `slot` is our place in the task's operator set, `header` that of its seed block.
        """
        ...

    async def prove_conflict(self, found: ConflictFound, slot: Slot, header: SeedHeader) -> Receipt | None:
        """Call `proveConflict`; return None when the operator is slashed for this task already, or has no stake.

        `slot` is the operator's place in the task's operator set, `header` that of its seed block.
        """
        ...

    async def advance(self, project_id: ProjectId, max_steps: int) -> Receipt | None:
        """Call `ModelSubmission.advance` if a simulation says that it does something; return None otherwise."""
        ...

    async def expire_task(self, task_id: TaskId) -> Receipt | None:
        """Call `expireTask`, for a task whose deadline has passed; return None when the task is already final."""
        ...

    async def release(self, project_id: ProjectId, index: SubmissionIndex) -> Receipt | None:
        """Call `release` for a reward that can no longer be disputed; return None when it is released already."""
        ...

    async def close_project(self, project_id: ProjectId) -> Receipt | None:
        """Call `closeProject` for a project that takes no more commits; return None when it is closed already."""
        ...

    async def withdraw_escrow(self, project_id: ProjectId) -> Receipt | None:
        """Call `withdrawEscrow` for a project of an absent owner; return None when nothing is left."""
        ...

    @property
    def operator_id(self) -> OperatorId:
        """The sending address."""
        ...
