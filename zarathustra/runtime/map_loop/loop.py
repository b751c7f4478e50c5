"""The loop of the services that map records to records.

Only the loop retries, dead-letters, traces and commits, so a handler is just `(delivery) → records`:

    fetch ─▶ handle ─▶ produce and flush ─▶ commit the contiguous finished prefix
                │
                ├─ Retry ──▶ <group>.retry.v1, handled again after a growing delay; after the last one <group>.dlq.v1
                ├─ Invalid ─▶ <group>.dlq.v1 at once
                └─ any other error ─▶ the loop stops and raises: a bug in our code

Guarantees
- At least once: an offset is committed after all effects of its record, and of all records before it, are
  acknowledged. A crash at any point repeats work and loses none.
- Records of one lane (by default: one topic and key) are handled one after the other, in the order of the bus. This
  includes retries that are due; but later records of the lane overtake a record that was put back.
- Work in flight is bounded. At the bound the partitions are paused, but fetching continues: the member stays in its
  group, even if a handler waits for a long time.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from weakref import WeakValueDictionary

from zarathustra.bus.dead_letters import build_dead_letter, build_retry, parse_put_back
from zarathustra.bus.offsets import OffsetTracker
from zarathustra.bus.port import Consumer, Producer
from zarathustra.bus.records import Delivery, Partition, Record
from zarathustra.bus.topics import group_topics
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.observer import LoopObserver, SilentObserver
from zarathustra.runtime.map_loop.routes import Route, Routes, as_route

CANCEL_GRACE_S: Final = 5.0  # the loop does not wait longer for a handler that ignores its cancellation


@dataclass(frozen=True)
class Clock:
    """The loop's source of time: milliseconds since the epoch, and sleep."""

    now_ms: Callable[[], int]
    sleep: Callable[[float], Coroutine[Any, Any, None]]  # seconds


class MostlyInvalidError(Exception):
    """Most recent records were invalid: our code probably reads them wrongly. Stop before all become dead letters."""


class HandlerCancelledError(Exception):
    """A handler ended as cancelled although the loop did not cancel it. Unreported, its partition would stop moving."""


@dataclass(eq=False)
class _PartitionWork:
    """The records of one partition that are in flight."""

    partition: Partition
    tracker: OffsetTracker = field(default_factory=OffsetTracker)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    closing: asyncio.Event = field(default_factory=asyncio.Event)  # once set, no further record begins


@dataclass(frozen=True)
class _Handling:
    """One delivery attempt of a record. `delivery` is the original one, also if the record was put back."""

    delivery: Delivery
    attempt: int
    not_before_ms: int
    route: Route


class _NotBegunError(Exception):
    """The record was not begun, because its partition closes or the loop fails. It stays uncommitted and returns."""


class MapLoop:
    """Runs handlers until it is told to stop. The caller opens and closes `consumer` and `producer`.

    `consumer` must be subscribed to `list_topics(handlers, group)`.
    """

    def __init__(
        self,
        consumer: Consumer,
        producer: Producer,
        handlers: Routes,
        settings: MapLoopSettings,
        *,
        clock: Clock,
        random: Random,
        observer: LoopObserver | None = None,
    ) -> None:
        self._consumer = consumer
        self._producer = producer
        self._routes = {topic: as_route(handler) for topic, handler in handlers.items()}
        self._settings = settings
        self._clock = clock
        self._random = random
        self._observer = observer or SilentObserver()
        self._topics = group_topics(settings.group)
        self._work: dict[Partition, _PartitionWork] = {}
        self._lanes: WeakValueDictionary[tuple[str, bytes], asyncio.Lock] = WeakValueDictionary()
        self._recent = deque[bool](maxlen=settings.invalid_window)  # True: invalid
        self._failures: list[Exception] = []
        self._progress = asyncio.Event()  # a record is finished
        self._wake = asyncio.Event()  # a handler failed

    async def run(self, stop: asyncio.Event) -> None:
        """Handle records until `stop` is set, then finish the records that have begun, commit and return.

        Raises a handler's error (other than Retry and Invalid), HandlerCancelledError, MostlyInvalidError, or an error
        of the producer or consumer other than Retry. If a record's task raised it, the finished prefix is committed
        first. Call it once.
        """
        self._consumer.on_revoke(self._on_revoke)
        try:
            await self._run_until(stop)
            grace_s = self._settings.revoke_grace_s if self._failures else self._settings.drain_grace_s
            await self._release(list(self._work.values()), grace_s)
        finally:
            await self._cancel_all()
        if self._failures:
            raise self._failures[0]

    async def _run_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set() and not self._failures:
            for delivery in await self._fetch(stop):
                self._open(delivery)
            await self._commit(self._work.values())
            self._report()

    # Fetching records

    async def _fetch(self, stop: asyncio.Event) -> Sequence[Delivery]:
        """Fetch new records. Returns none if the loop has to end or the bus does not answer."""
        if min(self._get_room()) == 0:
            # Pausing discards the records that the client has fetched ahead, so first wait briefly for one to finish.
            self._progress.clear()
            ends = (self._progress.wait(), stop.wait(), self._wake.wait())
            await _wait_for_first(*ends, timeout_s=self._settings.fetch_timeout_s)

        fetching = asyncio.ensure_future(
            self._consumer.fetch(max_records=self._adjust_flow(), timeout_s=self._settings.fetch_timeout_s)
        )
        await _wait_for_first(fetching, stop.wait(), self._wake.wait())
        if not fetching.done():
            return ()

        try:
            return fetching.result()
        except Retry as error:
            self._observer.on_bus_error(error)
            await self._clock.sleep(self._settings.first_delay_ms / 1000)
            return ()

    def _adjust_flow(self) -> int:
        """Pause the partitions whose bound is reached, resume the others. Return how many records may be fetched.

        Records that were put back have a separate bound: while they wait for broken infrastructure, fresh records
        continue.
        """
        assignment = self._consumer.get_assignment()
        put_back = frozenset(part for part in assignment if part.topic == self._topics.retry)
        rooms = self._get_room()

        for partitions, room in zip((assignment - put_back, put_back), rooms, strict=True):
            (self._consumer.resume if room else self._consumer.pause)(partitions)
        return min((room for room in rooms if room), default=1)

    def _get_room(self) -> tuple[int, int]:
        """Return how many more fresh records, and how many more that were put back, may be in flight."""
        return (
            max(0, self._settings.max_in_flight - self._count_in_flight(is_put_back=False)),
            max(0, self._settings.max_put_back - self._count_in_flight(is_put_back=True)),
        )

    def _count_in_flight(self, *, is_put_back: bool) -> int:
        return sum(
            work.tracker.count_in_flight()
            for partition, work in self._work.items()
            if (partition.topic == self._topics.retry) == is_put_back
        )

    def _open(self, delivery: Delivery) -> None:
        """Start a record's task. The record is then in flight until its effects are acknowledged."""
        partition = delivery.get_partition()
        work = self._work.setdefault(partition, _PartitionWork(partition))
        work.tracker.start(delivery.offset)
        task = asyncio.create_task(self._carry(work, delivery))
        work.tasks.add(task)
        task.add_done_callback(work.tasks.discard)

    async def _carry(self, work: _PartitionWork, delivery: Delivery) -> None:
        """Process a record and note how it ended. Only this method catches every exception."""
        try:
            await self._process(work, delivery)
        except _NotBegunError:
            return
        except asyncio.CancelledError:
            if not work.closing.is_set():
                self._fail(HandlerCancelledError(f"handler of {delivery.record.topic} was cancelled"))
            raise
        except Exception as error:  # noqa: BLE001  (a bug in our code: the loop ends and raises it)
            self._fail(error)
        else:
            work.tracker.finish(delivery.offset)
            self._progress.set()

    def _fail(self, error: Exception) -> None:
        self._failures.append(error)
        self._wake.set()

    # One record

    async def _process(self, work: _PartitionWork, delivery: Delivery) -> None:
        """Handle one record; return when all its effects are acknowledged."""
        try:
            job = self._read(delivery)
        except Invalid as error:
            await self._give_up(delivery, error, attempt=1, route=None)
            return

        await self._wait_until(work, job.not_before_ms)
        lane = job.route.lane(job.delivery)
        async with nullcontext() if lane is None else self._get_lane(job.delivery.record.topic, lane):
            # Checked last: an earlier record of this lane may have failed during the wait.
            if work.closing.is_set() or self._failures:
                raise _NotBegunError
            await self._attempt(job)

    def _read(self, delivery: Delivery) -> _Handling:
        """Return the delivery attempt to make. Raises Invalid for a record that no handler may see."""
        size = delivery.record.count_bytes()
        if delivery.record.topic == self._topics.retry:
            put_back = parse_put_back(delivery)
            route = self._routes.get(put_back.delivery.record.topic)
            if route is None:
                raise Invalid(Reason.UNPARSABLE, "no handler for topic", topic=put_back.delivery.record.topic)
            return _Handling(put_back.delivery, put_back.attempt, put_back.not_before_ms, route)

        if size > self._settings.max_record_bytes:
            raise Invalid(Reason.OVERSIZE, "record", size=size, limit=self._settings.max_record_bytes)
        return _Handling(delivery, 1, 0, self._routes[delivery.record.topic])

    async def _wait_until(self, work: _PartitionWork, time_ms: int) -> None:
        delay_ms = min(time_ms - self._clock.now_ms(), self._settings.max_delay_ms)
        if delay_ms > 0:
            await _wait_for_first(self._clock.sleep(delay_ms / 1000), work.closing.wait())

    def _get_lane(self, topic: str, lane: bytes) -> asyncio.Lock:
        """Return the lane's lock. It serves its waiters in order, and exists while a record holds or awaits it."""
        return self._lanes.setdefault((topic, lane), asyncio.Lock())

    async def _attempt(self, job: _Handling) -> None:
        try:
            with self._observer.around(job.delivery):
                produced = await job.route.handle(job.delivery)
            await self._publish(produced)
        except Retry as error:
            await self._put_back(job, error)
        except Invalid as error:
            await self._give_up(job.delivery, error, attempt=job.attempt, route=job.route)
        else:
            self._observer.on_handled(job.delivery, len(produced))
            self._note_validity(job.route, is_invalid=False)

    async def _put_back(self, job: _Handling, error: Retry) -> None:
        if job.attempt >= self._settings.max_attempts:
            letter = build_dead_letter(
                job.delivery,
                error,
                topic=self._topics.dead_letters,
                attempt=job.attempt,
                reason=Reason.TOO_MANY_FAILURES,
            )
            await self._publish([letter])
            self._observer.on_dead_lettered(job.delivery, Reason.TOO_MANY_FAILURES, error)
            return

        not_before_ms = self._clock.now_ms() + self._compute_delay_ms(job.attempt)
        attempt = job.attempt + 1
        record = build_retry(
            job.delivery, error, topic=self._topics.retry, attempt=attempt, not_before_ms=not_before_ms
        )
        await self._publish([record])
        self._observer.on_retried(job.delivery, error, job.attempt)

    async def _give_up(self, delivery: Delivery, error: Invalid, *, attempt: int, route: Route | None) -> None:
        letter = build_dead_letter(delivery, error, topic=self._topics.dead_letters, attempt=attempt)
        await self._publish([letter])
        self._observer.on_dead_lettered(delivery, error.reason, error)
        if route is not None:
            self._note_validity(route, is_invalid=True)

    async def _publish(self, records: Sequence[Record]) -> None:
        """Send until acknowledged. The handler is not called again: it has finished, only the bus does not answer."""
        tries = 0
        while records:
            try:
                await self._producer.send(records)
            except Retry as error:
                tries += 1
                self._observer.on_bus_error(error)
                await self._clock.sleep(self._compute_delay_ms(tries) / 1000)
            else:
                return

    def _compute_delay_ms(self, attempt: int) -> int:
        """Return a delay that doubles with each attempt. Its last half is random: replicas must not retry together."""
        longest = min(self._settings.first_delay_ms << min(attempt - 1, 30), self._settings.max_delay_ms)
        return longest - self._random.randrange(longest // 2 + 1)

    def _note_validity(self, route: Route, *, is_invalid: bool) -> None:
        """Fail when too many records are invalid, not counting topics that strangers write."""
        if route.has_foreign_writers:
            return

        self._recent.append(is_invalid)
        count, invalid = len(self._recent), sum(self._recent)
        if count >= self._settings.invalid_minimum and invalid * 100 > count * self._settings.invalid_percent:
            self._fail(MostlyInvalidError(f"{invalid} of the last {count} records are invalid"))

    # Releasing partitions

    async def _on_revoke(self, partitions: frozenset[Partition]) -> None:
        """Let records finish briefly, cancel the rest, commit and forget: another member owns the partitions next."""
        work = [self._work[part] for part in partitions if part in self._work]
        await self._release(work, self._settings.revoke_grace_s)
        for partition in partitions:
            self._work.pop(partition, None)

    async def _release(self, work: Sequence[_PartitionWork], grace_s: float) -> None:
        """Let records that have begun finish within `grace_s`, cancel the rest, commit the finished prefix."""
        for part in work:
            part.closing.set()
        tasks = {task for part in work for task in part.tasks}
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        await _cancel(tasks)
        await self._commit(work)

    async def _cancel_all(self) -> None:
        for part in self._work.values():
            part.closing.set()
        await _cancel({task for part in self._work.values() for task in part.tasks})

    async def _commit(self, work: Iterable[_PartitionWork]) -> None:
        """Commit the finished prefix of each partition. After a failure the next commit covers it."""
        moved = [(part, offset) for part in work if (offset := part.tracker.get_uncommitted()) is not None]
        if not moved:
            return

        try:
            await self._consumer.commit({part.partition: offset for part, offset in moved})
        except Retry as error:
            self._observer.on_bus_error(error)
            return
        for part, offset in moved:
            part.tracker.mark_committed(offset)

    def _report(self) -> None:
        for partition in self._consumer.get_assignment():
            lag = self._consumer.get_lag(partition)
            if lag is not None:
                self._observer.on_lag(partition, lag)
        self._observer.on_in_flight(self._count_in_flight(is_put_back=False), self._count_in_flight(is_put_back=True))


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    pending = {task for task in tasks if not task.done()}
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending, timeout=CANCEL_GRACE_S)


async def _wait_for_first(
    *waits: Coroutine[Any, Any, Any] | asyncio.Future[Any], timeout_s: float | None = None
) -> None:
    """Return when one of `waits` has ended, even with an error, or after `timeout_s`. Cancel the others."""
    futures = {asyncio.ensure_future(wait) for wait in waits}
    try:
        await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in futures:
            future.cancel()
