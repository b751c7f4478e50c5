"""The bus in memory, for tests and for networks whose services all run in one process.

Deterministic: it has no clock and no randomness, and its timeouts use the running event loop. It keeps what a
Kafka broker keeps (logs and committed offsets) and passes the same conformance suite.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from zarathustra.bus.port import RevokeCallback
from zarathustra.bus.records import Delivery, Partition, Record
from zarathustra.bus.topics import TopicPlan, find_missing_topics
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason

_DEFAULT_MAX_RECORD_BYTES: Final = 1_048_576


@dataclass
class _Group:
    members: "list[MemoryConsumer]" = field(default_factory=list)  # in the order they joined
    committed: dict[Partition, int] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # one rebalance at a time


class MemoryBroker:
    """Topics, groups and their offsets. All of it survives a crash of the clients."""

    def __init__(self, *, now_ms: Callable[[], int] = lambda: 0) -> None:
        # False simulates an outage: connect, send and commit raise Retry(BUS_UNREACHABLE), fetch returns nothing.
        self.is_reachable = True
        self._now_ms = now_ms
        self._logs: dict[str, list[list[Delivery]]] = {}
        self._limits: dict[str, int] = {}
        self._groups: dict[str, _Group] = {}
        self._news = asyncio.Event()

    def create_topics(self, plans: Sequence[TopicPlan]) -> list[str]:
        """Create the missing topics and return their names. Raises Invalid(BAD_SETTING) as `find_missing_topics`."""
        missing = find_missing_topics(plans, {name: len(logs) for name, logs in self._logs.items()})
        for plan in missing:
            self._logs[plan.name] = [[] for _ in range(plan.partitions)]
            self._limits[plan.name] = int(plan.configs.get("max.message.bytes", _DEFAULT_MAX_RECORD_BYTES))
        return [plan.name for plan in missing]

    def create_topic(self, name: str, *, partitions: int = 3) -> None:
        """Create one topic with default limits."""
        self.create_topics([TopicPlan(name, partitions, replication=1, configs={})])

    def producer(self) -> "MemoryProducer":
        return MemoryProducer(self)

    def consumer(self, *, group: str, topics: Iterable[str]) -> "MemoryConsumer":
        return MemoryConsumer(self, group=group, topics=frozenset(topics))

    def get_deliveries(self, topic: str) -> list[Delivery]:
        """Return all records of a topic, partition by partition."""
        return [delivery for log in self._logs[topic] for delivery in log]

    def get_committed(self, group: str) -> Mapping[Partition, int]:
        return dict(self._get_group(group).committed)

    def append(self, record: Record) -> None:
        """Store one record. Raises Invalid(OVERSIZE), and Retry for an unknown topic, as Kafka's client does."""
        self.check_reachable("send records")
        if record.topic not in self._logs:
            raise Retry(Reason.BUS_UNREACHABLE, "send records", topic=record.topic, error="unknown topic")
        if record.count_bytes() > self._limits[record.topic]:
            raise Invalid(Reason.OVERSIZE, "send records", topic=record.topic)

        logs = self._logs[record.topic]
        number = choose_partition(record.key, len(logs))
        logs[number].append(Delivery(record, number, len(logs[number]), self._now_ms()))
        self.announce()

    def check_reachable(self, action: str) -> None:
        if not self.is_reachable:
            raise Retry(Reason.BUS_UNREACHABLE, action)

    def read(self, partition: Partition, offset: int, limit: int) -> list[Delivery]:
        return self._logs[partition.topic][partition.number][offset : offset + limit]

    def get_end(self, partition: Partition) -> int:
        return len(self._logs[partition.topic][partition.number])

    async def wait_for_news(self) -> None:
        """Return after the next append, rebalance or resume."""
        await self._news.wait()

    async def join(self, member: "MemoryConsumer") -> None:
        group = self._get_group(member.group)
        async with group.lock:
            group.members.append(member)
            await self._rebalance(group)

    async def leave(self, member: "MemoryConsumer") -> None:
        """Remove the member. Does nothing when it has already left (it crashed)."""
        group = self._get_group(member.group)
        async with group.lock:
            if member in group.members:
                group.members.remove(member)
                await self._rebalance(group)

    def commit(self, member: "MemoryConsumer", offsets: Mapping[Partition, int]) -> None:
        self.check_reachable("commit offsets")
        if not offsets.keys() <= member.get_assignment():
            raise Retry(Reason.BUS_UNREACHABLE, "commit offsets", error="partition has left")
        self._get_group(member.group).committed.update(offsets)

    def get_start(self, group: str, partition: Partition) -> int:
        return self._get_group(group).committed.get(partition, 0)

    def _get_group(self, name: str) -> _Group:
        return self._groups.setdefault(name, _Group())

    async def _rebalance(self, group: _Group) -> None:
        """Take all partitions from all members, then assign them again, as Kafka's eager protocol does."""
        for member in list(group.members):
            await member.revoke()
        topics = {topic for member in group.members for topic in member.topics}
        hands: dict[int, set[Partition]] = {index: set() for index in range(len(group.members))}
        for turn, partition in enumerate(self._list_partitions(topics)):
            readers = [i for i, member in enumerate(group.members) if partition.topic in member.topics]
            hands[readers[turn % len(readers)]].add(partition)
        for index, member in enumerate(group.members):
            member.assign(frozenset(hands[index]))
        self.announce()

    def _list_partitions(self, topics: Iterable[str]) -> list[Partition]:
        return [
            Partition(topic, number) for topic in sorted(topics) for number in range(len(self._logs.get(topic, [])))
        ]

    def announce(self) -> None:
        """Wake all current waiters; later ones wait for the next change."""
        self._news.set()
        self._news = asyncio.Event()


class MemoryProducer:
    """See `port.Producer`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def __aenter__(self) -> Self:
        self._broker.check_reachable("connect")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send(self, records: Sequence[Record]) -> None:
        """See `port.Producer.send`."""
        for record in records:
            self._broker.append(record)
        await asyncio.sleep(0)  # as on Kafka, other coroutines run before the acknowledgement


class MemoryConsumer:
    """See `port.Consumer`. `crash` loses what was not committed."""

    def __init__(self, broker: MemoryBroker, *, group: str, topics: frozenset[str]) -> None:
        self.group = group
        self.topics = topics
        self._broker = broker
        self._positions: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._callback: RevokeCallback | None = None
        self._is_revoking = False
        self._epoch = 0  # changes with each change of the assignment
        self._fetched_epoch = 0  # when the last fetch took its records
        self._turn = 0

    async def __aenter__(self) -> Self:
        self._broker.check_reachable("connect")
        await self._broker.join(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.assign(frozenset())
        await self._broker.leave(self)

    async def crash(self) -> None:
        """End as after kill -9: no callback, no commit. The other members get its partitions."""
        self._callback = None
        self.assign(frozenset())
        await self._broker.leave(self)

    def on_revoke(self, callback: RevokeCallback) -> None:
        """See `port.Consumer.on_revoke`."""
        self._callback = callback

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivery]:
        """See `port.Consumer.fetch`."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (deliveries := self._take(max_records)):
                    await self._broker.wait_for_news()
        except TimeoutError:
            return []
        self._fetched_epoch = self._epoch
        await asyncio.sleep(0)  # a fetch that never waits would starve the handlers
        return deliveries

    def is_fetch_current(self) -> bool:
        """See `port.Consumer.is_fetch_current`."""
        return self._fetched_epoch == self._epoch

    def pause(self, partitions: Iterable[Partition]) -> None:
        """See `port.Consumer.pause`."""
        self._paused |= self.get_assignment().intersection(partitions)

    def resume(self, partitions: Iterable[Partition]) -> None:
        """See `port.Consumer.resume`."""
        resumed = self._paused.intersection(partitions)
        if resumed:
            self._paused -= resumed
            self._broker.announce()

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """See `port.Consumer.commit`."""
        self._broker.commit(self, offsets)

    async def fetch_committed(self, partition: Partition) -> int | None:
        """See `port.Consumer.fetch_committed`."""
        return self._broker.get_committed(self.group).get(partition)

    def get_assignment(self) -> frozenset[Partition]:
        """See `port.Consumer.get_assignment`."""
        return frozenset(self._positions)

    async def fetch_lag(self, partition: Partition) -> int | None:
        """See `port.Consumer.fetch_lag`."""
        return self.get_lag(partition)

    def get_lag(self, partition: Partition) -> int | None:
        """See `port.Consumer.get_lag`."""
        if partition not in self._positions:
            return None
        return self._broker.get_end(partition) - self._positions[partition]

    async def revoke(self) -> None:
        """Lose all partitions, for the broker's rebalance. The callback may still commit them."""
        self._epoch += 1
        self._is_revoking = True
        if self._positions and self._callback is not None:
            await self._callback(self.get_assignment())
        self.assign(frozenset())

    def assign(self, partitions: frozenset[Partition]) -> None:
        """Replace the assignment. Reading starts at the group's committed offsets."""
        self._epoch += 1
        self._positions = {part: self._broker.get_start(self.group, part) for part in sorted(partitions)}
        self._paused.clear()
        self._is_revoking = False

    def _take(self, max_records: int) -> list[Delivery]:
        """Return the next records. Each call begins with another partition, so that none starves."""
        if self._is_revoking or not self._broker.is_reachable:
            return []  # Kafka's client keeps trying in the background

        partitions = list(self._positions)
        self._turn += 1
        start = self._turn % len(partitions) if partitions else 0
        taken: list[Delivery] = []
        for partition in partitions[start:] + partitions[:start]:
            if partition not in self._paused:
                batch = self._broker.read(partition, self._positions[partition], max_records - len(taken))
                self._positions[partition] += len(batch)
                taken += batch
        return taken


def choose_partition(key: bytes, partitions: int) -> int:
    """Return the partition that Kafka's clients choose for `key`, so that keys are distributed as on Kafka."""
    return (compute_murmur2(key) & 0x7FFFFFFF) % partitions


def compute_murmur2(data: bytes) -> int:
    """Compute MurmurHash2, 32 bit, with the seed of Kafka's default partitioner."""
    multiplier, mask = 0x5BD1E995, 0xFFFFFFFF
    result = 0x9747B28C ^ len(data)
    whole = len(data) - len(data) % 4

    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * multiplier & mask
        word = (word ^ word >> 24) * multiplier & mask
        result = result * multiplier & mask ^ word

    if whole < len(data):
        result = (result ^ int.from_bytes(data[whole:], "little")) * multiplier & mask
    result = (result ^ result >> 13) * multiplier & mask
    return result ^ result >> 15
