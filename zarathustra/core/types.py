"""Ids and units. Values hold bytes; hex is for input and output only. Dataclasses refuse invalid values."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from zarathustra.core.errors import Invalid
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason

Address = NewType("Address", bytes)  # 20 bytes
OperatorId = NewType("OperatorId", bytes)  # 20 bytes: the operator's signing (ECDSA) address
TaskId = NewType("TaskId", bytes)  # 32 bytes
Digest = NewType("Digest", bytes)  # 32 bytes, the message of a signature
BlockHash = NewType("BlockHash", bytes)  # 32 bytes
Seed = NewType("Seed", bytes)  # 32 bytes
BlockNumber = NewType("BlockNumber", int)
ProjectId = NewType("ProjectId", int)  # 1, 2, 3, …
SubmissionIndex = NewType("SubmissionIndex", int)  # within its project; 0 is the owner's baseline
Attempt = NewType("Attempt", int)  # within its task; 0, 1, …
SetVersion = NewType("SetVersion", int)  # sealed operator sets; 1, 2, …
Slot = NewType("Slot", int)  # an operator's place in a set; 0 … 127
Cid = NewType("Cid", str)  # canonical text: CIDv1 base32
Wei = NewType("Wei", int)
Bps = NewType("Bps", int)  # 1/10,000
Ppm = NewType("Ppm", int)  # 1/1,000,000
Micro = NewType("Micro", int)  # a score, 10⁻⁶, in [−10⁹, 10⁹]

BlsPublicKey = NewType("BlsPublicKey", bytes)  # 48 bytes, compressed G1
BlsSignature = NewType("BlsSignature", bytes)  # 96 bytes, compressed G2
EcdsaSignature = NewType("EcdsaSignature", bytes)  # 65 bytes r ‖ s ‖ v, low s, v ∈ {27, 28}

MAX_SCORE_MICRO = 10**9
MAX_OPERATORS = 128  # one bit each in the certificate's uint128 bitmap
MAX_CID_LENGTH = 64  # the limit of ModelSubmission
ZERO32 = bytes(32)
ZERO_ADDRESS = Address(bytes(20))


class Topic(StrEnum):
    """The topics of `proto/topics.yaml`."""

    CHAIN_EVENTS = "chain-events.v1"
    EVALUATIONS = "evaluations.v1"
    ATTESTATIONS = "attestations.v1"
    CERTIFICATES = "certificates.v1"
    INDEXER_CHECKPOINT = "indexer-checkpoint.v1"


def validate_length(name: str, value: bytes, length: int) -> None:
    """Raise Invalid(UNPARSABLE) unless `value` is `length` bytes."""
    if len(value) != length:
        raise Invalid(Reason.UNPARSABLE, f"{name} has the wrong length", length=len(value), expected=length)


def validate_range(name: str, value: int, low: int, high: int) -> None:
    """Raise Invalid(UNPARSABLE) unless low ≤ value ≤ high."""
    if not low <= value <= high:
        raise Invalid(Reason.UNPARSABLE, f"{name} is out of range", value=value, low=low, high=high)


@dataclass(frozen=True)
class Evaluation:
    """A performer's claim in one attempt: the EIP-712 struct of `docs/protocol.md` §2, field for field."""

    task_id: TaskId
    attempt: Attempt
    performer: OperatorId
    input_hash: bytes  # 32 bytes
    code: Code
    champion_score: Micro
    challenger_score: Micro
    gain_lower_bound: Micro
    report_hash: bytes  # 32 bytes: keccak of the report's canonical CID text

    def __post_init__(self) -> None:
        validate_length("task_id", self.task_id, 32)
        validate_length("performer", self.performer, 20)
        validate_length("input_hash", self.input_hash, 32)
        validate_length("report_hash", self.report_hash, 32)
        validate_range("attempt", self.attempt, 0, 255)
        validate_range("code", self.code, Code.VALID, Code.EVALUATOR_FAILED)
        for name in ("champion_score", "challenger_score"):
            validate_range(name, getattr(self, name), -MAX_SCORE_MICRO, MAX_SCORE_MICRO)
        # The bound may be below any possible score difference: a wide interval is honest.
        validate_range("gain_lower_bound", self.gain_lower_bound, -(2**62), 2 * MAX_SCORE_MICRO)
