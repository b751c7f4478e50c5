"""The follower case by case, the records it builds, and which replica is active."""

import asyncio
from contextlib import suppress

import pytest

from services.indexer.handlers import BusSink, build_checkpoint_record, build_event_record, checkpoint_key
from services.indexer.standby import Replica
from tests.kit.chain.deployment import DEPLOYMENT
from tests.kit.chain.event_chain import Crash, EventChain, FakeSink, make_block, make_header
from tests.kit.waiting import until
from zarathustra.bus.memory import MemoryBroker, MemoryConsumer
from zarathustra.bus.records import Delivery, Header
from zarathustra.chain.follow import MAX_STEPS, ChainFollower
from zarathustra.core.canonical import Checkpoint, TimedRecord, jump
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.events import ChainEvent, Retracted, chain_record_id
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, Topic
from zarathustra.runtime.health import Health
from zarathustra.runtime.records import read_chain_event
from zarathustra.telemetry.metrics import Metrics
from zarathustra.wire.checkpoint import decode_checkpoint

pytestmark = pytest.mark.unit


def make_follower(chain: EventChain, sink: FakeSink, *, confirmations: int = 0) -> ChainFollower:
    follower = ChainFollower(chain, sink, confirmations=confirmations)
    follower.restore(sink.checkpoint)
    return follower


def list_projects(sink: FakeSink) -> list[int]:
    """Return the project numbers of the published records; a negative number is a retraction."""
    return [
        -timed.record.event.project_id if isinstance(timed.record, Retracted) else timed.record.project_id
        for timed in sink.records
    ]


# ---- follower


async def test_follower__fresh_start__publishes_everything_in_order() -> None:
    chain, sink = EventChain(), FakeSink()
    for project in range(1, 13):
        chain.mine([project])
    assert await make_follower(chain, sink).catch_up()
    assert list_projects(sink) == list(range(1, 13))


async def test_follower__second_turn_without_news__publishes_and_saves_nothing() -> None:
    chain, sink = EventChain(), FakeSink()
    chain.mine([1])
    follower = make_follower(chain, sink)
    await follower.catch_up()
    sink.effects_left = 0
    assert await follower.catch_up()


async def test_follower__confirmations__publishes_no_newer_block() -> None:
    chain, sink = EventChain(), FakeSink()
    for project in (1, 2, 3):
        chain.mine([project])
    follower = make_follower(chain, sink, confirmations=2)
    await follower.catch_up()
    assert list_projects(sink) == [1]
    chain.mine()
    await follower.catch_up()
    assert list_projects(sink) == [1, 2]


async def test_follower__reorganisation__retracts_then_publishes_the_new_branch() -> None:
    chain, sink = EventChain(), FakeSink()
    for project in (1, 2, 3):
        chain.mine([project])
    follower = make_follower(chain, sink)
    await follower.catch_up()
    chain.reorganise(2, [[4], [5], [6]])
    await follower.catch_up()
    assert list_projects(sink) == [1, 2, 3, -3, -2, 4, 5, 6]


async def test_follower__same_height_reorganisation__noticed_without_a_new_block() -> None:
    chain, sink = EventChain(), FakeSink()
    chain.mine([1])
    follower = make_follower(chain, sink)
    await follower.catch_up()
    chain.reorganise(1, [[2]])
    await follower.catch_up()
    assert list_projects(sink) == [1, -1, 2]


async def test_follower__node_behind_on_the_same_branch__retracts_nothing() -> None:
    chain, sink = EventChain(), FakeSink()
    for project in (1, 2, 3):
        chain.mine([project])
    follower = make_follower(chain, sink)
    await follower.catch_up()
    chain.visible = 2
    await follower.catch_up()
    assert list_projects(sink) == [1, 2, 3]


@pytest.mark.parametrize("effects", range(7))
async def test_follower__block_reorganised_away_while_down__readers_end_with_the_new_branch(effects: int) -> None:
    """Killed after each possible effect: the next process must know what was published."""
    chain, sink = EventChain(), FakeSink()
    await make_follower(chain, sink).catch_up()
    chain.mine([1])
    sink.effects_left = effects
    with suppress(Crash):
        await make_follower(chain, sink).catch_up()

    sink.effects_left = None
    chain.reorganise(1, [[2]])
    await make_follower(chain, sink).catch_up()
    assert [event.project_id for event in sink.list_live()] == [2]


async def test_follower__fork_below_finalized__halts() -> None:
    chain, sink = EventChain(unfinalized=2), FakeSink()
    for project in range(1, 8):
        chain.mine([project])
    follower = make_follower(chain, sink)
    await follower.catch_up()
    chain.reorganise(4, [[], [], [], [], []])
    with pytest.raises(Invalid) as caught:
        await follower.catch_up()
    assert caught.value.reason is Reason.DEEP_FORK


async def test_follower__long_chain__takes_bounded_turns() -> None:
    chain, sink = EventChain(unfinalized=3 * MAX_STEPS), FakeSink()
    for _ in range(2 * MAX_STEPS + 1):
        chain.mine()
    follower = make_follower(chain, sink)
    assert [await follower.catch_up() for _ in range(3)] == [False, False, True]
    assert follower.tip == chain.blocks[-1].header


async def test_follower__node_behind_the_anchor__retries() -> None:
    chain, sink = EventChain(unfinalized=1), FakeSink()
    for _ in range(6):
        chain.mine()
    follower = make_follower(chain, sink)
    await follower.catch_up()
    chain.visible = 2
    with pytest.raises(Retry):
        await follower.catch_up()


def test_follower__checkpoint_of_another_deployment__refused() -> None:
    view = jump(None, make_header(0))
    checkpoint = Checkpoint(DEPLOYMENT.chain_id, Address(b"\x99" * 20), view)
    with pytest.raises(Invalid) as caught:
        ChainFollower(EventChain(), FakeSink(), confirmations=0).restore(checkpoint)
    assert caught.value.reason is Reason.BAD_SETTING


# ---- records


def make_event() -> ChainEvent:
    return make_block(make_header(7), (258,)).events[0]


def test_event_record__event__keyed_by_project_and_read_back() -> None:
    record = build_event_record(TimedRecord(make_event(), 1_700_000_000))
    assert record.topic == Topic.CHAIN_EVENTS
    assert record.key == b"\x00\x00\x00\x00\x00\x00\x01\x02"
    assert dict(record.headers) == {
        Header.ID: str(chain_record_id(make_event())).encode(),
        Header.TYPE: b"ChainEvent",
        Header.TIME: b"1700000000000",
    }
    assert read_chain_event(Delivery(record, 0, 0, 0)) == make_event()


def test_event_record__retraction__same_key_other_id() -> None:
    event, retracted = (
        build_event_record(TimedRecord(record, 1)) for record in (make_event(), Retracted(make_event()))
    )
    assert retracted.key == event.key
    assert retracted.headers[Header.TYPE] == b"Retracted"
    assert retracted.headers[Header.ID] != event.headers[Header.ID]


def test_checkpoint__empty__unparsable() -> None:
    with pytest.raises(Invalid) as caught:
        decode_checkpoint(b"")
    assert caught.value.reason is Reason.UNPARSABLE


# ---- replicas


class Fleet:
    """Replicas on one memory bus and one chain."""

    def __init__(self) -> None:
        self.chain = EventChain()
        self.broker = MemoryBroker()
        self.broker.create_topic(Topic.CHAIN_EVENTS)
        self.broker.create_topic(Topic.INDEXER_CHECKPOINT, partitions=1)

    def make_consumer(self) -> MemoryConsumer:
        return self.broker.consumer(group="indexer.31337", topics=[Topic.INDEXER_CHECKPOINT])

    def make_replica(self, name: bytes, consumer: MemoryConsumer) -> Replica:
        producer = self.broker.producer()
        follower = ChainFollower(self.chain, BusSink(producer, Metrics("indexer")), confirmations=0)
        return Replica(
            consumer, producer, follower, chain_id=DEPLOYMENT.chain_id, make_marker=lambda: name + _count(self.broker)
        )

    def list_events(self) -> list[int]:
        deliveries = self.broker.get_deliveries(Topic.CHAIN_EVENTS)
        return sorted(
            value.project_id for delivery in deliveries if isinstance(value := read_chain_event(delivery), ChainEvent)
        )


def _count(broker: MemoryBroker) -> bytes:
    return str(len(broker.get_deliveries(Topic.INDEXER_CHECKPOINT))).encode()


async def take_turns(replica: Replica, count: int = 4) -> None:
    for _ in range(count):
        await replica.run_once(wait_s=0.001)


async def test_replica__two_replicas__one_indexes() -> None:
    fleet = Fleet()
    fleet.chain.mine([1])
    first_consumer, second_consumer = fleet.make_consumer(), fleet.make_consumer()
    first, second = fleet.make_replica(b"first", first_consumer), fleet.make_replica(b"second", second_consumer)
    async with first_consumer, second_consumer:
        await take_turns(first)
        await take_turns(second)
        assert [first.is_active, second.is_active] == [True, False]
    assert fleet.list_events() == [1]


async def test_replica__active_one_crashes__other_continues_from_its_checkpoint() -> None:
    fleet = Fleet()
    fleet.chain.mine([1])
    consumers = [fleet.make_consumer(), fleet.make_consumer()]
    replicas = [fleet.make_replica(b"replica %d" % number, consumer) for number, consumer in enumerate(consumers)]
    async with consumers[0], consumers[1]:
        active = 0 if consumers[0].get_assignment() else 1
        await take_turns(replicas[active])
        await consumers[active].crash()
        fleet.chain.reorganise(1, [[2], [3]])
        await take_turns(replicas[1 - active])
        assert replicas[1 - active].is_active
    assert fleet.list_events() == [1, 2, 3]
    types = [delivery.record.headers[Header.TYPE] for delivery in fleet.broker.get_deliveries(Topic.CHAIN_EVENTS)]
    assert types.count(b"Retracted") == 1


async def test_replica__restart__reads_its_checkpoint_back_and_repeats_at_most_the_pending_records() -> None:
    fleet = Fleet()
    fleet.chain.mine([1])
    for project in (2, 3):
        consumer = fleet.make_consumer()
        async with consumer:
            await take_turns(fleet.make_replica(b"only", consumer))
        fleet.chain.mine([project])
    consumer = fleet.make_consumer()
    async with consumer:
        await take_turns(fleet.make_replica(b"only", consumer))
    assert fleet.list_events() == [1, 2, 3]


async def test_replica__checkpoint_of_another_chain__ignored() -> None:
    fleet = Fleet()
    fleet.chain.mine([1])
    other = Checkpoint(1, Address(b"\x99" * 20), jump(None, make_header(9)))
    await fleet.broker.producer().send([build_checkpoint_record(other)])
    assert checkpoint_key(1) != checkpoint_key(DEPLOYMENT.chain_id)
    consumer = fleet.make_consumer()
    async with consumer:
        await take_turns(fleet.make_replica(b"only", consumer))
    assert fleet.list_events() == [1]


async def test_replica__revoked_during_a_turn__stands_by_before_the_partition_leaves() -> None:
    fleet = Fleet()
    consumer = fleet.make_consumer()
    replica = fleet.make_replica(b"only", consumer)
    async with consumer:
        await take_turns(replica)
        assert replica.is_active
        await consumer.revoke()
        assert not replica.is_active


async def test_replica__node_fails__not_ready_until_it_answers() -> None:
    fleet, health, stop = Fleet(), Health(), asyncio.Event()
    fleet.chain.visible = 0
    consumer = fleet.make_consumer()
    async with consumer:
        replica = fleet.make_replica(b"only", consumer)
        running = asyncio.create_task(replica.run(stop, health, poll_s=0.001))
        await until(lambda: health.get_waiting() == {"catch-up": "rpc_error"})
        fleet.chain.visible = None
        await until(lambda: health.is_ready)
        stop.set()
        await running
