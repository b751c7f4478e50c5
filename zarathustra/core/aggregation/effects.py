"""What comes out of the fold: what is to be done, and the state that follows."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from zarathustra.core.aggregation.state import TaskState
from zarathustra.core.messages import EvaluationProposed
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Attempt, BlsPublicKey, BlsSignature, OperatorId, SetVersion, Slot, TaskId
from zarathustra.core.vote import Vote


@dataclass(frozen=True)
class Signer:
    """A member of a vote, with everything needed to verify or aggregate its signature."""

    operator_id: OperatorId
    slot: Slot
    public_key: BlsPublicKey
    signature: BlsSignature


@dataclass(frozen=True)
class VerifySignatures:
    """Find out which of these are good and fold `SignaturesVerified`. At most one at a time."""

    vote: Vote
    signers: tuple[Signer, ...]


@dataclass(frozen=True)
class IssueCertificate:
    """Aggregate and publish. Every signature is verified; the signers' stake decides. `signers` in slot order."""

    vote: Vote
    proposal: EvaluationProposed
    set_version: SetVersion
    signers: tuple[Signer, ...]

    @property
    def bitmap(self) -> int:
        """Bit i = slot i."""
        return sum(1 << signer.slot for signer in self.signers)


@dataclass(frozen=True)
class ReportStall:
    """The attempt can reach no quorum any more."""

    task_id: TaskId
    attempt: Attempt
    reason: Reason


class Fault(StrEnum):
    """What an operator provably did wrong; the word in logs and metrics."""

    BAD_SIGNATURE = "bad_signature"
    TWO_SIGNATURES = "two_signatures"  # BLS signatures are unique: at least one of them is none
    CONFLICTING_VOTES = "conflicting_votes"  # slashable: `AttestationCenter.proveDoubleAttestation`


@dataclass(frozen=True)
class OperatorBlamed:
    task_id: TaskId
    attempt: Attempt
    operator: OperatorId
    fault: Fault


Effect: TypeAlias = VerifySignatures | IssueCertificate | ReportStall | OperatorBlamed


@dataclass(frozen=True)
class Transition:
    """`state` None: nothing is kept of the task."""

    state: TaskState | None
    effects: tuple[Effect, ...] = ()


def blame(vote: Vote, operator: OperatorId, fault: Fault) -> OperatorBlamed:
    return OperatorBlamed(vote.task_id, vote.attempt, operator, fault)
