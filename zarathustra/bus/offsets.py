"""Find the offset that may be committed while the records of one partition finish in any order."""

from dataclasses import dataclass, field


@dataclass
class OffsetTracker:
    """The contiguous finished prefix of one partition.

    The bus delivers offsets in rising order. So every offset below the lowest one in flight is finished or missing
    (compaction, transaction markers), and the lowest one in flight is the next one to read.

        delivered   5  6  8  9     in flight {8}     next to read: 8
        finished    ✔  ✔  ·  ✔
    """

    # A dict keeps the order of insertion, which is the order of offsets: its first key is the lowest.
    _open: dict[int, None] = field(default_factory=dict)
    _highest: int | None = None
    _committed: int | None = None

    def start(self, offset: int) -> None:
        """Note that a record was delivered. Raises ValueError unless offsets rise: the prefix would be wrong."""
        if self._highest is not None and offset <= self._highest:
            raise ValueError(f"offset {offset} was delivered after {self._highest}")

        self._open[offset] = None
        self._highest = offset
        if self._committed is None:
            self._committed = offset

    def finish(self, offset: int) -> None:
        """Note that all effects of the record are done. Raises KeyError if it is not in flight."""
        del self._open[offset]

    def count_in_flight(self) -> int:
        return len(self._open)

    def get_uncommitted(self) -> int | None:
        """Return the next offset to read if it changed since `mark_committed`, else None."""
        next_offset = self._get_next()
        return None if next_offset == self._committed else next_offset

    def mark_committed(self, offset: int) -> None:
        self._committed = offset

    def _get_next(self) -> int | None:
        if self._open:
            return next(iter(self._open))
        return None if self._highest is None else self._highest + 1
