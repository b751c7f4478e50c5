"""What goes into the fold: facts that were checked on their way in."""

from dataclasses import dataclass
from typing import TypeAlias

from zarathustra.core.messages import Abstained, AttestationSigned, EvaluationProposed
from zarathustra.core.task import OperatorSet, Task
from zarathustra.core.types import BlockNumber, OperatorId
from zarathustra.core.vote import Vote


@dataclass(frozen=True)
class TaskRead:
    """The task as our own node tells it at `block`; also how time passes. Status NONE: our node knows it no more."""

    task: Task
    operators: OperatorSet
    block: BlockNumber

    def __post_init__(self) -> None:
        if self.task.set_version != self.operators.version:
            raise ValueError(f"set {self.operators.version} is not the task's set {self.task.set_version}")


@dataclass(frozen=True)
class EvaluationAccepted:
    """From the attempt's performer, with its signature checked and the input hash compared."""

    proposal: EvaluationProposed


@dataclass(frozen=True)
class AttestationAccepted:
    """From a member of the task's set, in its own envelope; the BLS signature is not yet verified."""

    attestation: AttestationSigned


@dataclass(frozen=True)
class AbstentionAccepted:
    """From a member of the task's set, in its own envelope."""

    abstention: Abstained


@dataclass(frozen=True)
class SignaturesVerified:
    """The answer to `VerifySignatures`."""

    vote: Vote
    good: frozenset[OperatorId]
    bad: frozenset[OperatorId]


Change: TypeAlias = TaskRead | EvaluationAccepted | AttestationAccepted | AbstentionAccepted | SignaturesVerified
