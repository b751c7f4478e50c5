"""A service's connections to bus, node and store in a simnet; each of them can fail or be cut on demand.

A `Lifetime` is one run of a service, from its start to its end. When it ends by a crash, everything that is still on
its way through these connections is lost: nothing more is committed, sent or broadcast.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn

from tests.kit.simulated_time import SimulatedLoop, now_ms
from zarathustra.bus.memory import MemoryBroker, MemoryConsumer
from zarathustra.bus.port import Consumer, Producer
from zarathustra.bus.records import Delivery, Partition, Record
from zarathustra.chain.answers import Parse, keep
from zarathustra.chain.rpc import Call, Rpc
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Cid
from zarathustra.runtime.lifecycle import Runtime
from zarathustra.runtime.map_loop.routes import list_topics
from zarathustra.runtime.map_loop.service import Bus
from zarathustra.store.cid import BlockId
from zarathustra.store.memory import MemoryStore


class Moment(StrEnum):
    """Where a service can be killed."""

    TAKEN = "taken"  # it has received a record, and has not begun with it
    SENDING = "sending"  # it has made a record, which is not on the bus yet
    SENT = "sent"  # its record is on the bus, and the service does not know yet
    BROADCAST = "broadcast"  # its transaction is with the node, and the service does not know yet


@dataclass(frozen=True)
class CrashPoint:
    """Kill `service` at its `number`-th such moment, counted from 1 over all its lifetimes."""

    service: str
    moment: Moment
    number: int

    def __str__(self) -> str:
        return f"{self.service}/{self.moment}/{self.number}"


class CrashPlan:
    """Counts the moments of all services, and holds the service that reaches the chosen one: `due` names it then."""

    def __init__(self, point: CrashPoint | None = None) -> None:
        self.passed: Counter[tuple[str, Moment]] = Counter()
        self.due: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._point = point

    async def reach(self, service: str, moment: Moment) -> None:
        """Return, unless this is the chosen moment: then wait until the service is killed."""
        self.passed[service, moment] += 1
        if self._point == CrashPoint(service, moment, self.passed[service, moment]):
            self.due.set_result(service)
            await _never()


@dataclass
class Lifetime:
    """One run of one service, and its connections to the bus."""

    runtime: Runtime
    broker: MemoryBroker
    crash_plan: CrashPlan
    name: str
    is_over: bool = False
    _consumers: list[MemoryConsumer] = field(default_factory=list)

    @asynccontextmanager
    async def open_consumer(self, group: str, topics: Iterable[str]) -> AsyncIterator[Consumer]:
        consumer = self.broker.consumer(group=group, topics=topics)
        self._consumers.append(consumer)
        async with consumer:
            yield CrashableConsumer(consumer, self)

    @asynccontextmanager
    async def open_bus(self, group: str, topics: Iterable[str]) -> AsyncIterator[Bus]:
        """A group member that is subscribed as a map loop's must be, and a producer."""
        async with AsyncExitStack() as stack:
            consumer = await stack.enter_async_context(self.open_consumer(group, list_topics(topics, group)))
            yield Bus(consumer, self.producer(), group)

    def producer(self) -> Producer:
        return CrashableProducer(self.broker, self)

    async def end(self) -> None:
        """End as by kill −9: from now on nothing gets out."""
        self.is_over = True
        for consumer in self._consumers:
            await consumer.crash()


class CrashableProducer:
    """See `port.Producer`."""

    def __init__(self, broker: MemoryBroker, lifetime: Lifetime) -> None:
        self._broker = broker
        self._lifetime = lifetime

    async def __aenter__(self) -> "CrashableProducer":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def send(self, records: Sequence[Record]) -> None:
        """Send record by record, so that a crash can come between two of one batch."""
        for record in records:
            await self._lifetime.crash_plan.reach(self._lifetime.name, Moment.SENDING)
            if self._lifetime.is_over:
                await _never()
            self._broker.append(record)
            await self._lifetime.crash_plan.reach(self._lifetime.name, Moment.SENT)
        await asyncio.sleep(0)


class CrashableConsumer:
    """See `port.Consumer`. It fetches one record at a time, so that a crash can come between any two."""

    def __init__(self, inner: MemoryConsumer, lifetime: Lifetime) -> None:
        self._inner = inner
        self._lifetime = lifetime

    async def __aenter__(self) -> "CrashableConsumer":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivery]:
        deliveries = await self._inner.fetch(max_records=1, timeout_s=timeout_s)
        if deliveries:
            await self._lifetime.crash_plan.reach(self._lifetime.name, Moment.TAKEN)
        return deliveries

    def is_fetch_current(self) -> bool:
        return self._inner.is_fetch_current()

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

    async def fetch_lag(self, partition: Partition) -> int | None:
        return await self._inner.fetch_lag(partition)

    def get_lag(self, partition: Partition) -> int | None:
        return self._inner.get_lag(partition)


class RealRpc:
    """The real node in simulated time: while a request is out, time stands still."""

    def __init__(self, inner: Rpc, loop: SimulatedLoop) -> None:
        self._inner = inner
        self._loop = loop

    async def call(self, method: str, *params: Any, parse: Parse = keep) -> Any:
        with self._loop.real_work():
            return await self._inner.call(method, *params, parse=parse)

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        with self._loop.real_work():
            return await self._inner.call_many(calls)


class CrashableRpc:
    """A service's connection to its node."""

    def __init__(self, inner: Rpc, lifetime: Lifetime, *, is_cut_off: Callable[[], bool]) -> None:
        self._inner = inner
        self._lifetime = lifetime
        self._is_cut_off = is_cut_off

    async def call(self, method: str, *params: Any, parse: Parse = keep) -> Any:
        await self._check()
        answer = await self._inner.call(method, *params, parse=parse)
        if method == "eth_sendRawTransaction":
            await self._lifetime.crash_plan.reach(self._lifetime.name, Moment.BROADCAST)
        return answer

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        await self._check()
        return await self._inner.call_many(calls)

    async def _check(self) -> None:
        if self._lifetime.is_over:
            await _never()
        if self._is_cut_off():
            raise Retry(Reason.RPC_UNREACHABLE, "the node does not answer")


class OperatorStore:
    """An operator's node of the content store. All nodes share their content. See `store.port`."""

    def __init__(self, shared: MemoryStore) -> None:
        self._shared = shared
        self.is_reachable = True

    async def fetch(self, cid: Cid | str, *, max_bytes: int) -> bytes:
        self._check()
        return await self._shared.fetch(cid, max_bytes=max_bytes)

    async def fetch_block(self, block_id: BlockId) -> bytes:
        self._check()
        return await self._shared.fetch_block(block_id)

    async def add(self, data: bytes) -> Cid:
        self._check()
        return await self._shared.add(data)

    async def pin(self, cid: Cid | str, **limits: Any) -> None:
        self._check()
        await self._shared.pin(cid, **limits)

    def _check(self) -> None:
        if not self.is_reachable:
            raise Retry(Reason.UNAVAILABLE, "the store does not answer", is_absent=False)


def open_lifetime(name: str, broker: MemoryBroker, crash_plan: CrashPlan) -> Lifetime:
    """Begin a new run of the service `name`."""
    runtime = Runtime(name.partition("-")[0], now_ms=now_ms)
    return Lifetime(runtime, broker, crash_plan, name)


async def _never() -> NoReturn:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("a wait without an end has ended")
