"""Order within a lane: no record overtakes an earlier one that waits on the retry topic.

A record that fails goes to the retry topic. From then on the later records of its lane follow it there, unhandled,
until none of them is left. So the retry topic holds them in their order, also after a crash.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from zarathustra.bus.records import Delivery

LaneKey = tuple[str, bytes]  # the source topic, and what `Route.lane` returned
Place = tuple[int, int]  # the partition and offset of the original record


@dataclass
class _Waiting:
    """The records of one lane that were put back and are not finished, each with the time of its next attempt in ms."""

    announced: dict[Place, int] = field(default_factory=dict)  # published, not yet delivered again
    opened: dict[Place, int] = field(default_factory=dict)


class Lanes:
    """The locks of all lanes, and the records that wait in each."""

    def __init__(self, now_ms: Callable[[], int], *, patience_ms: int) -> None:
        """An announced record that does not come back within `patience_ms` after its time blocks its lane no longer.

        It comes to another member then, because the retry topic has another number of partitions than its source.
        """
        self._now_ms = now_ms
        self._patience_ms = patience_ms
        self._locks: WeakValueDictionary[tuple[LaneKey, bool], asyncio.Lock] = WeakValueDictionary()
        self._waiting: dict[LaneKey, _Waiting] = {}

    def get_lock(self, lane: LaneKey, *, is_put_back: bool) -> asyncio.Lock:
        """Return the lock of the lane's fresh or put-back records. It serves its waiters in order."""
        return self._locks.setdefault((lane, is_put_back), asyncio.Lock())

    def find_earlier(self, lane: LaneKey, delivery: Delivery) -> int | None:
        """Return when the last of the earlier records that wait is handled next, in ms; None if none waits."""
        waiting = self._waiting.get(lane)
        if waiting is None:
            return None
        oldest_ms = self._now_ms() - self._patience_ms
        waiting.announced = {place: due_ms for place, due_ms in waiting.announced.items() if due_ms > oldest_ms}
        all_waiting = waiting.announced | waiting.opened
        return max((due_ms for place, due_ms in all_waiting.items() if _is_before(place, delivery)), default=None)

    def announce(self, lane: LaneKey, delivery: Delivery, due_ms: int) -> None:
        """Note that this member puts a record back. Call it before the record is published."""
        self._waiting.setdefault(lane, _Waiting()).announced[_place(delivery)] = due_ms

    def open(self, lane: LaneKey, delivery: Delivery, due_ms: int) -> None:
        """Note that a put-back record was delivered; `delivery` is the original one."""
        waiting = self._waiting.setdefault(lane, _Waiting())
        waiting.announced.pop(_place(delivery), None)
        waiting.opened[_place(delivery)] = due_ms

    def close(self, lane: LaneKey, delivery: Delivery) -> None:
        """Note that a put-back record is finished, was put back again, or goes to another member."""
        waiting = self._waiting[lane]
        waiting.opened.pop(_place(delivery), None)
        self._drop_if_empty(lane, waiting)

    def forget_announced(self) -> None:
        """Forget the records that are on their way: after a rebalance they may come to another member."""
        for lane, waiting in list(self._waiting.items()):
            waiting.announced.clear()
            self._drop_if_empty(lane, waiting)

    def _drop_if_empty(self, lane: LaneKey, waiting: _Waiting) -> None:
        if not waiting.opened and not waiting.announced:
            self._waiting.pop(lane, None)


def _place(delivery: Delivery) -> Place:
    return delivery.partition, delivery.offset


def _is_before(place: Place, delivery: Delivery) -> bool:
    partition, offset = place
    return partition == delivery.partition and offset < delivery.offset
