"""One suite for every bus, in memory and on Apache Kafka: what the map loop relies on."""

from collections import defaultdict
from dataclasses import replace

import pytest

from tests.kit.bus.buses import Bus, KafkaBus, MemoryBus, unique_name
from tests.kit.bus.records import fetching, numbered, read, values
from tests.kit.waiting import until
from zarathustra.bus.memory import choose_partition
from zarathustra.bus.records import Header, Partition, Record
from zarathustra.bus.topics import TopicCatalogue, load_catalogue
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason

pytestmark = pytest.mark.conformance
pytest_plugins = ["tests.kit.bus.kafka_fixture"]

KEYS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]


@pytest.fixture(params=["memory", "kafka"])
def bus(request: pytest.FixtureRequest) -> Bus:
    if request.param == "memory":
        return MemoryBus()
    return KafkaBus(request.getfixturevalue("kafka_bootstrap"))


@pytest.fixture
async def topic(bus: Bus) -> str:
    name = unique_name("topic")
    await bus.create(catalogue_of(name))
    return name


@pytest.fixture
def group() -> str:
    return unique_name("group")


def catalogue_of(name: str, *, partitions: int = 3) -> TopicCatalogue:
    catalogue = load_catalogue()
    return replace(catalogue, topics=(replace(catalogue.topics[0], name=name, partitions=partitions),))


def everything(topic: str) -> frozenset[Partition]:
    return frozenset(Partition(topic, number) for number in range(3))


async def send(bus: Bus, records: list[Record]) -> None:
    async with bus.producer() as producer:
        await producer.send(records)


async def test_producer__record__arrives_whole(bus: Bus, topic: str, group: str) -> None:
    record = Record(topic, b"key\x00", b"\xffvalue", {Header.ID: b"\x01", "type": b"Evaluated"})
    await send(bus, [record])

    async with bus.consumer(group, [topic]) as consumer:
        [delivery] = await read(consumer, 1)

    assert delivery.record == record
    assert delivery.offset == 0


async def test_producer__equal_keys__stay_in_order_on_one_partition(bus: Bus, topic: str, group: str) -> None:
    await send(bus, numbered(topic, KEYS, 600))

    async with bus.consumer(group, [topic]) as consumer:
        deliveries = await read(consumer, 600)

    by_key = defaultdict(list)
    for delivery in deliveries:
        by_key[delivery.record.key].append(delivery)
    for key, own in by_key.items():
        assert values(own) == sorted(values(own))
        assert {delivery.partition for delivery in own} == {choose_partition(key, 3)}
        assert [d.offset for d in own] == sorted(d.offset for d in own)


async def test_producer__record_over_the_topics_limit__is_invalid(bus: Bus, topic: str) -> None:
    async with bus.producer() as producer:
        with pytest.raises(Invalid) as caught:
            await producer.send([Record(topic, b"k", bytes(300_000))])

    assert caught.value.reason is Reason.OVERSIZE


async def test_consumer__committed__next_member_resumes_there(bus: Bus, topic: str, group: str) -> None:
    await send(bus, numbered(topic, ["one-key"], 10))
    partition = Partition(topic, choose_partition(b"one-key", 3))

    async with bus.consumer(group, [topic]) as consumer:
        assert await consumer.fetch_committed(partition) is None
        await read(consumer, 10)
        await consumer.commit({partition: 4})
        assert await consumer.fetch_committed(partition) == 4

    async with bus.consumer(group, [topic]) as consumer:
        assert values(await read(consumer, 6)) == [4, 5, 6, 7, 8, 9]


async def test_consumer__leaves_without_commit__records_come_again(bus: Bus, topic: str, group: str) -> None:
    await send(bus, numbered(topic, KEYS, 30))

    async with bus.consumer(group, [topic]) as consumer:
        await read(consumer, 30)
    async with bus.consumer(group, [topic]) as consumer:
        again = await read(consumer, 30)

    assert sorted(values(again)) == list(range(30))


async def test_consumer__other_group__reads_everything_too(bus: Bus, topic: str, group: str) -> None:
    await send(bus, numbered(topic, KEYS, 30))

    for name in (group, unique_name("group")):
        async with bus.consumer(name, [topic]) as consumer:
            deliveries = await read(consumer, 30)
            await consumer.commit({Partition(topic, n): 1 for n in {d.partition for d in deliveries}})

        assert sorted(values(deliveries)) == list(range(30))


async def test_consumer__paused_partition__delivers_after_resume(bus: Bus, topic: str, group: str) -> None:
    async with bus.consumer(group, [topic]) as consumer:
        await consumer.fetch(max_records=1, timeout_s=0.05)
        await until(lambda: consumer.get_assignment() == everything(topic))
        held = Partition(topic, choose_partition(b"alpha", 3))
        consumer.pause([held])
        await send(bus, numbered(topic, KEYS, 60))

        count_elsewhere = sum(choose_partition(key.encode(), 3) != held.number for key in KEYS) * 10
        deliveries = await read(consumer, count_elsewhere)
        assert held.number not in {delivery.partition for delivery in deliveries}
        assert not await consumer.fetch(max_records=100, timeout_s=0.3)

        consumer.resume([held])
        deliveries += await read(consumer, 60 - count_elsewhere)
    assert sorted(values(deliveries)) == list(range(60))


async def test_consumer__reads_everything__lag_falls_to_zero(bus: Bus, topic: str, group: str) -> None:
    await send(bus, numbered(topic, ["one-key"], 10))
    partition = Partition(topic, choose_partition(b"one-key", 3))

    async with bus.consumer(group, [topic]) as consumer:
        await read(consumer, 4)
        assert consumer.get_lag(partition) == 6
        await read(consumer, 6)
        assert consumer.get_lag(partition) == 0


async def test_group__second_member_joins__both_share_the_partitions(bus: Bus, topic: str, group: str) -> None:
    async with bus.consumer(group, [topic]) as first, fetching(first) as got:
        await until(lambda: first.get_assignment() == everything(topic))
        async with bus.consumer(group, [topic]) as second, fetching(second) as got_too:
            await until(lambda: bool(second.get_assignment()))
            await until(lambda: first.get_assignment() | second.get_assignment() == everything(topic))
            assert not first.get_assignment() & second.get_assignment()

            await send(bus, numbered(topic, [f"key-{i}" for i in range(50)], 200))
            await until(lambda: len(got) + len(got_too) >= 200)
            shares = values(got), values(got_too)

    assert shares[0]
    assert shares[1]
    assert sorted(shares[0] + shares[1]) == list(range(200))


async def test_group__member_leaves__the_other_takes_over(bus: Bus, topic: str, group: str) -> None:
    async with bus.consumer(group, [topic]) as first, fetching(first) as got:
        async with bus.consumer(group, [topic]) as second, fetching(second):
            await until(lambda: bool(first.get_assignment() and second.get_assignment()))
        await until(lambda: first.get_assignment() == everything(topic))
        await send(bus, numbered(topic, KEYS, 30))
        await until(lambda: len(got) >= 30)

    assert sorted(values(got)) == list(range(30))


async def test_group__revoke_callback__may_still_commit(bus: Bus, topic: str, group: str) -> None:
    await send(bus, numbered(topic, ["one-key"], 10))
    partition = Partition(topic, choose_partition(b"one-key", 3))
    revoked: list[frozenset[Partition]] = []

    async with bus.consumer(group, [topic]) as first:

        async def on_revoke(partitions: frozenset[Partition]) -> None:
            revoked.append(partitions)
            if partition in partitions:
                await first.commit({partition: 7})

        first.on_revoke(on_revoke)
        await read(first, 10)
        async with fetching(first) as got, bus.consumer(group, [topic]) as second, fetching(second) as got_too:
            await until(lambda: len(got) + len(got_too) >= 3)

    assert revoked[0] == everything(topic)
    assert values(got + got_too)[:3] == [7, 8, 9]


async def test_group__partition_has_left__commit_is_refused(bus: Bus, topic: str, group: str) -> None:
    async with bus.consumer(group, [topic]) as first, fetching(first):
        await until(lambda: first.get_assignment() == everything(topic))
        async with bus.consumer(group, [topic]) as second, fetching(second):
            await until(lambda: bool(second.get_assignment()))
            [lost, *_] = second.get_assignment()

            with pytest.raises(Retry) as caught:
                await first.commit({lost: 1})

    assert caught.value.reason is Reason.BUS_UNREACHABLE


async def test_create_topics__twice__creates_once(bus: Bus) -> None:
    name = unique_name("topic")

    assert await bus.create(catalogue_of(name)) == [name]
    assert await bus.create(catalogue_of(name)) == []


async def test_create_topics__other_number_of_partitions__is_reported(bus: Bus) -> None:
    name = unique_name("topic")
    await bus.create(catalogue_of(name, partitions=2))

    with pytest.raises(Invalid, match=f"{name} has 2 partitions, not 5") as caught:
        await bus.create(catalogue_of(name, partitions=5))
    assert caught.value.reason is Reason.BAD_SETTING
