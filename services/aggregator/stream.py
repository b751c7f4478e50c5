"""The fold on Faust: its table, changelog and recovery. The only module that imports faust (pinned: 0.15.3).

    evaluations.v1 ─┐                                             ┌─▶ certificates.v1, dead letters (awaited)
                    ├─▶ one agent, one record at a time ─▶ fold ──┤
    attestations.v1 ┘                 (timer: every block)        └─▶ table ─▶ changelog ─▶ acknowledge

Properties of Faust, and how this module handles them:
- After a table's recovery, Faust resumes the partitions before it seeks. Records that arrive in between are never
  handled (faust-streaming #596). `_GuardedRecovery` stops the flow until the seek is done.
- Faust acknowledges a record even if its agent fails or is cancelled. Here acknowledgements are manual, and a failure
  stops the service with the record unacknowledged.
- Faust writes its table only while an event is current. The timer sets a substitute event of the task's partition.
- Faust commits the offset after it flushes the changelog. Our outputs are sent before that.
"""

import asyncio
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import faust
from faust.events import Event
from faust.streams import _current_event, current_event
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP, Message

from services.aggregator.fold_loop import FoldLoop, FoldPorts
from zarathustra.bus.records import Delivery, Record
from zarathustra.bus.topics import Cleanup, Profile, ProfileSpec, TopicCatalogue, TopicSpec, group_name
from zarathustra.core.aggregation.changes import Change
from zarathustra.core.aggregation.rules import Rules
from zarathustra.core.aggregation.state import TaskState
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import OperatorId, TaskId, Topic
from zarathustra.duty.blocks import BlockClock
from zarathustra.telemetry.log import get_logger
from zarathustra.telemetry.metrics import Metrics
from zarathustra.wire.aggregation import decode_state, encode_state

SERVICE: Final = "aggregator"
TABLE: Final = "tasks"
SOURCES: Final = (Topic.EVALUATIONS, Topic.ATTESTATIONS)
BUFFERED_RECORDS: Final = 256  # read ahead; a record is below 1 KB
COMMIT_SECONDS: Final = 1.0
SESSION_SECONDS: Final = (
    10.0  # as in the other services: the successor of a killed aggregator waits this long (Faust: 60)
)
STOP_SECONDS: Final = 5.0  # shorter than the service's drain
CHANGELOG_MAX_BYTES: Final = 1_048_576  # twice the largest state that strangers can cause

# Faust's defaults reserve 2 GiB of cache for each partition. Our states are few and small.
STORE_OPTIONS: Final = {
    "max_open_files": 64,
    "write_buffer_size": 1 << 20,
    "max_write_buffer_number": 2,
    "target_file_size_base": 4 << 20,
    "block_cache_size": 1 << 20,
}


@dataclass(frozen=True)
class StreamSettings:
    """`partitions`: of the source topics. A key must have the same partition in both of them and in the changelog."""

    bootstrap_servers: str
    operator: OperatorId
    data_dir: Path
    partitions: int
    sources: tuple[str, ...] = SOURCES


def changelog_topic(operator: OperatorId) -> str:
    """Return the name of the compacted topic that holds every state of the operator's aggregator."""
    return f"{group_name(SERVICE, operator)}-{TABLE}-changelog"


def changelog_catalogue(operator: OperatorId, layout: ProfileSpec) -> TopicCatalogue:
    """Return a catalogue of the changelog alone, for `create_topics`. `layout` is that of the source topics."""
    changelog = TopicSpec(
        name=changelog_topic(operator),
        meaning="The operator's aggregator's state of each task; a tombstone deletes it.",
        key="task id",
        facts="AggregationState",
        producer=SERVICE,
        consumers=(SERVICE,),
        cleanup=Cleanup.COMPACT,
        retention_ms=-1,
        max_record_bytes=CHANGELOG_MAX_BYTES,
    )
    return TopicCatalogue({Profile.PRODUCTION: layout}, topics=(changelog,), group_topics=())


class FaustFold:
    """One operator's fold. Run it once. Only one fold at a time may use a data directory."""

    def __init__(self, settings: StreamSettings, ports: FoldPorts, rules: Rules, metrics: Metrics) -> None:
        self.app = _build_app(settings)
        self._table = _FaustTable(self.app, settings)
        self._loop = FoldLoop(replace(ports, intake=self._intake), self._table, rules, metrics)
        self._wrapped_intake = ports.intake
        self._failure: asyncio.Future[None] | None = None
        self._log = get_logger(component="stream")
        self._tables = cast(TableManager, self.app.tables)
        sources = self.app.topic(
            *settings.sources, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        self.app.agent(sources, name="fold", concurrency=1)(self._fold)

    async def run(self, clock: BlockClock, stop: asyncio.Event) -> None:
        """Fold until stopped. Raises the error that broke the fold, and leaves that record unacknowledged."""
        self._failure = asyncio.get_running_loop().create_future()
        await self.app.start()
        jobs = [
            asyncio.create_task(_wait(stop), name="end"),
            asyncio.create_task(self._run_timer(clock), name="timer"),
            asyncio.create_task(self._watch_faust(), name="faust"),
            asyncio.create_task(_raise_from(self._failure), name="agent"),
        ]
        try:
            await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for job in jobs:
                job.cancel()
            results = await asyncio.gather(*jobs, return_exceptions=True)
            await self._stop()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _stop(self) -> None:
        """Stop Faust and abandon work that it cannot finish in time: an unacknowledged record is delivered again."""
        stores = self._table.list_stores()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.app.producer.flush()  # otherwise late answers for the changelog open the store again
                await self.app.stop()
        except TimeoutError:
            self._log.warning("Fold not stopped in time", seconds=STOP_SECONDS)
        for store in (*stores, *self._table.list_stores()):
            store.close()  # Faust leaves this, and the unlocking of the files, to the garbage collector

    @property
    def is_recovered(self) -> bool:
        """Whether the table is complete and records flow."""
        is_complete = self._tables.recovery.completed.is_set()
        return bool(self.app.started and is_complete and not self.app.rebalancing)

    async def _fold(self, stream: Any) -> None:
        """Handle records. Must never end: Faust would acknowledge the failed record and start the agent again."""
        async for event in stream.noack().events():
            try:
                await self._loop.handle(_to_delivery(event.message))
            except Exception as error:  # noqa: BLE001  # a bug: `run` raises it, and the record must be delivered again
                self._fail(error)
                await asyncio.get_running_loop().create_future()
            await stream.ack(event)

    async def _intake(self, delivery: Delivery) -> Sequence[Change]:
        """Refuse a record that is not on its key's partition: its task's state is on another one."""
        expected = self._table.partition_of(delivery.record.topic, delivery.record.key)
        if delivery.partition != expected:
            raise Invalid(Reason.UNPARSABLE, "record is not on its key's partition", expected=expected)
        return await self._wrapped_intake(delivery)

    async def _run_timer(self, clock: BlockClock) -> None:
        while True:
            head = await clock.wait_for_next()
            if self.is_recovered:
                await self._loop.tick(head)

    async def _watch_faust(self) -> None:
        """Fail when Faust stops by itself, because one of its own services crashed."""
        await self.app.wait_until_stopped()
        raise RuntimeError("faust stopped") from self.app.crash_reason

    def _fail(self, error: Exception) -> None:
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)


class _FaustTable:
    """`StateTable` on a Faust table: a local RocksDB per partition and a changelog."""

    def __init__(self, app: faust.App, settings: StreamSettings) -> None:
        self._app = app
        self._source = settings.sources[0]
        self._table: Any = app.Table(
            TABLE,
            partitions=settings.partitions,
            key_type=bytes,
            value_type=bytes,
            options=dict(STORE_OPTIONS),
        )

    def get(self, task_id: TaskId) -> TaskState | None:
        with self._in_partition_of(task_id):
            data = self._table.get(task_id)
        return None if data is None else decode_state(data)

    def put(self, task_id: TaskId, state: TaskState | None) -> None:
        """Write to the store and send to the changelog. Faust flushes the changelog before it commits the offset."""
        with self._in_partition_of(task_id) as partition:
            if TP(self._table.changelog_topic_name, partition) not in self._app.assignor.assigned_actives():
                return  # the partition has moved to another replica, which gets the record again
            if state is not None:
                self._table[task_id] = encode_state(state)
            else:
                self._table.pop(task_id, None)

    def list_tasks(self) -> list[TaskId]:
        return [TaskId(key) for key in self._table]

    def list_stores(self) -> list[Any]:
        """Return the open RocksDB databases, one per partition."""
        return list(self._table.data._dbs.values())

    def partition_of(self, topic: str, key: bytes) -> int:
        """Return the partition where the producers' partitioner puts `key`."""
        partition = self._app.consumer.key_partition(topic, key)
        if partition is None:
            raise Retry(Reason.BUS_UNREACHABLE, "find the key's partition", topic=topic)
        return partition

    @contextmanager
    def _in_partition_of(self, task_id: TaskId) -> Iterator[int]:
        """Let Faust find the task's partition also when no event is current, that is, in the timer."""
        event = current_event()
        if event is not None:
            yield event.message.partition
            return

        partition = self.partition_of(self._source, task_id)
        borrowed = Event(self._app, task_id, b"", {}, _build_message(self._source, partition, task_id))
        token = _current_event.set(weakref.ref(borrowed))
        try:
            yield partition
        finally:
            _current_event.reset(token)


class _GuardedRecovery(Recovery):
    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Stop the flow until partitions are resumed *and* sought. The base method's last step resumes the flow."""
        self.app.consumer.stop_flow()
        await super().on_recovery_completed(generation_id)


class _GuardedTables(TableManager):
    @property
    def recovery(self) -> Recovery:
        if self._recovery is None:
            self._recovery = _GuardedRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery


def _build_app(settings: StreamSettings) -> faust.App:
    servers = settings.bootstrap_servers.replace(",", ";")
    return faust.App(
        group_name(SERVICE, settings.operator),
        broker=f"kafka://{servers}",
        store="rocksdb://",
        datadir=settings.data_dir,
        web_enabled=False,
        autodiscover=False,
        topic_allow_declare=False,  # `create_topics` does; Faust does not know the replication
        topic_disable_leader=True,
        topic_partitions=settings.partitions,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=COMMIT_SECONDS,
        broker_session_timeout=SESSION_SECONDS,
        stream_buffer_maxsize=BUFFERED_RECORDS,
        stream_wait_empty=False,  # otherwise a record that cannot be folded now prevents the stop
        producer_acks=-1,
        TableManager=_GuardedTables,
    )


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


async def _raise_from(failure: "asyncio.Future[None]") -> None:
    await failure


def _to_delivery(message: Message) -> Delivery:
    """Convert a message. Null keys, values and headers become empty, which the decoder refuses."""
    headers: Any = message.headers or ()
    record = Record(
        topic=message.topic,
        key=message.key or b"",
        value=message.value or b"",
        headers={name: value or b"" for name, value in dict(headers).items()},
    )
    return Delivery(record, message.partition, message.offset, int(message.timestamp * 1000))


def _build_message(topic: str, partition: int, key: bytes) -> Message:
    return Message(
        topic=topic,
        partition=partition,
        offset=-1,
        timestamp=0.0,
        timestamp_type=0,
        headers=None,
        key=key,
        value=b"",
        checksum=None,
    )
