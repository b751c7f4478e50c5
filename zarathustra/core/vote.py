"""The message that an attester signs: approval or rejection of one evaluation of one attempt."""

from dataclasses import dataclass

from zarathustra.core.types import Attempt, TaskId, validate_length, validate_range


@dataclass(frozen=True)
class Vote:
    """The EIP-712 struct of `docs/protocol.md` §2, field for field."""

    task_id: TaskId
    attempt: Attempt
    evaluation_hash: bytes  # 32 bytes: `digests.evaluation_hash` of the performer's claim
    approved: bool

    def __post_init__(self) -> None:
        validate_length("task_id", self.task_id, 32)
        validate_range("attempt", self.attempt, 0, 255)
        validate_length("evaluation_hash", self.evaluation_hash, 32)
