"""The output of the fold: the effects to perform and the new state."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from zarathustra.core.aggregation.state import TaskState
from zarathustra.core.messages import ConflictFound, EvaluationProposed
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Attempt, BlsPublicKey, BlsSignature, OperatorId, SetVersion, Slot, TaskId
from zarathustra.core.vote import Vote


@dataclass(frozen=True)
class Signer:
    """An operator that signed a vote, with all that is needed to verify or aggregate its signature."""

    operator_id: OperatorId
    slot: Slot
    public_key: BlsPublicKey
    signature: BlsSignature


@dataclass(frozen=True)
class VerifySignatures:
    """Find out which of these signatures are good, and fold `SignaturesVerified`. At most one per transition."""

    vote: Vote
    signers: tuple[Signer, ...]


@dataclass(frozen=True)
class IssueCertificate:
    """Aggregate and publish. Every signature is verified; the signers' stake decides. `signers` are in slot order."""

    vote: Vote
    proposal: EvaluationProposed
    set_version: SetVersion
    signers: tuple[Signer, ...]

    @property
    def bitmap(self) -> int:
        """The signers as bits: bit i = slot i."""
        return sum(1 << signer.slot for signer in self.signers)


@dataclass(frozen=True)
class ReportStall:
    """Report that an attempt ended without a certificate or can no longer reach a quorum."""

    task_id: TaskId
    attempt: Attempt
    reason: Reason


@dataclass(frozen=True)
class ReportConflict:
    """Publish evidence of an operator's conflicting votes, from which the contract slashes it."""

    found: ConflictFound


class Fault(StrEnum):
    """A fault that an operator's own records prove; its value is the word in logs and metrics."""

    BAD_SIGNATURE = "bad_signature"
    TWO_SIGNATURES = "two_signatures"  # over one vote; only one can be valid, as BLS signatures are unique
    CONFLICTING_VOTES = "conflicting_votes"  # see `conflicts`


@dataclass(frozen=True)
class OperatorBlamed:
    task_id: TaskId
    attempt: Attempt
    operator: OperatorId
    fault: Fault


Effect: TypeAlias = VerifySignatures | IssueCertificate | ReportStall | ReportConflict | OperatorBlamed


@dataclass(frozen=True)
class Transition:
    """The new state, None when nothing is kept of the task, and the effects."""

    state: TaskState | None
    effects: tuple[Effect, ...] = ()


def blame(vote: Vote, operator: OperatorId, fault: Fault) -> OperatorBlamed:
    return OperatorBlamed(vote.task_id, vote.attempt, operator, fault)
