from zarathustra.v1 import evaluations_pb2 as _evaluations_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CertificateIssued(_message.Message):
    __slots__ = ("proposal", "approved", "set_version", "bitmap", "signature")
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    SET_VERSION_FIELD_NUMBER: _ClassVar[int]
    BITMAP_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    proposal: _evaluations_pb2.EvaluationProposed
    approved: bool
    set_version: int
    bitmap: bytes
    signature: bytes
    def __init__(self, proposal: _Optional[_Union[_evaluations_pb2.EvaluationProposed, _Mapping]] = ..., approved: _Optional[bool] = ..., set_version: _Optional[int] = ..., bitmap: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class CertificatePosted(_message.Message):
    __slots__ = ("task_id", "attempt", "approved", "transaction_hash", "block_number", "gas_used", "operator")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_HASH_FIELD_NUMBER: _ClassVar[int]
    BLOCK_NUMBER_FIELD_NUMBER: _ClassVar[int]
    GAS_USED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    attempt: int
    approved: bool
    transaction_hash: bytes
    block_number: int
    gas_used: int
    operator: bytes
    def __init__(self, task_id: _Optional[bytes] = ..., attempt: _Optional[int] = ..., approved: _Optional[bool] = ..., transaction_hash: _Optional[bytes] = ..., block_number: _Optional[int] = ..., gas_used: _Optional[int] = ..., operator: _Optional[bytes] = ...) -> None: ...

class CastVote(_message.Message):
    __slots__ = ("evaluation", "approved", "signature")
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    evaluation: _evaluations_pb2.Evaluation
    approved: bool
    signature: bytes
    def __init__(self, evaluation: _Optional[_Union[_evaluations_pb2.Evaluation, _Mapping]] = ..., approved: _Optional[bool] = ..., signature: _Optional[bytes] = ...) -> None: ...

class ConflictFound(_message.Message):
    __slots__ = ("operator", "first", "second")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    first: CastVote
    second: CastVote
    def __init__(self, operator: _Optional[bytes] = ..., first: _Optional[_Union[CastVote, _Mapping]] = ..., second: _Optional[_Union[CastVote, _Mapping]] = ...) -> None: ...

class TaskStalled(_message.Message):
    __slots__ = ("task_id", "attempt", "reason")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    attempt: int
    reason: str
    def __init__(self, task_id: _Optional[bytes] = ..., attempt: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...
