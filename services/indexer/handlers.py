"""Build records from what the chain follower finds, and send them."""

from collections.abc import Sequence

from zarathustra.bus.port import Producer
from zarathustra.bus.records import Header, Record
from zarathustra.core.canonical import Checkpoint, TimedRecord
from zarathustra.core.events import Retracted, chain_record_id
from zarathustra.core.types import Topic
from zarathustra.telemetry.log import get_logger
from zarathustra.telemetry.metrics import Metrics
from zarathustra.wire.checkpoint import encode_checkpoint
from zarathustra.wire.codec import encode, record_type


class BusSink:
    """See `chain.follow.EventSink`: `chain-events.v1` and `indexer-checkpoint.v1`."""

    def __init__(self, producer: Producer, metrics: Metrics) -> None:
        self._producer = producer
        self._log = get_logger(component="indexer")
        self._records = metrics.counter("records", "Records published", ["type"])
        self._tip = metrics.gauge("tip_block", "The newest block taken in")

    async def publish(self, records: Sequence[TimedRecord]) -> None:
        """Send the records in order; return once every in-sync replica has them."""
        await self._producer.send([build_event_record(timed) for timed in records])
        for timed in records:
            self._records.labels(type=record_type(timed.record)).inc()
        retracted = sum(isinstance(timed.record, Retracted) for timed in records)
        self._log.info("Published chain events", events=len(records) - retracted, retracted=retracted)

    async def save(self, checkpoint: Checkpoint) -> None:
        """Send the checkpoint; return once every in-sync replica has it."""
        await self._producer.send([build_checkpoint_record(checkpoint)])
        self._tip.set(checkpoint.view.tip.number)


def build_event_record(timed: TimedRecord) -> Record:
    """Build the record of an event or retraction for `chain-events.v1`. Every indexer builds the same bytes for it."""
    record = timed.record
    event = record.event if isinstance(record, Retracted) else record
    headers: dict[str, bytes] = {
        Header.ID: str(chain_record_id(record)).encode(),
        Header.TYPE: record_type(record).encode(),
        Header.TIME: str(timed.timestamp_s * 1_000).encode(),  # the block's, in milliseconds since the epoch
    }
    return Record(Topic.CHAIN_EVENTS, event.project_id.to_bytes(8, "big"), encode(record), headers)


def build_checkpoint_record(checkpoint: Checkpoint) -> Record:
    """Build the record of a checkpoint. Its topic is compacted: only the newest one of a chain is kept."""
    headers: dict[str, bytes] = {Header.TYPE: record_type(checkpoint).encode()}
    return Record(Topic.INDEXER_CHECKPOINT, checkpoint_key(checkpoint.chain_id), encode_checkpoint(checkpoint), headers)


def checkpoint_key(chain_id: int) -> bytes:
    """Return the record key of a chain: its id in eight bytes, big-endian."""
    return chain_id.to_bytes(8, "big")
