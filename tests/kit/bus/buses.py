"""The bus in memory and Apache Kafka behind one interface, for suites that run on both."""

import uuid
from collections.abc import Iterable
from typing import Protocol

from zarathustra.bus.kafka import KafkaConsumer, KafkaProducer, create_topics
from zarathustra.bus.memory import MemoryBroker
from zarathustra.bus.port import Consumer, Producer
from zarathustra.bus.topics import Profile, TopicCatalogue, plan_topics


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
    """Return a name for a topic or group that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"
