"""The input of the fold: facts that were checked before they reach it."""

from dataclasses import dataclass
from typing import TypeAlias

from zarathustra.core.messages import Abstained, AttestationSigned, EvaluationProposed
from zarathustra.core.task import OperatorSet, Task
from zarathustra.core.types import BlockNumber, OperatorId
from zarathustra.core.vote import Vote


@dataclass(frozen=True)
class TaskRead:
    """The task on the operator's own node at `block`; also how the fold learns the time.

    Status NONE: the node no longer knows the task.
    """

    task: Task
    operators: OperatorSet
    block: BlockNumber

    def __post_init__(self) -> None:
        if self.task.set_version != self.operators.version:
            raise ValueError(f"set {self.operators.version} is not the task's set {self.task.set_version}")


@dataclass(frozen=True)
class EvaluationAccepted:
    """A proposal of the attempt's performer; its signature and input hash were checked."""

    proposal: EvaluationProposed


@dataclass(frozen=True)
class AttestationAccepted:
    """An attestation of a member of the task's set, in its own envelope; the BLS signature is not verified yet."""

    attestation: AttestationSigned


@dataclass(frozen=True)
class AbstentionAccepted:
    """An abstention of a member of the task's set, in its own envelope."""

    abstention: Abstained


@dataclass(frozen=True)
class SignaturesVerified:
    """The answer to `VerifySignatures`."""

    vote: Vote
    good: frozenset[OperatorId]
    bad: frozenset[OperatorId]


Change: TypeAlias = TaskRead | EvaluationAccepted | AttestationAccepted | AbstentionAccepted | SignaturesVerified
