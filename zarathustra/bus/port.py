"""What the loop needs of a bus. Two adapters: `kafka` for real, `memory` for tests and the simnet."""

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
        """Send `records` in order and return once every in-sync replica has all of them: this is the flush.

        Raises Retry(BUS_UNREACHABLE) when that is not known (some may have arrived: sending again may repeat
        them), Invalid(OVERSIZE) when a record is larger than its topic takes.
        """


class Consumer(Protocol):
    """One member of a group. Commits nothing by itself; use from one task."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def on_revoke(self, callback: RevokeCallback) -> None:
        """Call `callback` before partitions leave this member; it may still commit them.

        A rebalance revokes *all* partitions of a member, also those that come back to it.
        """

    async def fetch(self, *, max_records: int, timeout_s: float) -> Sequence[Delivery]:
        """Up to `max_records` new records of the partitions that are not paused; none after `timeout_s`.

        Records of one partition come in offset order, with holes where the log was compacted.
        """

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Deliver nothing of these partitions until resumed. The member stays in its group while it fetches."""

    def resume(self, partitions: Iterable[Partition]) -> None: ...

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Store, per partition, the *next* offset to read.

        Raises Retry(BUS_UNREACHABLE) when the broker does not store them, also because a partition has left:
        its new owner then repeats the work.
        """

    async def fetch_committed(self, partition: Partition) -> int | None:
        """The group's committed offset, None when it never committed there."""

    def get_assignment(self) -> frozenset[Partition]: ...

    def get_lag(self, partition: Partition) -> int | None:
        """Records that wait behind this member's position; None until the first fetch told."""
