"""Which offset may be committed while records of one partition finish in any order."""

from dataclasses import dataclass, field


@dataclass
class OffsetTracker:
    """The contiguous finished prefix of one partition.

    The bus delivers offsets upwards, so everything below the lowest open offset is finished or a hole
    (compaction, transaction markers): that offset is the next one to read.

        delivered   5  6  8  9     open {8}     next to read: 8
                    ✔  ✔  ·  ✔
    """

    # A dict keeps the order of insertion, which is the order of offsets: its first key is the lowest.
    _open: dict[int, None] = field(default_factory=dict)
    _highest: int | None = None
    _committed: int | None = None

    def start(self, offset: int) -> None:
        """A record was delivered. Raises ValueError unless offsets rise: the prefix would be wrong."""
        if self._highest is not None and offset <= self._highest:
            raise ValueError(f"offset {offset} was delivered after {self._highest}")

        self._open[offset] = None
        self._highest = offset
        if self._committed is None:
            self._committed = offset

    def finish(self, offset: int) -> None:
        """All effects of the record are done. Raises KeyError if it is not open."""
        del self._open[offset]

    def count_open(self) -> int:
        return len(self._open)

    def get_uncommitted(self) -> int | None:
        """The next offset to read if it moved since `mark_committed`, else None."""
        next_offset = self._get_next()
        return None if next_offset == self._committed else next_offset

    def mark_committed(self, offset: int) -> None:
        self._committed = offset

    def _get_next(self) -> int | None:
        if self._open:
            return next(iter(self._open))
        return None if self._highest is None else self._highest + 1
