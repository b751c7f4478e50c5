"""The map loop on the memory bus, with a clock that only the test moves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

import pytest

from tests.kit.clock import FakeClock
from tests.kit.waiting import until
from zarathustra.bus.dead_letters import MAX_KEPT_BYTES
from zarathustra.bus.memory import MemoryBroker, MemoryConsumer
from zarathustra.bus.port import Consumer, Producer
from zarathustra.bus.records import Delivery, Header, Partition, Record
from zarathustra.core.errors import Invalid, Retry, TooEarly, ZarathustraError
from zarathustra.core.reasons import Reason
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.handling import Clock, MostlyInvalidError
from zarathustra.runtime.map_loop.letters import MAX_PER_SENDER
from zarathustra.runtime.map_loop.loop import HandlerCancelledError, MapLoop
from zarathustra.runtime.map_loop.routes import Handler, Route, list_topics, no_lane

pytestmark = pytest.mark.unit

GROUP = "performer.aa"
RETRY = "performer.aa.retry.v1"
DEAD = "performer.aa.dlq.v1"
IN, OUT = "in.v1", "out.v1"
ONLY = Partition(IN, 0)
SETTINGS = MapLoopSettings(group=GROUP, fetch_timeout_s=0.005, revoke_grace_s=0.05, drain_grace_s=0.2)


@dataclass
class Notes:
    """An observer that records what the loop reports."""

    handled: list[int] = field(default_factory=list)
    retried: list[tuple[int, int]] = field(default_factory=list)
    dead: list[tuple[int, Reason]] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    bus_errors: list[Retry] = field(default_factory=list)
    lags: dict[Partition, int] = field(default_factory=dict)
    most_open: int = 0
    polls: int = 0

    def around(self, delivery: Delivery) -> AbstractContextManager[None]:
        return nullcontext()

    def on_handled(self, delivery: Delivery, produced: int) -> None:
        self.handled.append(number(delivery))

    def on_retried(self, delivery: Delivery, error: Retry, attempt: int) -> None:
        self.retried.append((number(delivery), attempt))

    def on_dead_lettered(self, delivery: Delivery, reason: Reason, error: ZarathustraError) -> None:
        self.dead.append((delivery.offset, reason))

    def on_dropped(self, delivery: Delivery, reason: Reason) -> None:
        self.dropped.append(number(delivery))

    def on_bus_error(self, error: Retry) -> None:
        self.bus_errors.append(error)

    def on_lag(self, partition: Partition, lag: int) -> None:
        self.lags[partition] = lag

    def on_in_flight(self, records_in_flight: int, put_back: int) -> None:
        self.most_open = max(self.most_open, records_in_flight)
        self.polls += 1


@dataclass
class World:
    """A broker with one input partition, and everything around a loop."""

    broker: MemoryBroker
    clock: FakeClock
    notes: Notes

    def send(self, *numbers: int, key: bytes | None = None, topic: str = IN) -> None:
        for value in numbers:
            self.broker.append(Record(topic, key or str(value).encode(), str(value).encode()))

    def get_committed(self, partition: Partition = ONLY) -> int | None:
        return self.broker.get_committed(GROUP).get(partition)

    def get_records(self, topic: str) -> list[Record]:
        return [delivery.record for delivery in self.broker.get_deliveries(topic)]

    def get_numbers(self, topic: str) -> list[int]:
        return [int(record.value) for record in self.get_records(topic)]

    async def poll_some_more(self) -> None:
        """Wait for a few polls: if the loop does something wrong, it has done it by then."""
        polls = self.notes.polls
        await until(lambda: self.notes.polls > polls + 3)

    def consumer(self) -> MemoryConsumer:
        return self.broker.consumer(group=GROUP, topics=list_topics([IN], GROUP))

    def build(
        self,
        consumer: Consumer,
        handlers: Handler | Route | Mapping[str, Handler | Route],
        settings: MapLoopSettings = SETTINGS,
        producer: Producer | None = None,
    ) -> MapLoop:
        return MapLoop(
            consumer,
            producer or self.broker.producer(),
            handlers if isinstance(handlers, Mapping) else {IN: handlers},
            settings,
            clock=Clock(self.clock.now_ms, self.clock.sleep),
            random=Random(1),
            observer=self.notes,
        )

    @asynccontextmanager
    async def running(
        self, handler: Handler | Route, settings: MapLoopSettings = SETTINGS
    ) -> AsyncIterator[MemoryConsumer]:
        """Run a loop inside the block; drain it at the end."""
        stop = asyncio.Event()
        async with self.consumer() as consumer, asyncio.TaskGroup() as tasks:
            tasks.create_task(self.build(consumer, handler, settings).run(stop))
            yield consumer
            stop.set()

    async def run_to_failure(self, handler: Handler | Route, settings: MapLoopSettings = SETTINGS) -> None:
        async with asyncio.timeout(10), self.consumer() as consumer:
            await self.build(consumer, handler, settings).run(asyncio.Event())


@pytest.fixture
def world() -> World:
    broker = MemoryBroker()
    for name in (IN, OUT, RETRY, DEAD):
        broker.create_topic(name, partitions=1)
    return World(broker, FakeClock(), Notes())


def has_records(world: World, topic: str, count: int) -> bool:
    return len(world.get_records(topic)) == count


def number(delivery: Delivery) -> int:
    return int(delivery.record.value)


def echo(delivery: Delivery) -> Record:
    return Record(OUT, delivery.record.key, delivery.record.value)


async def handle_echo(delivery: Delivery) -> Sequence[Record]:
    return [echo(delivery)]


class Gates:
    """A handler that finishes each record when the test opens its gate."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.cancelled: list[int] = []
        self._gates: dict[int, asyncio.Event] = {}

    def open(self, *numbers: int) -> None:
        for value in numbers:
            self._gates.setdefault(value, asyncio.Event()).set()

    def has_begun(self, value: int) -> bool:
        return value in self.begun

    async def handle(self, delivery: Delivery) -> Sequence[Record]:
        self.begun.append(number(delivery))
        try:
            await self._gates.setdefault(number(delivery), asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.cancelled.append(number(delivery))
            raise
        return [echo(delivery)]


def failing(error: Callable[[int], Exception | None]) -> Handler:
    """Return a handler that echoes, or raises what `error` returns for the record's number."""

    async def handle(delivery: Delivery) -> Sequence[Record]:
        raised = error(number(delivery))
        if raised is not None:
            raise raised
        return [echo(delivery)]

    return handle


def busy() -> Retry:
    return Retry(Reason.EVALUATOR_BUSY, "ask evaluator")


def refused() -> Invalid:
    return Invalid(Reason.BAD_SIGNATURE, "verify signature")


# Committing


async def test_loop__records__are_handled_produced_and_committed(world: World) -> None:
    world.send(1, 2, 3)

    async with world.running(handle_echo):
        await until(lambda: world.get_committed() == 3)

    assert world.get_numbers(OUT) == [1, 2, 3]
    assert world.notes.handled == [1, 2, 3]
    assert world.notes.lags[ONLY] == 0


async def test_loop__later_record_finishes_first__offset_stays_at_the_one_in_flight(world: World) -> None:
    gates = Gates()
    world.send(0, 1, 2, 3)

    async with world.running(gates.handle):
        gates.open(0, 2, 3)
        await until(lambda: sorted(world.notes.handled) == [0, 2, 3])
        await world.poll_some_more()
        assert world.get_committed() == 1

        gates.open(1)
        await until(lambda: world.get_committed() == 4)


async def test_loop__commit_fails__is_tried_again(world: World) -> None:
    class Refusing(MemoryConsumer):
        refusals = 2

        async def commit(self, offsets: Mapping[Partition, int]) -> None:
            if self.refusals:
                self.refusals -= 1
                raise Retry(Reason.BUS_UNREACHABLE, "commit offsets")
            await super().commit(offsets)

    world.send(1)
    stop = asyncio.Event()
    async with Refusing(world.broker, group=GROUP, topics=frozenset([IN])) as consumer, asyncio.TaskGroup() as tasks:
        tasks.create_task(world.build(consumer, handle_echo).run(stop))
        await until(lambda: world.get_committed() == 1)
        stop.set()

    assert len(world.notes.bus_errors) == 2
    assert world.get_numbers(OUT) == [1]


async def test_loop__bus_unreachable_while_producing__sends_again_without_handling_again(world: World) -> None:
    gates = Gates()
    world.send(1)

    async with world.running(gates.handle):
        await until(lambda: gates.begun == [1])
        world.broker.is_reachable = False
        gates.open(1)
        await until(lambda: len(world.notes.bus_errors) == 1)
        assert world.get_committed() is None

        world.broker.is_reachable = True
        world.clock.advance(1_000)
        await until(lambda: world.get_committed() == 1)

    assert gates.begun == [1]
    assert world.get_numbers(OUT) == [1]


# Retrying and giving up


async def test_loop__retry__record_waits_in_the_retry_topic_and_is_handled_again(world: World) -> None:
    failures = {1: [busy(), busy()]}
    world.send(1, 2)
    start_ms = world.clock.now_ms()

    async with world.running(failing(lambda n: failures[n].pop() if failures.get(n) else None)):
        await until(lambda: world.get_committed() == 2)
        [put_back] = world.get_records(RETRY)
        assert put_back.value == b"1"
        assert put_back.key == b"1"
        assert put_back.headers[Header.ATTEMPT] == b"2"
        assert put_back.headers[Header.REASON] == b"evaluator_busy"
        assert 500 <= int(put_back.headers[Header.NOT_BEFORE]) - start_ms <= 1_000
        assert world.get_numbers(OUT) == [2]

        world.clock.advance(1_000)
        await until(lambda: len(world.get_records(RETRY)) == 2)
        assert 1_000 <= int(world.get_records(RETRY)[1].headers[Header.NOT_BEFORE]) - start_ms - 1_000 <= 2_000
        world.clock.advance(2_000)
        await until(lambda: world.get_committed(Partition(RETRY, 0)) == 2)

    assert world.get_numbers(OUT) == [2, 1]
    assert world.notes.retried == [(1, 1), (1, 2)]
    assert not world.get_records(DEAD)


async def test_loop__record_comes_from_the_retry_topic__handler_sees_the_original(world: World) -> None:
    seen: list[Delivery] = []

    async def handle(delivery: Delivery) -> Sequence[Record]:
        seen.append(delivery)
        if len(seen) == 1:
            raise busy()
        return []

    world.broker.append(Record(IN, b"key", b"7", {"id": b"id", "traceparent": b"trace"}))
    async with world.running(handle):
        await until(lambda: len(world.get_records(RETRY)) == 1)
        world.clock.advance(1_000)
        await until(lambda: len(seen) == 2)

    assert seen[1] == seen[0]


async def test_loop__retries_used_up__becomes_a_dead_letter_with_its_cause(world: World) -> None:
    world.send(1)

    async with world.running(failing(lambda _: busy()), replace(SETTINGS, max_attempts=3)):
        for attempt in (1, 2):
            await until(partial(has_records, world, RETRY, attempt))
            world.clock.advance(SETTINGS.max_delay_ms)
        await until(lambda: len(world.get_records(DEAD)) == 1)

    [letter] = world.get_records(DEAD)
    assert letter.value == b"1"
    assert letter.headers[Header.REASON] == b"too_many_failures"
    assert letter.headers[Header.CAUSE] == b"evaluator_busy"
    assert letter.headers[Header.ATTEMPT] == b"3"
    assert (letter.headers[Header.SOURCE_TOPIC], letter.headers[Header.SOURCE_OFFSET]) == (IN.encode(), b"0")
    assert world.notes.dead == [(0, Reason.TOO_MANY_FAILURES)]


async def test_loop__put_back_records_fill_their_bound__new_records_are_still_handled(world: World) -> None:
    settings = replace(SETTINGS, max_put_back=2)
    world.send(*range(10))

    async with world.running(failing(lambda n: busy() if n < 5 else None), settings):
        await until(lambda: world.get_committed() == 10)
        world.send(10, 11)
        await until(lambda: world.get_committed() == 12)

    assert world.get_numbers(OUT) == [5, 6, 7, 8, 9, 10, 11]
    assert world.get_numbers(RETRY) == [0, 1, 2, 3, 4]


async def test_loop__invalid__becomes_a_dead_letter_at_once(world: World) -> None:
    world.send(1, 2)

    async with world.running(failing(lambda n: refused() if n == 1 else None)):
        await until(lambda: world.get_committed() == 2)

    [letter] = world.get_records(DEAD)
    assert (letter.key, letter.value) == (b"1", b"1")
    assert letter.headers[Header.REASON] == b"bad_signature"
    assert not world.get_records(RETRY)
    assert world.get_numbers(OUT) == [2]


async def test_loop__decompressed_record_is_over_the_limit__is_cut_and_dead_lettered_unhandled(world: World) -> None:
    gates = Gates()
    world.broker.append(Record(IN, b"k", bytes(MAX_KEPT_BYTES + 10)))

    async with world.running(gates.handle):
        await until(lambda: world.get_committed() == 1)

    [letter] = world.get_records(DEAD)
    assert letter.headers[Header.REASON] == b"oversize"
    assert letter.headers[Header.CUT_FROM] == str(MAX_KEPT_BYTES + 10).encode()
    assert letter.count_bytes() <= MAX_KEPT_BYTES + 4_096
    assert not gates.begun


@pytest.mark.parametrize("source", [b"", b"elsewhere.v1", b"\xff"])
async def test_loop__forged_record_in_the_retry_topic__is_given_up(world: World, source: bytes) -> None:
    headers: dict[str, bytes] = {
        Header.SOURCE_TOPIC: source,
        Header.SOURCE_PARTITION: b"0",
        Header.SOURCE_OFFSET: b"0",
        Header.ATTEMPT: b"2",
        Header.NOT_BEFORE: b"0",
    }
    world.broker.append(Record(RETRY, b"k", b"1", headers))

    async with world.running(handle_echo):
        await until(lambda: world.get_committed(Partition(RETRY, 0)) == 1)

    assert [letter.headers[Header.REASON] for letter in world.get_records(DEAD)] == [b"unparsable"]


async def test_loop__not_before_is_far_in_the_future__waits_no_longer_than_the_longest_delay(world: World) -> None:
    headers: dict[str, bytes] = {
        Header.SOURCE_TOPIC: IN.encode(),
        Header.SOURCE_PARTITION: b"0",
        Header.SOURCE_OFFSET: b"0",
        Header.ATTEMPT: b"2",
        Header.NOT_BEFORE: b"9" * 18,
    }
    world.broker.append(Record(RETRY, b"k", b"1", headers))

    async with world.running(handle_echo):
        await until(lambda: world.notes.polls > 3)
        world.clock.advance(SETTINGS.max_delay_ms)
        await until(lambda: world.get_numbers(OUT) == [1])


# Stopping because of a bug of our own


async def test_loop__handler_has_a_bug__raises_and_commits_only_what_is_before(world: World) -> None:
    world.send(0, 1, 2)

    with pytest.raises(ZeroDivisionError):
        await world.run_to_failure(failing(lambda n: ZeroDivisionError() if n == 1 else None))

    assert world.get_committed() == 1
    assert not world.get_records(DEAD)


async def test_loop__earlier_record_of_the_lane_hits_a_bug__later_one_is_not_begun(world: World) -> None:
    begun: list[int] = []

    async def handle(delivery: Delivery) -> Sequence[Record]:
        begun.append(number(delivery))
        raise ZeroDivisionError

    world.send(1, 2, key=b"same")
    with pytest.raises(ZeroDivisionError):
        await world.run_to_failure(handle)

    assert begun == [1]


async def test_loop__handler_ends_as_cancelled__raises(world: World) -> None:
    world.send(1)

    with pytest.raises(HandlerCancelledError):
        await world.run_to_failure(failing(lambda _: asyncio.CancelledError()))  # type: ignore[arg-type, return-value]

    assert world.get_committed() is None


async def test_loop__most_records_invalid__stops(world: World) -> None:
    world.send(*range(60))

    with pytest.raises(MostlyInvalidError, match="of the last"):
        await world.run_to_failure(failing(lambda n: refused() if n % 3 else None), replace(SETTINGS, max_in_flight=5))

    assert 10 <= len(world.get_records(DEAD)) <= 20


async def test_loop__half_of_the_records_invalid__continues(world: World) -> None:
    world.send(*range(60))

    async with world.running(failing(lambda n: refused() if n % 2 else None)):
        await until(lambda: world.get_committed() == 60)


async def test_loop__few_records_so_far__continues(world: World) -> None:
    world.send(*range(19))

    async with world.running(failing(lambda _: refused())):
        await until(lambda: world.get_committed() == 19)


async def test_loop__strangers_send_invalid_records__continues(world: World) -> None:
    world.send(*range(60))

    async with world.running(Route(failing(lambda _: refused()), has_foreign_writers=True)):
        await until(lambda: world.get_committed() == 60)

    # All name the same sender, which is none: its dead letters are bounded, and the rest is only counted.
    assert world.get_numbers(DEAD) == list(range(MAX_PER_SENDER))
    assert world.notes.dropped == list(range(MAX_PER_SENDER, 60))


# Flow and order


async def test_loop__is_full__takes_no_more_but_keeps_fetching(world: World) -> None:
    gates = Gates()
    world.send(*range(10))

    async with world.running(gates.handle, replace(SETTINGS, max_in_flight=3)):
        await until(lambda: len(gates.begun) == 3)
        await world.poll_some_more()
        assert gates.begun == [0, 1, 2]

        gates.open(*range(10))
        await until(lambda: world.get_committed() == 10)

    assert world.notes.most_open <= 3


async def test_loop__equal_keys__are_handled_one_after_the_other_in_order(world: World) -> None:
    gates = Gates()
    world.send(1, 2, 3, key=b"same")

    async with world.running(gates.handle):
        for value in (1, 2, 3):
            await until(partial(gates.has_begun, value))
            await world.poll_some_more()
            assert gates.begun == list(range(1, value + 1))
            gates.open(value)
        await until(lambda: world.get_committed() == 3)


async def test_loop__other_keys__run_at_once(world: World) -> None:
    gates = Gates()
    world.send(1, 2, 3)

    async with world.running(gates.handle):
        await until(lambda: gates.begun == [1, 2, 3])
        gates.open(1, 2, 3)


async def test_loop__no_lane__equal_keys_run_at_once(world: World) -> None:
    gates = Gates()
    world.send(1, 2, 3, key=b"same")

    async with world.running(Route(gates.handle, lane=no_lane)):
        await until(lambda: gates.begun == [1, 2, 3])
        gates.open(1, 2, 3)


# Draining and revoking


async def test_loop__stop__finishes_what_is_begun_and_begins_nothing(world: World) -> None:
    gates = Gates()
    stop = asyncio.Event()
    world.send(1, 2, key=b"same")

    async with world.consumer() as consumer:
        run = asyncio.create_task(world.build(consumer, gates.handle, replace(SETTINGS, drain_grace_s=5)).run(stop))
        await until(lambda: gates.begun == [1])
        stop.set()
        gates.open(1)
        await run

    assert gates.begun == [1]
    assert world.get_committed() == 1


async def test_loop__stop_while_a_record_waits_for_its_next_attempt__ends_at_once(world: World) -> None:
    world.send(1)

    async with asyncio.timeout(5), world.running(failing(lambda _: busy()), replace(SETTINGS, drain_grace_s=60)):
        await until(lambda: world.get_committed() == 1)

    assert world.get_committed(Partition(RETRY, 0)) is None


async def test_loop__handler_outlasts_the_drain__is_cancelled_and_uncommitted(world: World) -> None:
    gates = Gates()
    world.send(0, 1)

    async with world.running(gates.handle):
        await until(lambda: gates.begun == [0, 1])
        gates.open(0)
        await until(lambda: world.notes.handled == [0])

    assert world.get_committed() == 1
    assert world.get_numbers(OUT) == [0]


async def test_loop__run_is_cancelled__its_handlers_are_too(world: World) -> None:
    gates = Gates()
    world.send(1)

    async with world.consumer() as consumer:
        run = asyncio.create_task(world.build(consumer, gates.handle).run(asyncio.Event()))
        await until(lambda: gates.begun == [1])
        run.cancel()
        await asyncio.wait({run})

    assert run.cancelled()
    assert gates.cancelled == [1]
    assert world.get_committed() is None


async def test_loop__partitions_are_revoked__finishes_briefly_and_commits(world: World) -> None:
    gates = Gates()
    world.send(0, 1, 2)

    async with world.running(gates.handle):
        await until(lambda: gates.begun == [0, 1, 2])
        gates.open(0)
        await until(lambda: world.notes.handled == [0])
        async with world.consumer() as other:
            joined = world.get_committed()
            await until(lambda: bool(other.get_assignment()))
        gates.open(1, 2)
        await until(lambda: world.get_committed() == 3)

    assert joined == 1
    assert gates.begun in ([0, 1, 2, 1, 2], [0, 1, 2])  # twice only if the partition came back
    assert set(world.get_numbers(OUT)) == {0, 1, 2}


async def test_loop__work_ends_within_the_grace__is_committed_before_the_partition_leaves(world: World) -> None:
    gates = Gates()
    world.send(0)

    async with world.running(gates.handle, replace(SETTINGS, revoke_grace_s=5)):
        await until(lambda: gates.begun == [0])
        other = world.consumer()
        joining = asyncio.create_task(other.__aenter__())
        await asyncio.sleep(0)
        gates.open(0)
        await joining
        assert world.get_committed() == 1
        await other.crash()

    assert gates.begun == [0]


class RacingConsumer(MemoryConsumer):
    """Loses its partitions between the moment at which a fetch takes records and the loop's next step, as on Kafka."""

    def __init__(self, broker: MemoryBroker, race: Callable[[], Awaitable[None]]) -> None:
        super().__init__(broker, group=GROUP, topics=list_topics([IN], GROUP))
        self._race = race
        self._has_raced = False

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivery]:
        deliveries = await super().fetch(max_records=max_records, timeout_s=timeout_s)
        if deliveries and not self._has_raced:
            self._has_raced = True
            await self._race()
        return deliveries


@pytest.mark.parametrize("comes_back", [True, False])
async def test_loop__partitions_leave_between_fetch_and_handling__nothing_is_lost_or_begun_twice(
    world: World, comes_back: bool
) -> None:
    others: list[MemoryConsumer] = []
    seen: list[int] = []

    async def let_another_join() -> None:
        others.append(await world.consumer().__aenter__())
        if comes_back:
            await others[0].__aexit__(None, None, None)

    async def handle(delivery: Delivery) -> Sequence[Record]:
        seen.append(number(delivery))
        return []

    world.send(*range(5))
    stop = asyncio.Event()
    async with RacingConsumer(world.broker, let_another_join) as consumer:
        running = asyncio.create_task(world.build(consumer, handle).run(stop))
        await until(lambda: bool(others))
        await world.poll_some_more()
        if not comes_back:
            is_ours = ONLY in consumer.get_assignment()
            assert seen == (list(range(5)) if is_ours else [])
            await others[0].__aexit__(None, None, None)
        await until(lambda: world.get_committed() == 5)
        stop.set()
        await running
    assert seen == list(range(5))


async def test_loop__broker_refuses_one_partition__others_are_committed() -> None:
    broker = MemoryBroker()
    for name, partitions in ((IN, 2), (RETRY, 1), (DEAD, 1)):
        broker.create_topic(name, partitions=partitions)
    world = World(broker, FakeClock(), Notes())

    class Refusing(MemoryConsumer):
        async def commit(self, offsets: Mapping[Partition, int]) -> None:
            if Partition(IN, 0) in offsets:
                raise Retry(Reason.BUS_UNREACHABLE, "commit offsets")
            await super().commit(offsets)

    world.send(*range(8))
    stop = asyncio.Event()
    async with Refusing(broker, group=GROUP, topics=list_topics([IN], GROUP)) as consumer:
        running = asyncio.create_task(world.build(consumer, handle_echo_nothing).run(stop))
        end = len([one for one in broker.get_deliveries(IN) if one.partition == 1])
        assert end > 0
        await until(lambda: world.get_committed(Partition(IN, 1)) == end)
        stop.set()
        await running
    assert world.get_committed() is None


async def handle_echo_nothing(_delivery: Delivery) -> Sequence[Record]:
    return []


# Order within a lane


async def test_loop__earlier_record_of_the_lane_was_put_back__later_ones_follow_it(world: World) -> None:
    failures = {1: [busy(), busy()]}
    world.send(1, 2, 3, key=b"lane")
    world.send(4)

    async with world.running(failing(lambda n: failures[n].pop() if failures.get(n) else None)):
        await until(lambda: world.get_committed() == 4)
        assert world.get_numbers(OUT) == [4]
        await until(lambda: pass_time(world) and world.get_numbers(OUT) == [4, 1, 2, 3])

    assert not world.get_records(DEAD)


async def test_loop__restart_while_a_record_of_the_lane_waits__later_ones_stay_behind_it(world: World) -> None:
    world.send(1, key=b"lane")
    async with world.running(failing(lambda _: busy())):
        await until(lambda: world.get_committed() == 1)
    world.send(2, key=b"lane")

    async with world.running(handle_echo):
        await world.poll_some_more()
        assert world.get_numbers(OUT) == []
        await until(lambda: pass_time(world) and world.get_numbers(OUT) == [1, 2])


async def test_loop__record_of_the_lane_is_given_up__later_ones_go_on(world: World) -> None:
    world.send(1, 2, key=b"lane")
    settings = replace(SETTINGS, max_attempts=2)
    async with world.running(failing(lambda n: busy() if n == 1 else None), settings):
        await until(lambda: pass_time(world) and world.get_numbers(OUT) == [2])
    assert world.get_numbers(DEAD) == [1]


async def test_loop__too_early__is_put_back_without_counting_as_an_attempt(world: World) -> None:
    calls = 0

    def early(_number: int) -> Exception | None:
        nonlocal calls
        calls += 1
        return TooEarly(Reason.NO_SEED, "seed block is not there") if calls <= 5 else None

    world.send(1)
    async with world.running(failing(early), replace(SETTINGS, max_attempts=2)):
        await until(lambda: pass_time(world) and world.get_numbers(OUT) == [1])
    assert {record.headers[Header.ATTEMPT] for record in world.get_records(RETRY)} == {b"1"}


def pass_time(world: World) -> bool:
    world.clock.advance(1_000)
    return True


# Crashing anywhere


class CrashError(Exception):
    """Stands for the end of the process."""


class Fuse:
    """Crash before or after effect number n, and at every later effect."""

    def __init__(self, effects: int, *, is_after: bool) -> None:
        self.left = effects
        self._is_after = is_after

    async def burn(self, effect: Awaitable[None]) -> None:
        self.left -= 1
        if self.left >= 0 or (self.left == -1 and self._is_after):
            await effect
        elif asyncio.iscoroutine(effect):
            effect.close()
        if self.left < 0:
            raise CrashError


class FusedProducer:
    def __init__(self, producer: Producer, fuse: Fuse) -> None:
        self._producer = producer
        self._fuse = fuse

    async def send(self, records: Sequence[Record]) -> None:
        await self._fuse.burn(self._producer.send(records))


class FusedConsumer(MemoryConsumer):
    fuse: Fuse

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        await self.fuse.burn(super().commit(offsets))


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("effects", range(12))
async def test_loop__crash_at_any_effect__restart_loses_nothing(world: World, effects: int, is_after: bool) -> None:
    """Twelve records, some retried, some refused: the set of outputs is the same wherever the crash happens."""
    fuse = Fuse(effects, is_after=is_after)
    tried: set[int] = set()

    async def handle(delivery: Delivery) -> Sequence[Record]:
        if number(delivery) % 4 == 0 and number(delivery) not in tried:
            tried.add(number(delivery))
            raise busy()
        if number(delivery) % 4 == 1:
            raise refused()
        return [echo(delivery)]

    world.send(*range(12))
    crashing = FusedConsumer(world.broker, group=GROUP, topics=frozenset(list_topics([IN], GROUP)))
    crashing.fuse = fuse
    async with crashing, asyncio.timeout(10):
        loop = world.build(
            crashing,
            handle,
            replace(SETTINGS, max_in_flight=4, fetch_timeout_s=0.001),
            FusedProducer(world.broker.producer(), fuse),  # type: ignore[arg-type]  # opened elsewhere
        )
        with pytest.raises(CrashError):
            await loop.run(asyncio.Event())
        await crashing.crash()

    async with world.running(handle):
        await until(lambda: world.get_committed() == 12)
        world.clock.advance(SETTINGS.max_delay_ms)
        expected = {0, 2, 3, 4, 6, 7, 8, 10, 11}
        await until(lambda: set(world.get_numbers(OUT)) == expected)

    assert set(world.get_numbers(OUT)) == expected
    assert set(world.get_numbers(DEAD)) == {1, 5, 9}


def test_settings__records_larger_than_what_is_kept__are_refused() -> None:
    with pytest.raises(Invalid) as caught:
        MapLoopSettings(group=GROUP, max_record_bytes=MAX_KEPT_BYTES + 1)
    assert caught.value.reason is Reason.BAD_SETTING
