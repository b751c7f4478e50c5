"""What a simulated service is connected through: bus, node and store, each of which can end or fail on demand.

A `Life` is one run of a service between its start and its end. When it ends by a crash, everything that is still on its
way through these lines is lost: nothing is committed, sent or broadcast any more.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn

from tests.kit.simnet.time import SimulatedLoop, now_ms
from zarathustra.bus.memory import MemoryBroker, MemoryConsumer
from zarathustra.bus.port import Consumer, Producer
from zarathustra.bus.records import Delivery, Partition, Record
from zarathustra.chain.rpc import Call, Rpc
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Cid
from zarathustra.runtime.lifecycle import Runtime
from zarathustra.runtime.map_loop.routes import list_topics
from zarathustra.runtime.map_loop.service import Bus
from zarathustra.store.memory import MemoryStore


class Moment(StrEnum):
    """Where between two records a service can be killed."""

    TAKEN = "taken"  # a record was handed to it, and nothing is done about it yet
    SENDING = "sending"  # a record is worked out, and not on the bus yet
    SENT = "sent"  # a record is on the bus, and the service does not know
    BROADCAST = "broadcast"  # a transaction is out, and the service does not know


@dataclass(frozen=True)
class CrashPoint:
    """Kill `service` at its `number`-th such moment, counted from 1 over all its lives."""

    service: str
    moment: Moment
    number: int

    def __str__(self) -> str:
        return f"{self.service}/{self.moment}/{self.number}"


class Executioner:
    """Counts the moments of all services; at the chosen one it says who is to be killed."""

    def __init__(self, point: CrashPoint | None = None) -> None:
        self.passed: Counter[tuple[str, Moment]] = Counter()
        self.due: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._point = point

    async def reach(self, service: str, moment: Moment) -> None:
        """Return unless this is the moment; then never."""
        self.passed[service, moment] += 1
        if self._point == CrashPoint(service, moment, self.passed[service, moment]):
            self.due.set_result(service)
            await _never()


@dataclass
class Life:
    """One run of one service, and its lines to the bus."""

    runtime: Runtime
    broker: MemoryBroker
    executioner: Executioner
    name: str
    is_over: bool = False
    _consumers: list[MemoryConsumer] = field(default_factory=list)

    @asynccontextmanager
    async def open_consumer(self, group: str, topics: Iterable[str]) -> AsyncIterator[Consumer]:
        consumer = self.broker.consumer(group=group, topics=topics)
        self._consumers.append(consumer)
        async with consumer:
            yield LifeConsumer(consumer, self)

    @asynccontextmanager
    async def open_bus(self, group: str, topics: Iterable[str]) -> AsyncIterator[Bus]:
        """A group member that is subscribed as a map loop's must be, and a producer."""
        async with AsyncExitStack() as stack:
            consumer = await stack.enter_async_context(self.open_consumer(group, list_topics(topics, group)))
            yield Bus(consumer, self.producer(), group)

    def producer(self) -> Producer:
        return LifeProducer(self.broker, self)

    async def end(self) -> None:
        """As by kill −9: from now on nothing gets out."""
        self.is_over = True
        for consumer in self._consumers:
            await consumer.crash()


class LifeProducer:
    """See `port.Producer`."""

    def __init__(self, broker: MemoryBroker, life: Life) -> None:
        self._broker = broker
        self._life = life

    async def __aenter__(self) -> "LifeProducer":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def send(self, records: Sequence[Record]) -> None:
        """Record by record: a crash may come between two of one batch."""
        for record in records:
            await self._life.executioner.reach(self._life.name, Moment.SENDING)
            if self._life.is_over:
                await _never()
            self._broker.append(record)
            await self._life.executioner.reach(self._life.name, Moment.SENT)
        await asyncio.sleep(0)


class LifeConsumer:
    """See `port.Consumer`. One record at a time, so that a crash can come between any two."""

    def __init__(self, inner: MemoryConsumer, life: Life) -> None:
        self._inner = inner
        self._life = life

    async def __aenter__(self) -> "LifeConsumer":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivery]:
        deliveries = await self._inner.fetch(max_records=1, timeout_s=timeout_s)
        if deliveries:
            await self._life.executioner.reach(self._life.name, Moment.TAKEN)
        return deliveries

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        await self._inner.commit(offsets)

    async def fetch_committed(self, partition: Partition) -> int | None:
        return await self._inner.fetch_committed(partition)

    def on_revoke(self, callback: Any) -> None:
        self._inner.on_revoke(callback)

    def pause(self, partitions: Iterable[Partition]) -> None:
        self._inner.pause(partitions)

    def resume(self, partitions: Iterable[Partition]) -> None:
        self._inner.resume(partitions)

    def get_assignment(self) -> frozenset[Partition]:
        return self._inner.get_assignment()

    def get_lag(self, partition: Partition) -> int | None:
        return self._inner.get_lag(partition)


class RealRpc:
    """The real node, in simulated time: while it works, time stands still."""

    def __init__(self, inner: Rpc, loop: SimulatedLoop) -> None:
        self._inner = inner
        self._loop = loop

    async def call(self, method: str, *params: Any) -> Any:
        with self._loop.real_work():
            return await self._inner.call(method, *params)

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        with self._loop.real_work():
            return await self._inner.call_many(calls)


class LifeRpc:
    """A service's way to the node."""

    def __init__(self, inner: Rpc, life: Life, *, is_cut_off: Callable[[], bool]) -> None:
        self._inner = inner
        self._life = life
        self._is_cut_off = is_cut_off

    async def call(self, method: str, *params: Any) -> Any:
        await self._check()
        answer = await self._inner.call(method, *params)
        if method == "eth_sendRawTransaction":
            await self._life.executioner.reach(self._life.name, Moment.BROADCAST)
        return answer

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        await self._check()
        return await self._inner.call_many(calls)

    async def _check(self) -> None:
        if self._life.is_over:
            await _never()
        if self._is_cut_off():
            raise Retry(Reason.RPC_UNREACHABLE, "the node does not answer")


class OperatorStore:
    """An operator's node of the content store; all of them share what they hold. See `store.port`."""

    def __init__(self, shared: MemoryStore) -> None:
        self._shared = shared
        self.is_reachable = True

    async def fetch(self, cid: Cid | str, *, max_bytes: int) -> bytes:
        self._check()
        return await self._shared.fetch(cid, max_bytes=max_bytes)

    async def add(self, data: bytes) -> Cid:
        self._check()
        return await self._shared.add(data)

    async def pin(self, cid: Cid | str, **limits: Any) -> None:
        self._check()
        await self._shared.pin(cid, **limits)

    def _check(self) -> None:
        if not self.is_reachable:
            raise Retry(Reason.UNAVAILABLE, "the store does not answer", is_absent=False)


def open_life(name: str, broker: MemoryBroker, executioner: Executioner) -> Life:
    """A new run of the service `name`."""
    runtime = Runtime(name.partition("-")[0], now_ms=now_ms)
    return Life(runtime, broker, executioner, name)


async def _never() -> NoReturn:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody ends this wait")
