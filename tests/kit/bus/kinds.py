"""The two buses behind one face, and waiting for conditions, for the conformance and the map-loop tests."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from zarathustra.bus.kafka import KafkaConsumer, KafkaProducer, create_topics
from zarathustra.bus.memory import MemoryBroker
from zarathustra.bus.port import Consumer, Producer
from zarathustra.bus.records import Delivery, Record
from zarathustra.bus.topics import Profile, TopicCatalogue, plan_topics

DEADLINE_S = 30.0


class Bus(Protocol):
    async def create(self, catalogue: TopicCatalogue) -> list[str]: ...

    def producer(self) -> Producer: ...

    def consumer(self, group: str, topics: Iterable[str]) -> Consumer: ...


class KafkaBus:
    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers

    async def create(self, catalogue: TopicCatalogue) -> list[str]:
        return await create_topics(self._bootstrap_servers, profile=Profile.TEST, catalogue=catalogue)

    def producer(self) -> Producer:
        return KafkaProducer(self._bootstrap_servers, client_id="conformance")

    def consumer(self, group: str, topics: Iterable[str]) -> Consumer:
        return KafkaConsumer(self._bootstrap_servers, group=group, topics=topics, session_timeout_ms=3_000)


class MemoryBus:
    def __init__(self) -> None:
        self._broker = MemoryBroker()

    async def create(self, catalogue: TopicCatalogue) -> list[str]:
        return self._broker.create_topics(plan_topics(catalogue, profile=Profile.TEST))

    def producer(self) -> Producer:
        return self._broker.producer()

    def consumer(self, group: str, topics: Iterable[str]) -> Consumer:
        return self._broker.consumer(group=group, topics=topics)


def unique_name(prefix: str) -> str:
    """A topic or group that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


async def until(condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; fail after the deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.002)


async def read(consumer: Consumer, count: int) -> list[Delivery]:
    """Fetch until `count` records came; fail after the deadline."""
    deliveries: list[Delivery] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(deliveries) < count:
            deliveries += await consumer.fetch(max_records=count - len(deliveries), timeout_s=0.05)
    return deliveries


@asynccontextmanager
async def fetching(consumer: Consumer) -> AsyncIterator[list[Delivery]]:
    """Fetch all the time, as a member does all its life; gives the list that grows."""
    deliveries: list[Delivery] = []

    async def fetch() -> None:
        while True:
            deliveries.extend(await consumer.fetch(max_records=100, timeout_s=0.05))

    task = asyncio.create_task(fetch())
    try:
        yield deliveries
    finally:
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()


def numbered(topic: str, keys: Sequence[str], count: int) -> list[Record]:
    """`count` records with values 0, 1, 2, …, dealt to `keys` in turn."""
    return [Record(topic, keys[i % len(keys)].encode(), str(i).encode()) for i in range(count)]


def values(deliveries: Iterable[Delivery]) -> list[int]:
    return [int(delivery.record.value) for delivery in deliveries]
