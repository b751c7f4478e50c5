from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class AttestationSigned(_message.Message):
    __slots__ = ("task_id", "attempt", "evaluation_hash", "approved", "operator", "signature", "reason")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_HASH_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    attempt: int
    evaluation_hash: bytes
    approved: bool
    operator: bytes
    signature: bytes
    reason: str
    def __init__(self, task_id: _Optional[bytes] = ..., attempt: _Optional[int] = ..., evaluation_hash: _Optional[bytes] = ..., approved: _Optional[bool] = ..., operator: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., reason: _Optional[str] = ...) -> None: ...

class Abstained(_message.Message):
    __slots__ = ("task_id", "attempt", "evaluation_hash", "operator", "reason")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_HASH_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    attempt: int
    evaluation_hash: bytes
    operator: bytes
    reason: str
    def __init__(self, task_id: _Optional[bytes] = ..., attempt: _Optional[int] = ..., evaluation_hash: _Optional[bytes] = ..., operator: _Optional[bytes] = ..., reason: _Optional[str] = ...) -> None: ...
