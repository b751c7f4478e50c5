from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class EvaluateRequest(_message.Message):
    __slots__ = ("input_hash", "architecture", "evaluator", "champion", "challenger", "seed", "rounds")
    INPUT_HASH_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    EVALUATOR_FIELD_NUMBER: _ClassVar[int]
    CHAMPION_FIELD_NUMBER: _ClassVar[int]
    CHALLENGER_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    input_hash: bytes
    architecture: bytes
    evaluator: bytes
    champion: bytes
    challenger: bytes
    seed: bytes
    rounds: int
    def __init__(self, input_hash: _Optional[bytes] = ..., architecture: _Optional[bytes] = ..., evaluator: _Optional[bytes] = ..., champion: _Optional[bytes] = ..., challenger: _Optional[bytes] = ..., seed: _Optional[bytes] = ..., rounds: _Optional[int] = ...) -> None: ...

class EvaluateResult(_message.Message):
    __slots__ = ("code", "reason", "champion_rounds", "challenger_rounds", "torch", "numpy", "cpu")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHAMPION_ROUNDS_FIELD_NUMBER: _ClassVar[int]
    CHALLENGER_ROUNDS_FIELD_NUMBER: _ClassVar[int]
    TORCH_FIELD_NUMBER: _ClassVar[int]
    NUMPY_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    champion_rounds: _containers.RepeatedScalarFieldContainer[int]
    challenger_rounds: _containers.RepeatedScalarFieldContainer[int]
    torch: str
    numpy: str
    cpu: str
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., champion_rounds: _Optional[_Iterable[int]] = ..., challenger_rounds: _Optional[_Iterable[int]] = ..., torch: _Optional[str] = ..., numpy: _Optional[str] = ..., cpu: _Optional[str] = ...) -> None: ...
