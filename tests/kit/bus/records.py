"""Numbered records, deliveries, a producer that keeps what it is sent, and reading from a consumer."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.kit.waiting import DEADLINE_S
from zarathustra.bus.port import Consumer
from zarathustra.bus.records import Delivery, Record
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason


@dataclass
class RecordingProducer:
    """Keeps what it is sent. With `is_reachable` False, `send` raises Retry and keeps nothing."""

    records: list[Record] = field(default_factory=list)
    is_reachable: bool = True

    async def send(self, records: Sequence[Record]) -> None:
        """See `bus.port.Producer.send`."""
        if not self.is_reachable:
            raise Retry(Reason.BUS_UNREACHABLE, "send records")
        self.records.extend(records)
        await asyncio.sleep(0)  # as on Kafka, others run before the acknowledgement


def deliver(record: Record, *, offset: int = 0, time_ms: int = 0) -> Delivery:
    """Return the record as the bus delivers it to a handler."""
    return Delivery(record, partition=0, offset=offset, timestamp_ms=time_ms)


async def read(consumer: Consumer, count: int) -> list[Delivery]:
    """Fetch until `count` records have come; fail after the deadline."""
    deliveries: list[Delivery] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(deliveries) < count:
            deliveries += await consumer.fetch(max_records=count - len(deliveries), timeout_s=0.05)
    return deliveries


@asynccontextmanager
async def fetching(consumer: Consumer) -> AsyncIterator[list[Delivery]]:
    """Fetch all the time within the block; gives the list to which deliveries are added."""
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
    """Return `count` records with the values 0, 1, 2, … and the `keys` in turn."""
    return [Record(topic, keys[i % len(keys)].encode(), str(i).encode()) for i in range(count)]


def values(deliveries: Iterable[Delivery]) -> list[int]:
    return [int(delivery.record.value) for delivery in deliveries]
