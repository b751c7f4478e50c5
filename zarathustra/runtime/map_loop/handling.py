"""One record of the map loop: handle it, publish its effects, put it back, or give it up."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from zarathustra.bus.dead_letters import build_dead_letter, build_retry, parse_put_back
from zarathustra.bus.port import Producer
from zarathustra.bus.records import Delivery, Header, Record
from zarathustra.bus.topics import group_topics
from zarathustra.core.errors import Invalid, Retry, TooEarly
from zarathustra.core.reasons import Reason
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.lanes import LaneKey, Lanes
from zarathustra.runtime.map_loop.letters import LetterQuota
from zarathustra.runtime.map_loop.observer import LoopObserver
from zarathustra.runtime.map_loop.routes import Route


@dataclass(frozen=True)
class Clock:
    """The loop's source of time: milliseconds since the epoch, and sleep."""

    now_ms: Callable[[], int]
    sleep: Callable[[float], Coroutine[Any, Any, None]]  # seconds


class MostlyInvalidError(Exception):
    """Most recent records were invalid: our code probably reads them wrongly. Stop before all become dead letters."""


class NotBegunError(Exception):
    """The record was not begun, because its partition closes or the loop fails. It stays uncommitted and returns."""


@dataclass(frozen=True)
class Job:
    """One delivery attempt of a record. `delivery` is the original one, also if the record was put back."""

    delivery: Delivery
    attempt: int
    not_before_ms: int
    route: Route
    lane: LaneKey | None
    is_put_back: bool


class Handling:
    """What happens to a record. The loop decides when, and commits."""

    def __init__(
        self,
        producer: Producer,
        routes: dict[str, Route],
        settings: MapLoopSettings,
        *,
        clock: Clock,
        random: Random,
        observer: LoopObserver,
    ) -> None:
        self._producer = producer
        self._routes = routes
        self._settings = settings
        self._clock = clock
        self._random = random
        self._observer = observer
        self._topics = group_topics(settings.group)
        self._letters = LetterQuota()
        self._recent = deque[bool](maxlen=settings.invalid_window)  # True: invalid
        self.lanes = Lanes(clock.now_ms, patience_ms=settings.max_delay_ms)

    async def open(self, delivery: Delivery) -> Job | None:
        """Return what to do with a record, or None if that is done: no handler may see it, so it is given up."""
        try:
            job = self._read(delivery)
        except Invalid as error:
            await self._give_up(delivery, error, attempt=1, route=self._routes.get(delivery.record.topic))
            return None
        return job

    @asynccontextmanager
    async def in_turn(self, job: Job, closing: asyncio.Event) -> AsyncIterator[None]:
        """Enter when the record's time has come and the earlier records of its lane are done, or on `closing`."""
        lane = job.lane
        if lane is None:
            await self._wait_until(job.not_before_ms, closing)
            yield
            return
        # A put-back record takes its place in the lane before it waits, so that those behind it wait too.
        async with self.lanes.get_lock(lane, is_put_back=job.is_put_back):
            await self._wait_until(job.not_before_ms, closing)
            yield

    async def attempt(self, job: Job) -> None:
        """Handle the record; return when all its effects are acknowledged.

        Raises MostlyInvalidError, and every error of the handler that is neither Retry nor Invalid: a bug.
        """
        due_ms = None if job.lane is None else self.lanes.find_earlier(job.lane, job.delivery)
        if due_ms is not None:
            error = TooEarly(Reason.EARLIER_RECORD_WAITS, "an earlier record of the lane was put back")
            await self._put_back(job, error, attempt=job.attempt, not_before_ms=due_ms)
            return
        try:
            with self._observer.around(job.delivery):
                produced = await job.route.handle(job.delivery)
            await self._publish(produced)
        except TooEarly as error:
            not_before_ms = self._clock.now_ms() + self._compute_delay_ms(1)
            await self._put_back(job, error, attempt=job.attempt, not_before_ms=not_before_ms)
        except Retry as error:
            await self._try_later(job, error)
        except Invalid as error:
            await self._give_up(job.delivery, error, attempt=job.attempt, route=job.route)
        else:
            self._observer.on_handled(job.delivery, len(produced))
            self._note_validity(job.route, is_invalid=False)

    def _read(self, delivery: Delivery) -> Job:
        """Return the delivery attempt to make. Raises Invalid for a record that no handler may see."""
        size = delivery.record.count_bytes()
        if delivery.record.topic == self._topics.retry:
            put_back = parse_put_back(delivery)
            route = self._routes.get(put_back.delivery.record.topic)
            if route is None:
                raise Invalid(Reason.UNPARSABLE, "no handler for topic", topic=put_back.delivery.record.topic)
            lane = _find_lane(route, put_back.delivery)
            return Job(put_back.delivery, put_back.attempt, put_back.not_before_ms, route, lane, is_put_back=True)

        if size > self._settings.max_record_bytes:
            raise Invalid(Reason.OVERSIZE, "record", size=size, limit=self._settings.max_record_bytes)
        route = self._routes[delivery.record.topic]
        return Job(delivery, 1, 0, route, _find_lane(route, delivery), is_put_back=False)

    async def _wait_until(self, time_ms: int, closing: asyncio.Event) -> None:
        delay_ms = min(time_ms - self._clock.now_ms(), self._settings.max_delay_ms)
        if delay_ms > 0:
            await wait_for_first(self._clock.sleep(delay_ms / 1000), closing.wait())

    async def _try_later(self, job: Job, error: Retry) -> None:
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
        await self._put_back(job, error, attempt=job.attempt + 1, not_before_ms=not_before_ms)

    async def _put_back(self, job: Job, error: Retry, *, attempt: int, not_before_ms: int) -> None:
        record = build_retry(
            job.delivery, error, topic=self._topics.retry, attempt=attempt, not_before_ms=not_before_ms
        )
        if job.lane is not None:
            self.lanes.announce(job.lane, job.delivery, not_before_ms)
        await self._publish([record])
        self._observer.on_retried(job.delivery, error, job.attempt)

    async def _give_up(self, delivery: Delivery, error: Invalid, *, attempt: int, route: Route | None) -> None:
        sender = delivery.record.headers.get(Header.OPERATOR, b"")
        if route is not None and route.has_foreign_writers and not self._letters.admit(sender, self._clock.now_ms()):
            self._observer.on_dropped(delivery, error.reason)
            return
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
        """Raise MostlyInvalidError when too many records are invalid, not counting topics that strangers write."""
        if route.has_foreign_writers:
            return

        self._recent.append(is_invalid)
        count, invalid = len(self._recent), sum(self._recent)
        if count >= self._settings.invalid_minimum and invalid * 100 > count * self._settings.invalid_percent:
            raise MostlyInvalidError(f"{invalid} of the last {count} records are invalid")


def _find_lane(route: Route, delivery: Delivery) -> LaneKey | None:
    lane = route.lane(delivery)
    return None if lane is None else (delivery.record.topic, lane)


async def wait_for_first(
    *waits: Coroutine[Any, Any, Any] | asyncio.Future[Any], timeout_s: float | None = None
) -> None:
    """Return when one of `waits` has ended, even with an error, or after `timeout_s`. Cancel the others."""
    futures = {asyncio.ensure_future(wait) for wait in waits}
    try:
        await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in futures:
            future.cancel()
