"""What the loop needs from a bus. Two adapters: `kafka` in production, `memory` in tests and the simnet."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from zarathustra.bus.records import Delivery, Partition, Record

RevokeCallback = Callable[[frozenset[Partition]], Awaitable[None]]


class Producer(Protocol):
    """Sends records. Safe for concurrent use."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send(self, records: Sequence[Record]) -> None:
        """Send `records` in order; return once every in-sync replica has all of them. No other flush is needed.

        Raises Retry(BUS_UNREACHABLE) when that is not known: some records may have arrived, and sending again may
        repeat them. Raises Invalid(OVERSIZE) when a record is larger than its topic accepts.
        """


class Consumer(Protocol):
    """One member of a consumer group. It commits nothing by itself. Use it from one asyncio task."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def on_revoke(self, callback: RevokeCallback) -> None:
        """Call `callback` before this member loses partitions; the callback may still commit them.

        A rebalance revokes *all* partitions of a member, including those that it gets back.
        """

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivery]:
        """Return up to `max_records` new records of the partitions that are not paused, or none after `timeout_s`.

        Records of one partition come in offset order; offsets are missing where the log was compacted.
        """

    def is_fetch_current(self) -> bool:
        """Return whether the partitions are still those for which the last fetch took its records.

        If not, the records must not be used: whoever owns their partition now reads them again, also if it is this
        member. Ask in the same turn of the event loop in which the records are taken into work.
        """

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Deliver nothing from these partitions until `resume`. The member stays in its group while it fetches."""

    def resume(self, partitions: Iterable[Partition]) -> None: ...

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Store, per partition, the *next* offset to read.

        Raises Retry(BUS_UNREACHABLE) when the broker does not store them, also when this member no longer owns a
        partition: the new owner then repeats the work.
        """

    async def fetch_committed(self, partition: Partition) -> int | None:
        """Return the group's committed offset; None when it never committed in this partition."""

    def get_assignment(self) -> frozenset[Partition]: ...

    async def fetch_lag(self, partition: Partition) -> int | None:
        """Return how many records wait, as `get_lag`; known also before the first record of the partition came."""

    def get_lag(self, partition: Partition) -> int | None:
        """Return how many records wait after this member's position; None while that is not known."""
