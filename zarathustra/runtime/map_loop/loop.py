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
- Records of one lane (by default: one topic and key) are handled one after the other, in the order of the bus. A record
  that is put back takes the later ones of its lane with it (`lanes`), also across a restart.
- Nothing of a partition is begun after the partition was revoked.
- Work in flight is bounded. At the bound the partitions are paused, but fetching continues: the member stays in its
  group, even if a handler waits for a long time.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

from zarathustra.bus.offsets import OffsetTracker
from zarathustra.bus.port import Consumer, Producer
from zarathustra.bus.records import Delivery, Partition
from zarathustra.bus.topics import group_topics
from zarathustra.core.errors import Retry
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.handling import Clock, Handling, Job, NotBegunError, wait_for_first
from zarathustra.runtime.map_loop.observer import LoopObserver, SilentObserver
from zarathustra.runtime.map_loop.routes import Routes, as_route

CANCEL_GRACE_S: Final = 5.0  # the loop does not wait longer for a handler that ignores its cancellation


class HandlerCancelledError(Exception):
    """A handler ended as cancelled although the loop did not cancel it. Unreported, its partition would stop moving."""


@dataclass(eq=False)
class _PartitionWork:
    """The records of one partition that are in flight."""

    partition: Partition
    tracker: OffsetTracker = field(default_factory=OffsetTracker)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    closing: asyncio.Event = field(default_factory=asyncio.Event)  # once set, no further record begins


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
        self._settings = settings
        self._clock = clock
        self._observer = observer or SilentObserver()
        self._topics = group_topics(settings.group)
        routes = {topic: as_route(handler) for topic, handler in handlers.items()}
        self._handling = Handling(producer, routes, settings, clock=clock, random=random, observer=self._observer)
        self._work: dict[Partition, _PartitionWork] = {}
        self._read_to_end: set[Partition] = set()  # of the retry topic, since they were assigned
        self._may_begin_lanes = asyncio.Event()
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
            await self._note_read_to_end()
            await self._commit(self._work.values())
            self._report()

    # Fetching records

    async def _fetch(self, stop: asyncio.Event) -> Sequence[Delivery]:
        """Fetch new records. Returns none if the loop has to end or the bus does not answer."""
        if min(self._get_room()) == 0:
            # Pausing discards the records that the client has fetched ahead, so first wait briefly for one to finish.
            self._progress.clear()
            ends = (self._progress.wait(), stop.wait(), self._wake.wait())
            await wait_for_first(*ends, timeout_s=self._settings.fetch_timeout_s)

        fetching = asyncio.ensure_future(
            self._consumer.fetch(max_records=self._adjust_flow(), timeout_s=self._settings.fetch_timeout_s)
        )
        await wait_for_first(fetching, stop.wait(), self._wake.wait())
        if not fetching.done():
            return ()

        try:
            deliveries = fetching.result()
        except Retry as error:
            self._observer.on_bus_error(error)
            await self._clock.sleep(self._settings.first_delay_ms / 1000)
            return ()
        return deliveries if self._consumer.is_fetch_current() else ()

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

    async def _note_read_to_end(self) -> None:
        """Let lanes begin once the records that were put back earlier are known: they come before all others."""
        put_back = {part for part in self._consumer.get_assignment() if part.topic == self._topics.retry}
        self._read_to_end &= put_back
        for partition in put_back - self._read_to_end:
            try:
                lag = await self._consumer.fetch_lag(partition)
            except Retry as error:
                self._observer.on_bus_error(error)
                break
            if lag == 0:
                self._read_to_end.add(partition)
        _fresh_room, put_back_room = self._get_room()
        if self._read_to_end == put_back or put_back_room == 0:  # at the bound, what is known has to be enough
            self._may_begin_lanes.set()
        else:
            self._may_begin_lanes.clear()

    # One record

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
            job = await self._handling.open(delivery)
            if job is not None:
                await self._process(work, job)
        except NotBegunError:
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

    async def _process(self, work: _PartitionWork, job: Job) -> None:
        """Handle one record in its turn; return when all its effects are acknowledged."""
        lane, lanes = job.lane, self._handling.lanes
        if lane is not None and job.is_put_back:
            lanes.open(lane, job.delivery, job.not_before_ms)
        try:
            if lane is not None:
                await wait_for_first(self._may_begin_lanes.wait(), work.closing.wait(), self._wake.wait())
            async with self._handling.in_turn(job, work.closing):
                # Checked last: an earlier record of this lane may have failed during the wait.
                if work.closing.is_set() or self._failures:
                    raise NotBegunError
                await self._handling.attempt(job)
        finally:
            if lane is not None and job.is_put_back:
                lanes.close(lane, job.delivery)

    def _fail(self, error: Exception) -> None:
        self._failures.append(error)
        self._wake.set()

    # Releasing partitions

    async def _on_revoke(self, partitions: frozenset[Partition]) -> None:
        """Let records finish briefly, cancel the rest, commit and forget: another member owns the partitions next."""
        self._read_to_end.clear()
        self._may_begin_lanes.clear()
        self._handling.lanes.forget_announced()
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
        owned = self._consumer.get_assignment()
        moved = [
            (part, offset)
            for part in work
            if (offset := part.tracker.get_uncommitted()) is not None and part.partition in owned
        ]
        # If the broker refuses them together, each is tried alone: one that it refuses must not hold up the others.
        if moved and not await self._commit_together(moved) and len(moved) > 1:
            await asyncio.gather(*(self._commit_together([one]) for one in moved))

    async def _commit_together(self, moved: Sequence[tuple[_PartitionWork, int]]) -> bool:
        try:
            await self._consumer.commit({part.partition: offset for part, offset in moved})
        except Retry as error:
            self._observer.on_bus_error(error)
            return False
        for part, offset in moved:
            part.tracker.mark_committed(offset)
        return True

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
