"""The chain as services use it. The real reader asks the operator's own node; tests hand in a fake."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from zarathustra.core.messages import CertificateIssued
from zarathustra.core.task import OperatorSet, Task
from zarathustra.core.types import Address, BlockHash, BlockNumber, OperatorId, ProjectId, SetVersion, TaskId
from zarathustra.core.vote import Vote


@dataclass(frozen=True)
class Deployment:
    """Which chain and which contracts; everything else is read from them."""

    chain_id: int
    governance: Address
    attestation_center: Address
    avs_logic: Address
    model_submission: Address
    deployed_at: BlockNumber


@dataclass(frozen=True)
class Receipt:
    """What became of a transaction that succeeded."""

    transaction_hash: bytes
    block_number: BlockNumber
    gas_used: int


@dataclass(frozen=True)
class Posting:
    """The transaction with which the contract took a certificate, and who sent it."""

    receipt: Receipt
    sender: Address


class TaskReader(Protocol):
    """Facts about tasks, from the operator's own node. Raises Retry when no node answers."""

    async def fetch_block_number(self) -> BlockNumber:
        """The head's number."""
        ...

    async def fetch_block_hash(self, number: BlockNumber) -> BlockHash:
        """A canonical block's hash now; Retry(NO_SEED) while the node does not have it."""
        ...

    async def fetch_task(self, task_id: TaskId) -> Task:
        """The task at the head. Invalid(UNKNOWN_TASK) when the contract does not know it."""
        ...

    async def fetch_operator_set(self, version: SetVersion) -> OperatorSet:
        """A sealed set; immutable, so implementations cache it. Keys are already subgroup-checked on chain."""
        ...

    async def fetch_open_tasks(self) -> Sequence[TaskId]:
        """The open tasks among those opened within the longest task life; needs no bus."""
        ...

    async def fetch_posting(self, task: Task, vote: Vote) -> Posting | None:
        """What settled (or rejected) the task by this very vote; None when nothing did."""
        ...

    async def fetch_turn_blocks(self) -> int:
        """How long one operator's turn to post lasts, in blocks."""
        ...


class TaskSender(Protocol):
    """Transactions of an operator. Sole owner of its key's nonces: one per process and key."""

    async def submit_certificate(self, certificate: CertificateIssued) -> Receipt:
        """Simulate, send, bump until mined. Invalid(REVERTED) with the contract's error name when it refuses."""
        ...

    async def advance(self, project_id: ProjectId, max_steps: int) -> Receipt | None:
        """Call `ModelSubmission.advance` when a simulation says it does something; None when it would not."""
        ...

    async def expire_task(self, task_id: TaskId) -> Receipt | None:
        """Call `expireTask` when the deadline has passed; None when the task is already final."""
        ...

    @property
    def operator_id(self) -> OperatorId:
        """The sending address."""
        ...
