from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AggregationState(_message.Message):
    __slots__ = ("task", "set_version", "operators", "block", "evaluations", "ballots", "abstained", "stalled", "final_since", "reported")
    TASK_FIELD_NUMBER: _ClassVar[int]
    SET_VERSION_FIELD_NUMBER: _ClassVar[int]
    OPERATORS_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    BALLOTS_FIELD_NUMBER: _ClassVar[int]
    ABSTAINED_FIELD_NUMBER: _ClassVar[int]
    STALLED_FIELD_NUMBER: _ClassVar[int]
    FINAL_SINCE_FIELD_NUMBER: _ClassVar[int]
    REPORTED_FIELD_NUMBER: _ClassVar[int]
    task: AggregationTask
    set_version: int
    operators: _containers.RepeatedCompositeFieldContainer[AggregationOperator]
    block: int
    evaluations: _containers.RepeatedScalarFieldContainer[bytes]
    ballots: _containers.RepeatedCompositeFieldContainer[AggregationBallot]
    abstained: _containers.RepeatedCompositeFieldContainer[AggregationAbstention]
    stalled: _containers.RepeatedScalarFieldContainer[int]
    final_since: int
    reported: _containers.RepeatedCompositeFieldContainer[AggregationConflict]
    def __init__(self, task: _Optional[_Union[AggregationTask, _Mapping]] = ..., set_version: _Optional[int] = ..., operators: _Optional[_Iterable[_Union[AggregationOperator, _Mapping]]] = ..., block: _Optional[int] = ..., evaluations: _Optional[_Iterable[bytes]] = ..., ballots: _Optional[_Iterable[_Union[AggregationBallot, _Mapping]]] = ..., abstained: _Optional[_Iterable[_Union[AggregationAbstention, _Mapping]]] = ..., stalled: _Optional[_Iterable[int]] = ..., final_since: _Optional[int] = ..., reported: _Optional[_Iterable[_Union[AggregationConflict, _Mapping]]] = ...) -> None: ...

class AggregationTask(_message.Message):
    __slots__ = ("task_id", "project_id", "submission_index", "status", "attempt", "attempt_start", "attempt_blocks", "max_attempts", "seed_block", "deadline", "quorum_bps", "input_root", "architecture_cid", "evaluator_cid", "champion_cid", "challenger_cid", "rounds", "k", "alpha_ppm", "tolerance")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBMISSION_INDEX_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_START_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    SEED_BLOCK_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_FIELD_NUMBER: _ClassVar[int]
    QUORUM_BPS_FIELD_NUMBER: _ClassVar[int]
    INPUT_ROOT_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_CID_FIELD_NUMBER: _ClassVar[int]
    EVALUATOR_CID_FIELD_NUMBER: _ClassVar[int]
    CHAMPION_CID_FIELD_NUMBER: _ClassVar[int]
    CHALLENGER_CID_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    ALPHA_PPM_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_FIELD_NUMBER: _ClassVar[int]
    task_id: bytes
    project_id: int
    submission_index: int
    status: int
    attempt: int
    attempt_start: int
    attempt_blocks: int
    max_attempts: int
    seed_block: int
    deadline: int
    quorum_bps: int
    input_root: bytes
    architecture_cid: str
    evaluator_cid: str
    champion_cid: str
    challenger_cid: str
    rounds: int
    k: int
    alpha_ppm: int
    tolerance: int
    def __init__(self, task_id: _Optional[bytes] = ..., project_id: _Optional[int] = ..., submission_index: _Optional[int] = ..., status: _Optional[int] = ..., attempt: _Optional[int] = ..., attempt_start: _Optional[int] = ..., attempt_blocks: _Optional[int] = ..., max_attempts: _Optional[int] = ..., seed_block: _Optional[int] = ..., deadline: _Optional[int] = ..., quorum_bps: _Optional[int] = ..., input_root: _Optional[bytes] = ..., architecture_cid: _Optional[str] = ..., evaluator_cid: _Optional[str] = ..., champion_cid: _Optional[str] = ..., challenger_cid: _Optional[str] = ..., rounds: _Optional[int] = ..., k: _Optional[int] = ..., alpha_ppm: _Optional[int] = ..., tolerance: _Optional[int] = ...) -> None: ...

class AggregationOperator(_message.Message):
    __slots__ = ("slot", "operator", "stake", "public_key")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    slot: int
    operator: bytes
    stake: bytes
    public_key: bytes
    def __init__(self, slot: _Optional[int] = ..., operator: _Optional[bytes] = ..., stake: _Optional[bytes] = ..., public_key: _Optional[bytes] = ...) -> None: ...

class AggregationBallot(_message.Message):
    __slots__ = ("attempt", "evaluation_hash", "approved", "signatures", "collect_until", "issued_at")
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_HASH_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    COLLECT_UNTIL_FIELD_NUMBER: _ClassVar[int]
    ISSUED_AT_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    evaluation_hash: bytes
    approved: bool
    signatures: _containers.RepeatedCompositeFieldContainer[AggregationSignature]
    collect_until: int
    issued_at: int
    def __init__(self, attempt: _Optional[int] = ..., evaluation_hash: _Optional[bytes] = ..., approved: _Optional[bool] = ..., signatures: _Optional[_Iterable[_Union[AggregationSignature, _Mapping]]] = ..., collect_until: _Optional[int] = ..., issued_at: _Optional[int] = ...) -> None: ...

class AggregationSignature(_message.Message):
    __slots__ = ("operator", "signature", "standing")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    signature: bytes
    standing: int
    def __init__(self, operator: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., standing: _Optional[int] = ...) -> None: ...

class AggregationAbstention(_message.Message):
    __slots__ = ("attempt", "operator")
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    operator: bytes
    def __init__(self, attempt: _Optional[int] = ..., operator: _Optional[bytes] = ...) -> None: ...

class AggregationConflict(_message.Message):
    __slots__ = ("operator", "input_hash")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    INPUT_HASH_FIELD_NUMBER: _ClassVar[int]
    operator: bytes
    input_hash: bytes
    def __init__(self, operator: _Optional[bytes] = ..., input_hash: _Optional[bytes] = ...) -> None: ...
