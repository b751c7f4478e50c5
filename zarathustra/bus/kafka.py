"""The bus on Apache Kafka. Only this module imports aiokafka.

Kafka's errors are translated here: a temporary one becomes Retry(BUS_UNREACHABLE), a record that is too large
Invalid(OVERSIZE). Every other error (no permission, fenced) propagates, because a retry does not help.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
    TopicAlreadyExistsError,
    for_code,
)

from zarathustra.bus.port import RevokeCallback
from zarathustra.bus.records import Delivery, Partition, Record
from zarathustra.bus.topics import (
    Profile,
    ProfileSpec,
    TopicCatalogue,
    TopicPlan,
    find_missing_topics,
    load_catalogue,
    plan_topics,
)
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason

REQUEST_TIMEOUT_MS: Final = 10_000
COMMIT_TIMEOUT_S: Final = 10.0  # aiokafka would retry without end, and the loop could not stop
MAX_REQUEST_BYTES: Final = 1_048_576  # Kafka's default; dead-letter topics accept as much
FETCH_WAIT_MS: Final = 100  # a resumed partition waits until the running fetch request ends
HEARTBEAT_MS: Final = 1_000
REBALANCE_TIMEOUT_MS: Final = 60_000  # longer than the loop needs to finish or cancel its work
MAX_POLL_INTERVAL_MS: Final = 300_000  # the loop fetches at least once a second, even when it is full


class KafkaProducer:
    """An idempotent producer with acks=all. aiokafka keeps the order within a partition across its own retries."""

    def __init__(self, bootstrap_servers: str, *, client_id: str, send_timeout_s: float = 30.0) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._client_id = client_id
        self._send_timeout_s = send_timeout_s
        self._producer: Any = None

    async def __aenter__(self) -> Self:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap_servers,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        await _start(producer)
        self._producer = producer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _stop(self._producer, self._send_timeout_s)

    async def send(self, records: Sequence[Record]) -> None:
        """See `port.Producer.send`."""
        with _kafka_errors("send records"):
            async with asyncio.timeout(self._send_timeout_s):
                acknowledgements = [await self._enqueue(record) for record in records]
                await asyncio.gather(*acknowledgements)

    async def _enqueue(self, record: Record) -> asyncio.Future[Any]:
        # aiokafka's compiled encoder does not accept subclasses of str, and header names are members of an enum.
        headers = [(str(name), value) for name, value in record.headers.items()]
        future: asyncio.Future[Any] = await self._producer.send(
            record.topic, record.value, key=record.key, headers=headers
        )
        return future


class KafkaConsumer:
    """A member of `group` that reads `topics`, starting at the first record that the group has not committed.

    `instance_id` makes the membership static: a restart within `session_timeout_ms` keeps the partitions and
    causes no rebalance. It must be unique in the group and stay the same across restarts (for example a pod's name).
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        group: str,
        topics: Iterable[str],
        instance_id: str | None = None,
        session_timeout_ms: int = 10_000,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._group = group
        self._topics = sorted(topics)
        self._instance_id = instance_id
        self._session_timeout_ms = session_timeout_ms
        self._membership = _Membership()
        self._fetched_epoch = 0  # when the last fetch took its records
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap_servers,
            group_id=self._group,
            group_instance_id=self._instance_id,
            client_id=self._instance_id or self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # Not read_committed: a stranger's transaction that never ends would block this consumer permanently.
            isolation_level="read_uncommitted",
            session_timeout_ms=self._session_timeout_ms,
            heartbeat_interval_ms=min(HEARTBEAT_MS, self._session_timeout_ms // 3),
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        consumer.subscribe(self._topics, listener=self._membership)
        await _start(consumer)
        self._consumer = consumer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _stop(self._consumer, COMMIT_TIMEOUT_S)

    def on_revoke(self, callback: RevokeCallback) -> None:
        """See `port.Consumer.on_revoke`."""
        self._membership.callback = callback

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivery]:
        """See `port.Consumer.fetch`. Waits longer than `timeout_s` only while the group rebalances."""
        with _kafka_errors("fetch records"):
            batches = await self._consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=max_records)

        # aiokafka also gives records of the old assignment while the group rebalances; the next owner reads them again.
        self._fetched_epoch = self._membership.epoch
        readable = self._membership.readable
        deliveries = [
            _parse_delivery(message)
            for source, batch in batches.items()
            if Partition(source.topic, source.partition) in readable
            for message in batch
        ]
        for delivery in deliveries:
            self._membership.positions[delivery.get_partition()] = delivery.offset + 1
        return deliveries

    def is_fetch_current(self) -> bool:
        """See `port.Consumer.is_fetch_current`."""
        return self._fetched_epoch == self._membership.epoch

    def pause(self, partitions: Iterable[Partition]) -> None:
        """See `port.Consumer.pause`. Skips partitions that this member no longer owns."""
        self._consumer.pause(*self._get_own(partitions))

    def resume(self, partitions: Iterable[Partition]) -> None:
        """See `port.Consumer.resume`. Skips partitions that this member no longer owns."""
        self._consumer.resume(*self._get_own(partitions))

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See `port.Consumer.commit`."""
        if not offsets.keys() <= self._membership.owned:
            raise Retry(Reason.BUS_UNREACHABLE, "commit offsets", error="partition has left")
        with _kafka_errors("commit offsets"):
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                await self._consumer.commit({TopicPartition(*part): offset for part, offset in offsets.items()})

    async def fetch_committed(self, partition: Partition) -> int | None:
        """See `port.Consumer.fetch_committed`."""
        with _kafka_errors("fetch committed offset"):
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                committed: int | None = await self._consumer.committed(TopicPartition(*partition))
        return committed

    def get_assignment(self) -> frozenset[Partition]:
        """See `port.Consumer.get_assignment`."""
        return self._membership.owned

    async def fetch_lag(self, partition: Partition) -> int | None:
        """See `port.Consumer.fetch_lag`."""
        if partition not in self._membership.owned:
            return None
        end: int | None = self._consumer.highwater(TopicPartition(*partition))  # known after the first answer
        if end is None:
            return None
        with _kafka_errors("find position"):
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                position: int = await self._consumer.position(TopicPartition(*partition))
        return max(0, end - position)

    def get_lag(self, partition: Partition) -> int | None:
        """See `port.Consumer.get_lag`."""
        if partition not in self._membership.positions or partition not in self._membership.owned:
            return None

        end: int | None = self._consumer.highwater(TopicPartition(*partition))
        return None if end is None else max(0, end - self._membership.positions[partition])

    def _get_own(self, partitions: Iterable[Partition]) -> list[TopicPartition]:
        return [TopicPartition(*part) for part in self._membership.owned.intersection(partitions)]


async def create_topics(
    bootstrap_servers: str,
    *,
    profile: Profile,
    groups: Iterable[str] = (),
    catalogue: TopicCatalogue | None = None,
) -> list[str]:
    """Create the topics of `proto/topics.yaml`, and the retry and dead-letter topics of `groups`.

    Idempotent; several processes may run it at the same time. Returns the names that it created. Raises
    Invalid(BAD_SETTING) with the name of every topic that exists with another number of partitions (keys would move
    to other partitions), and Retry(BUS_UNREACHABLE).
    """
    plans = plan_topics(catalogue or load_catalogue(), profile=profile, groups=groups)
    async with _administer(bootstrap_servers) as admin:
        existing = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
        missing = find_missing_topics(plans, existing)
        if not missing:
            return []

        response = await admin.create_topics([_build_new_topic(plan) for plan in missing])
        return [name for name, *rest in response.topic_errors if _is_created(name, *rest)]


async def fetch_broker_count(bootstrap_servers: str) -> int:
    """Return how many running brokers the cluster reports. Raises Retry(BUS_UNREACHABLE)."""
    async with _administer(bootstrap_servers) as admin:
        return len((await admin.describe_cluster())["brokers"])


async def fetch_layout(bootstrap_servers: str, topic: str) -> ProfileSpec:
    """Return the partitions and the replication of an existing topic, so that another topic can get the same.

    `min_insync_replicas` is not read: it is the replication minus one, at least 1.
    Raises Invalid(BAD_SETTING) when the topic does not exist, Retry(BUS_UNREACHABLE).
    """
    async with _administer(bootstrap_servers) as admin:
        partitions = [part for found in await admin.describe_topics([topic]) for part in found["partitions"]]
    if not partitions:
        raise Invalid(Reason.BAD_SETTING, "topic does not exist: create the topics first", topic=topic)

    replication = len(partitions[0]["replicas"])
    return ProfileSpec(len(partitions), replication, min_insync_replicas=max(1, replication - 1))


class _Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The partitions that the member owns now.

    Until the rebalance is over, aiokafka keeps the old assignment but sends commits with the *new* generation:
    the broker would accept a commit for a partition that another member owns.
    """

    def __init__(self) -> None:
        self.owned: frozenset[Partition] = frozenset()
        self.positions: dict[Partition, int] = {}  # next offsets to fetch
        self.readable: frozenset[Partition] = frozenset()  # `owned`, but none while a revocation goes on
        self.epoch = 0  # changes with each change of `readable`
        self.callback: RevokeCallback | None = None

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        partitions = _parse_partitions(revoked)
        self._set_readable(frozenset())
        try:
            if partitions and self.callback is not None:
                await self.callback(partitions)
        finally:
            self.owned = frozenset()
            self.positions.clear()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self.owned = _parse_partitions(assigned)
        self._set_readable(self.owned)

    def _set_readable(self, partitions: frozenset[Partition]) -> None:
        self.readable = partitions
        self.epoch += 1


def _parse_partitions(partitions: Iterable[TopicPartition]) -> frozenset[Partition]:
    return frozenset(Partition(part.topic, part.partition) for part in partitions)


def _parse_delivery(message: Any) -> Delivery:
    """Parse a message. Null keys, values and headers become empty, and the decoder refuses them."""
    headers = {name: value or b"" for name, value in message.headers}
    record = Record(message.topic, message.key or b"", message.value or b"", headers)
    return Delivery(record, message.partition, message.offset, message.timestamp)


def _build_new_topic(plan: TopicPlan) -> NewTopic:
    return NewTopic(plan.name, plan.partitions, plan.replication, topic_configs=dict(plan.configs))


def _is_created(name: str, code: int, message: str | None = None) -> bool:
    """Return False when another process created the topic first. Raises Invalid when the broker refuses it."""
    error = for_code(code)
    if error is TopicAlreadyExistsError:
        return False
    if code != 0:
        raise Invalid(Reason.BAD_SETTING, "create topic", topic=name, error=error.__name__, detail=message)
    return True


@asynccontextmanager
async def _administer(bootstrap_servers: str) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        with _kafka_errors("administer topics"):
            await admin.start()
            yield admin
    finally:
        await admin.close()


async def _start(client: Any) -> None:
    """Start a consumer or producer. If that fails, stop it, or its asyncio tasks would leak."""
    try:
        with _kafka_errors("connect"):
            await client.start()
    except BaseException:
        await client.stop()
        raise


async def _stop(client: Any, timeout_s: float) -> None:
    """Stop within `timeout_s`, even when no broker answers: what still waits for a broker is abandoned."""
    try:
        async with asyncio.timeout(timeout_s):
            await client.stop()
    except TimeoutError as error:
        raise Retry(Reason.BUS_UNREACHABLE, "close connection") from error


@contextmanager
def _kafka_errors(action: str) -> Iterator[None]:
    """Translate aiokafka's errors, as the module docstring says."""
    try:
        yield
    except (MessageSizeTooLargeError, RecordTooLargeError) as error:
        raise Invalid(Reason.OVERSIZE, action) from error
    except (CommitFailedError, IllegalStateError, KafkaTimeoutError, TimeoutError, OSError) as error:
        raise Retry(Reason.BUS_UNREACHABLE, action, error=type(error).__name__) from error
    except KafkaError as error:
        if not error.retriable:
            raise
        raise Retry(Reason.BUS_UNREACHABLE, action, error=type(error).__name__) from error
