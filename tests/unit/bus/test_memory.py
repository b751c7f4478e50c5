"""What only the memory bus has: crashes on demand, outages, and a copy of Kafka's partitioner."""

import pytest

from tests.kit.bus.records import numbered, read, values
from tests.kit.clock import FakeClock
from zarathustra.bus.memory import MemoryBroker, compute_murmur2
from zarathustra.bus.records import Partition, Record
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason

pytestmark = pytest.mark.unit


@pytest.fixture
def broker() -> MemoryBroker:
    broker = MemoryBroker(now_ms=FakeClock(1_700_000_000_000).now_ms)
    broker.create_topic("t.v1", partitions=2)
    return broker


@pytest.mark.parametrize(
    ("data", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_murmur2__vectors_of_the_kafka_client__are_equal(data: bytes, signed: int) -> None:
    assert compute_murmur2(data) == signed & 0xFFFFFFFF


async def test_consumer__crashes__loses_only_what_it_had_not_committed(broker: MemoryBroker) -> None:
    revoked: list[object] = []
    for record in numbered("t.v1", ["k"], 6):
        broker.append(record)
    consumer = broker.consumer(group="g", topics=["t.v1"])

    async with consumer:

        async def on_revoke(partitions: frozenset[Partition]) -> None:
            revoked.append(partitions)

        consumer.on_revoke(on_revoke)
        first, *_ = await read(consumer, 6)
        await consumer.commit({first.get_partition(): 2})
        await consumer.crash()
    async with broker.consumer(group="g", topics=["t.v1"]) as other:
        again = await read(other, 4)

    assert values(again) == [2, 3, 4, 5]
    assert not revoked


async def test_broker__is_unreachable__clients_raise_retry_and_lose_nothing(broker: MemoryBroker) -> None:
    async with broker.producer() as producer, broker.consumer(group="g", topics=["t.v1"]) as consumer:
        await producer.send([Record("t.v1", b"k", b"0")])
        broker.is_reachable = False
        with pytest.raises(Retry) as caught:
            await producer.send([Record("t.v1", b"k", b"1")])
        with pytest.raises(Retry):
            await consumer.commit({})
        assert not await consumer.fetch(max_records=1, timeout_s=0.001)

        broker.is_reachable = True
        [delivery] = await read(consumer, 1)

    assert caught.value.reason is Reason.BUS_UNREACHABLE
    assert (delivery.record.value, delivery.timestamp_ms) == (b"0", 1_700_000_000_000)


async def test_producer__topic_does_not_exist__raises(broker: MemoryBroker) -> None:
    async with broker.producer() as producer:
        with pytest.raises(Retry, match="unknown topic"):
            await producer.send([Record("missing.v1", b"k", b"v")])
