"""The messages of operators on the bus: facts, named in the past tense. Each is sent in its sender's envelope."""

import uuid
from dataclasses import dataclass
from typing import TypeAlias

from zarathustra.core.events import RECORD_NAMESPACE
from zarathustra.core.types import (
    Attempt,
    BlsSignature,
    Cid,
    EcdsaSignature,
    Evaluation,
    OperatorId,
    SetVersion,
    TaskId,
    validate_length,
    validate_range,
)


@dataclass(frozen=True)
class EvaluationProposed:
    """A performer's evaluation in one attempt. `proof_of_task` is the report's CID."""

    evaluation: Evaluation
    proof_of_task: Cid
    performer_signature: EcdsaSignature  # over the evaluation digest; goes on chain

    def __post_init__(self) -> None:
        validate_length("performer_signature", self.performer_signature, 65)
        validate_range("length of proof_of_task", len(self.proof_of_task), 1, 64)


@dataclass(frozen=True)
class AttestationSigned:
    """One operator's BLS signature over one vote."""

    task_id: TaskId
    attempt: Attempt
    evaluation_hash: bytes
    approved: bool
    operator: OperatorId
    signature: BlsSignature
    reason: str  # of a rejection: a reason code; empty for an approval

    def __post_init__(self) -> None:
        validate_length("task_id", self.task_id, 32)
        validate_length("evaluation_hash", self.evaluation_hash, 32)
        validate_length("operator", self.operator, 20)
        validate_length("signature", self.signature, 96)
        validate_range("attempt", self.attempt, 0, 255)


@dataclass(frozen=True)
class Abstained:
    """An attester could not decide. `reason` is a reason code."""

    task_id: TaskId
    attempt: Attempt
    evaluation_hash: bytes
    operator: OperatorId
    reason: str

    def __post_init__(self) -> None:
        validate_length("task_id", self.task_id, 32)
        validate_length("evaluation_hash", self.evaluation_hash, 32)
        validate_length("operator", self.operator, 20)


@dataclass(frozen=True)
class CertificateIssued:
    """All that `submitTask` needs: an aggregate over one vote, beyond the quorum and already verified."""

    proposal: EvaluationProposed
    approved: bool
    set_version: SetVersion
    bitmap: int  # bit i = slot i
    signature: BlsSignature  # aggregate

    def __post_init__(self) -> None:
        validate_length("signature", self.signature, 96)
        validate_range("bitmap", self.bitmap, 1, 2**128 - 1)


@dataclass(frozen=True)
class CertificatePosted:
    """The contract accepted the poster's transaction. After a crash it may be reported again, from the chain."""

    task_id: TaskId
    attempt: Attempt
    approved: bool
    transaction_hash: bytes
    block_number: int
    gas_used: int
    operator: OperatorId


@dataclass(frozen=True)
class TaskStalled:
    """An attempt ended without a certificate, can reach no quorum, or the contract refused its certificate.

    `reason` is a reason code.
    """

    task_id: TaskId
    attempt: Attempt
    reason: str


@dataclass(frozen=True)
class CastVote:
    """An operator's vote with the evaluation that it is about: all that is needed to verify the signature."""

    evaluation: Evaluation
    approved: bool
    signature: BlsSignature

    def __post_init__(self) -> None:
        validate_length("signature", self.signature, 96)


@dataclass(frozen=True)
class ConflictFound:
    """One operator signed two votes that conflict; both signatures are verified. The contract slashes for them."""

    operator: OperatorId
    first: CastVote
    second: CastVote

    def __post_init__(self) -> None:
        validate_length("operator", self.operator, 20)


Message: TypeAlias = (
    EvaluationProposed
    | AttestationSigned
    | Abstained
    | CertificateIssued
    | CertificatePosted
    | TaskStalled
    | ConflictFound
)


def task_of(message: Message) -> TaskId:
    """Return the task that a message is about; it is the record's key."""
    match message:
        case EvaluationProposed():
            return message.evaluation.task_id
        case CertificateIssued():
            return message.proposal.evaluation.task_id
        case ConflictFound():
            return message.first.evaluation.task_id
        case _:
            return message.task_id


def message_record_id(message: Message, value: bytes) -> uuid.UUID:
    """Return the record's id, derived from its content: a message that is sent twice has one id."""
    return uuid.uuid5(RECORD_NAMESPACE, f"{type(message).__name__}/{value.hex()}")
