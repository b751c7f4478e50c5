"""The indexer's checkpoint ↔ protobuf bytes. Number and parent hash are stored for the anchor block only."""

from collections.abc import Iterable

from google.protobuf.message import DecodeError

from zarathustra.core.canonical import Block, Checkpoint, Header, TimedRecord, View
from zarathustra.core.errors import Invalid
from zarathustra.core.events import ChainEvent, Retracted
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockHash, BlockNumber
from zarathustra.v1 import chain_events_pb2, checkpoint_pb2
from zarathustra.wire.codec import decode_as, encode


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return the checkpoint's bytes; equal checkpoints give equal bytes."""
    anchor = checkpoint.view.anchor
    message = checkpoint_pb2.Checkpoint(
        chain_id=checkpoint.chain_id,
        model_submission=checkpoint.model_submission,
        anchor_number=anchor.number,
        anchor_parent_hash=anchor.parent_hash,
        blocks=[_encode_block(block) for block in checkpoint.view.blocks],
        pending=[_encode_pending(timed) for timed in checkpoint.pending],
    )
    return message.SerializeToString(deterministic=True)


def decode_checkpoint(data: bytes) -> Checkpoint:
    """Return the checkpoint in a record's value. Raises Invalid(UNPARSABLE)."""
    message = checkpoint_pb2.Checkpoint()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise Invalid(Reason.UNPARSABLE, "parse checkpoint") from error
    if not message.blocks:
        raise Invalid(Reason.UNPARSABLE, "checkpoint holds no block")
    return Checkpoint(
        chain_id=message.chain_id,
        model_submission=Address(message.model_submission),
        view=View(tuple(_decode_blocks(message))),
        pending=tuple(_decode_pending(item) for item in message.pending),
    )


def _encode_block(block: Block) -> checkpoint_pb2.CheckpointBlock:
    return checkpoint_pb2.CheckpointBlock(
        block_hash=block.header.block_hash,
        timestamp_s=block.header.timestamp_s,
        events=[_encode_event(event) for event in block.events],
    )


def _decode_blocks(message: checkpoint_pb2.Checkpoint) -> Iterable[Block]:
    parent_hash = BlockHash(message.anchor_parent_hash)
    for offset, item in enumerate(message.blocks):
        header = Header(
            number=BlockNumber(message.anchor_number + offset),
            block_hash=BlockHash(item.block_hash),
            parent_hash=parent_hash,
            timestamp_s=item.timestamp_s,
        )
        parent_hash = header.block_hash
        yield Block(header, tuple(_decode_event(event) for event in item.events))


def _encode_pending(timed: TimedRecord) -> checkpoint_pb2.PendingRecord:
    if isinstance(timed.record, Retracted):
        retracted = chain_events_pb2.Retracted(event=_encode_event(timed.record.event))
        return checkpoint_pb2.PendingRecord(retracted=retracted, timestamp_s=timed.timestamp_s)
    return checkpoint_pb2.PendingRecord(chain_event=_encode_event(timed.record), timestamp_s=timed.timestamp_s)


def _decode_pending(item: checkpoint_pb2.PendingRecord) -> TimedRecord:
    match item.WhichOneof("record"):
        case "chain_event":
            return TimedRecord(_decode_event(item.chain_event), item.timestamp_s)
        case "retracted":
            return TimedRecord(Retracted(_decode_event(item.retracted.event)), item.timestamp_s)
        case _:
            raise Invalid(Reason.UNPARSABLE, "pending record is missing or of an unknown kind")


def _encode_event(event: ChainEvent) -> chain_events_pb2.ChainEvent:
    return chain_events_pb2.ChainEvent.FromString(encode(event))


def _decode_event(message: chain_events_pb2.ChainEvent) -> ChainEvent:
    return decode_as(ChainEvent, message.SerializeToString(deterministic=True))
