from zarathustra.v1 import chain_events_pb2 as _chain_events_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Checkpoint(_message.Message):
    __slots__ = ("chain_id", "model_submission", "anchor_number", "anchor_parent_hash", "blocks", "pending")
    CHAIN_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_SUBMISSION_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_PARENT_HASH_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    chain_id: int
    model_submission: bytes
    anchor_number: int
    anchor_parent_hash: bytes
    blocks: _containers.RepeatedCompositeFieldContainer[CheckpointBlock]
    pending: _containers.RepeatedCompositeFieldContainer[PendingRecord]
    def __init__(self, chain_id: _Optional[int] = ..., model_submission: _Optional[bytes] = ..., anchor_number: _Optional[int] = ..., anchor_parent_hash: _Optional[bytes] = ..., blocks: _Optional[_Iterable[_Union[CheckpointBlock, _Mapping]]] = ..., pending: _Optional[_Iterable[_Union[PendingRecord, _Mapping]]] = ...) -> None: ...

class CheckpointBlock(_message.Message):
    __slots__ = ("block_hash", "timestamp_s", "events")
    BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_S_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    block_hash: bytes
    timestamp_s: int
    events: _containers.RepeatedCompositeFieldContainer[_chain_events_pb2.ChainEvent]
    def __init__(self, block_hash: _Optional[bytes] = ..., timestamp_s: _Optional[int] = ..., events: _Optional[_Iterable[_Union[_chain_events_pb2.ChainEvent, _Mapping]]] = ...) -> None: ...

class PendingRecord(_message.Message):
    __slots__ = ("chain_event", "retracted", "timestamp_s")
    CHAIN_EVENT_FIELD_NUMBER: _ClassVar[int]
    RETRACTED_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_S_FIELD_NUMBER: _ClassVar[int]
    chain_event: _chain_events_pb2.ChainEvent
    retracted: _chain_events_pb2.Retracted
    timestamp_s: int
    def __init__(self, chain_event: _Optional[_Union[_chain_events_pb2.ChainEvent, _Mapping]] = ..., retracted: _Optional[_Union[_chain_events_pb2.Retracted, _Mapping]] = ..., timestamp_s: _Optional[int] = ...) -> None: ...
