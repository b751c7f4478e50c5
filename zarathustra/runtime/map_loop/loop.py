"""The one loop of every service but the aggregator: records in, a handler, records out.

It alone retries, gives up, traces and commits, so a handler is only `(delivery) → records`:

    fetch ─▶ handle ─▶ produce and flush ─▶ commit the contiguous finished prefix
                │
                ├─ Retry ──▶ <group>.retry.v1, handled again after a growing delay, at last <group>.dlq.v1
                ├─ Invalid ─▶ <group>.dlq.v1 at once
                └─ anything else ─▶ the loop stops and raises: a bug of ours

Guarantees
- At least once: an offset is committed after all effects of its record, and of all before it, are acknowledged.
  A crash at any point repeats work and loses none.
- Records of one lane (by default: one topic and key) are handled one after the other, in the bus's order, also
  across retries that fall due. A record that was put back is overtaken by its younger siblings.
- Work in flight is bounded. While it is full the partitions are paused and fetching goes on, so that the member
  stays in its group however long a handler waits.
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

CANCEL_GRACE_S: Final = 5.0  # a handler that ignores its cancellation for longer is left behind


@dataclass(frozen=True)
class Clock:
    """Time as the loop sees it: milliseconds since the epoch, and waiting."""

    now_ms: Callable[[], int]
    sleep: Callable[[float], Coroutine[Any, Any, None]]  # seconds


class MostlyInvalidError(Exception):
    """Most of the recent records were refused: we read them wrongly. Stop before all become dead letters."""


class HandlerCancelledError(Exception):
    """A handler ended as cancelled though nobody cancelled it; without this its partition would stand still."""


@dataclass(eq=False)
class _PartitionWork:
    """What is in flight of one partition."""

    partition: Partition
    tracker: OffsetTracker = field(default_factory=OffsetTracker)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    closing: asyncio.Event = field(default_factory=asyncio.Event)  # begin nothing more


@dataclass(frozen=True)
class _Job:
    """One attempt at one record. `delivery` is the original one, also when it came through the retry topic."""

    delivery: Delivery
    attempt: int
    not_before_ms: int
    route: Route


class _NotBegunError(Exception):
    """The record was not begun: its partition is closing. It stays uncommitted and comes again."""


class MapLoop:
    """Runs handlers until told to stop. The caller opens and closes `consumer` and `producer`.

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
        self._recent = deque[bool](maxlen=settings.invalid_window)  # True: refused
        self._failures: list[Exception] = []
        self._progress = asyncio.Event()  # a record is finished
        self._wake = asyncio.Event()  # a handler failed

    async def run(self, stop: asyncio.Event) -> None:
        """Handle records until `stop`; then finish what is begun, commit and return.

        Raises what a handler raised (other than Retry and Invalid), MostlyInvalidError, and what the consumer or
        producer raise that time does not heal; the finished prefix is committed even then. Run it once.
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

    # Taking records in

    async def _fetch(self, stop: asyncio.Event) -> Sequence[Delivery]:
        """New records; none when the loop is to end first or the bus does not answer."""
        if min(self._get_room()) == 0:
            # Pausing throws away what the client has fetched ahead, so first see whether something finishes.
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
        """Pause what is full, resume what is not; return how many records may be fetched.

        Records that wait for their next attempt have a bound of their own: while the infrastructure of some is
        broken, all others go on.
        """
        assignment = self._consumer.get_assignment()
        put_back = frozenset(part for part in assignment if part.topic == self._topics.retry)
        rooms = self._get_room()

        for partitions, room in zip((assignment - put_back, put_back), rooms, strict=True):
            (self._consumer.resume if room else self._consumer.pause)(partitions)
        return min((room for room in rooms if room), default=1)

    def _get_room(self) -> tuple[int, int]:
        """How many more fresh records, and how many more that were put back, may be in flight."""
        return (
            max(0, self._settings.max_open - self._count_open(is_put_back=False)),
            max(0, self._settings.max_put_back - self._count_open(is_put_back=True)),
        )

    def _count_open(self, *, is_put_back: bool) -> int:
        return sum(
            work.tracker.count_open()
            for partition, work in self._work.items()
            if (partition.topic == self._topics.retry) == is_put_back
        )

    def _open(self, delivery: Delivery) -> None:
        """Begin with a record: from here on it is in flight until its effects are acknowledged."""
        partition = delivery.get_partition()
        work = self._work.setdefault(partition, _PartitionWork(partition))
        work.tracker.start(delivery.offset)
        task = asyncio.create_task(self._carry(work, delivery))
        work.tasks.add(task)
        task.add_done_callback(work.tasks.discard)

    async def _carry(self, work: _PartitionWork, delivery: Delivery) -> None:
        """Process a record and book how that ended. The one place that catches everything."""
        try:
            await self._process(work, delivery)
        except _NotBegunError:
            return
        except asyncio.CancelledError:
            if not work.closing.is_set():
                self._fail(HandlerCancelledError(f"handler of {delivery.record.topic} was cancelled"))
            raise
        except Exception as error:  # noqa: BLE001  (a bug of ours: the loop ends and raises it)
            self._fail(error)
        else:
            work.tracker.finish(delivery.offset)
            self._progress.set()

    def _fail(self, error: Exception) -> None:
        self._failures.append(error)
        self._wake.set()

    # One record

    async def _process(self, work: _PartitionWork, delivery: Delivery) -> None:
        """Do everything one record asks for; return when all of it is acknowledged."""
        try:
            job = self._read(delivery)
        except Invalid as error:
            await self._give_up(delivery, error, attempt=1, route=None)
            return

        await self._wait_until(work, job.not_before_ms)
        lane = job.route.lane(job.delivery)
        async with nullcontext() if lane is None else self._get_lane(job.delivery.record.topic, lane):
            # Checked last: an elder of this lane may have failed while we waited.
            if work.closing.is_set() or self._failures:
                raise _NotBegunError
            await self._attempt(job)

    def _read(self, delivery: Delivery) -> _Job:
        """What to do with a delivery. Raises Invalid for what no handler may see."""
        size = delivery.record.count_bytes()
        if delivery.record.topic == self._topics.retry:
            put_back = parse_put_back(delivery)
            route = self._routes.get(put_back.delivery.record.topic)
            if route is None:
                raise Invalid(Reason.UNPARSABLE, "no handler for topic", topic=put_back.delivery.record.topic)
            return _Job(put_back.delivery, put_back.attempt, put_back.not_before_ms, route)

        if size > self._settings.max_record_bytes:
            raise Invalid(Reason.OVERSIZE, "record", size=size, limit=self._settings.max_record_bytes)
        return _Job(delivery, 1, 0, self._routes[delivery.record.topic])

    async def _wait_until(self, work: _PartitionWork, time_ms: int) -> None:
        delay_ms = min(time_ms - self._clock.now_ms(), self._settings.max_delay_ms)
        if delay_ms > 0:
            await _wait_for_first(self._clock.sleep(delay_ms / 1000), work.closing.wait())

    def _get_lane(self, topic: str, lane: bytes) -> asyncio.Lock:
        """A lock serves its waiters in order, and lives as long as one of them holds it."""
        return self._lanes.setdefault((topic, lane), asyncio.Lock())

    async def _attempt(self, job: _Job) -> None:
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

    async def _put_back(self, job: _Job, error: Retry) -> None:
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
        """Send until acknowledged. The handler is not asked again: its work is done, only the bus is away."""
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
        """Doubling, with the last half random: replicas that failed together do not come back together."""
        longest = min(self._settings.first_delay_ms << min(attempt - 1, 30), self._settings.max_delay_ms)
        return longest - self._random.randrange(longest // 2 + 1)

    def _note_validity(self, route: Route, *, is_invalid: bool) -> None:
        """Fail when our own producers' records keep being refused."""
        if route.is_open_to_strangers:
            return

        self._recent.append(is_invalid)
        count, invalid = len(self._recent), sum(self._recent)
        if count >= self._settings.invalid_minimum and invalid * 100 > count * self._settings.invalid_percent:
            self._fail(MostlyInvalidError(f"{invalid} of the last {count} records are invalid"))

    # Letting go

    async def _on_revoke(self, partitions: frozenset[Partition]) -> None:
        """Finish briefly, cancel, commit, forget: another member owns them next."""
        work = [self._work[part] for part in partitions if part in self._work]
        await self._release(work, self._settings.revoke_grace_s)
        for partition in partitions:
            self._work.pop(partition, None)

    async def _release(self, work: Sequence[_PartitionWork], grace_s: float) -> None:
        """Let begun records finish within `grace_s`, cancel the rest, commit the finished prefix."""
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
        """Store how far each partition is done. A failure costs only repetition: the next one covers it."""
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
        self._observer.on_open(self._count_open(is_put_back=False), self._count_open(is_put_back=True))


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    pending = {task for task in tasks if not task.done()}
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending, timeout=CANCEL_GRACE_S)


async def _wait_for_first(
    *waits: Coroutine[Any, Any, Any] | asyncio.Future[Any], timeout_s: float | None = None
) -> None:
    """Return when one of them has ended, however it ended, or after `timeout_s`; cancel the others."""
    futures = {asyncio.ensure_future(wait) for wait in waits}
    try:
        await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in futures:
            future.cancel()
