from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Evaluation(_message.Message):
    __slots__ = ("task_id", "attempt", "performer", "input_hash", "code", "champion_score", "challenger_score", "gain_lower_bound", "report_hash")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    PERFORMER_FIELD_NUMBER: _ClassVar[int]
    INPUT_HASH_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    CHAMPION_SCORE_FIELD_NUMBER: _ClassVar[int]
    CHALLENGER_SCORE_FIELD_NUMBER: _ClassVar[int]
    GAIN_LOWER_BOUND_FIELD_NUMBER: _ClassVar[int]
    REPORT_HASH_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    attempt: int
    performer: bytes
    input_hash: bytes
    code: int
    champion_score: int
    challenger_score: int
    gain_lower_bound: int
    report_hash: bytes
    def __init__(self, task_id: _Optional[bytes] = ..., attempt: _Optional[int] = ..., performer: _Optional[bytes] = ..., input_hash: _Optional[bytes] = ..., code: _Optional[int] = ..., champion_score: _Optional[int] = ..., challenger_score: _Optional[int] = ..., gain_lower_bound: _Optional[int] = ..., report_hash: _Optional[bytes] = ...) -> None: ...

class EvaluationProposed(_message.Message):
    __slots__ = ("evaluation", "proof_of_task", "performer_signature")
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    PROOF_OF_TASK_FIELD_NUMBER: _ClassVar[int]
    PERFORMER_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    evaluation: Evaluation
    proof_of_task: str
    performer_signature: bytes
    def __init__(self, evaluation: _Optional[_Union[Evaluation, _Mapping]] = ..., proof_of_task: _Optional[str] = ..., performer_signature: _Optional[bytes] = ...) -> None: ...
