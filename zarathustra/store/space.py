"""How much of the disk the content store may take."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.store.unixfs import MAX_BLOCK_BYTES

DEFAULT_QUOTA_BYTES = 32 << 30
DEFAULT_MIN_FREE_BYTES = 512 << 20  # twice the largest file that an add may bring


@dataclass(frozen=True)
class SpaceLimits:
    """The store holds at most `quota_bytes`, and leaves `min_free_bytes` of the disk to others."""

    quota_bytes: int = DEFAULT_QUOTA_BYTES
    min_free_bytes: int = DEFAULT_MIN_FREE_BYTES


class Space:
    """Counts the bytes of blocks, unfinished ones included. Threads may call it concurrently."""

    def __init__(self, directory: Path, limits: SpaceLimits, *, used_bytes: int) -> None:
        self._directory = directory
        self._limits = limits
        self._used_bytes = used_bytes
        self._lock = threading.Lock()

    @property
    def used_bytes(self) -> int:
        return self._used_bytes

    @property
    def quota_bytes(self) -> int:
        return self._limits.quota_bytes

    @property
    def is_full(self) -> bool:
        """Whether not even one block of the largest size may be stored now. Asks the file system."""
        has_quota = self._used_bytes + MAX_BLOCK_BYTES <= self._limits.quota_bytes
        return not has_quota or self.free_bytes() - MAX_BLOCK_BYTES < self._limits.min_free_bytes

    def free_bytes(self) -> int:
        """Return the free space on the disk, in bytes. Asks the file system."""
        status = os.statvfs(self._directory)
        return status.f_bavail * status.f_frsize

    def reserve(self, size: int) -> None:
        """Count `size` bytes before they are written. Raises Retry(STORE_FULL)."""
        free = self.free_bytes()
        with self._lock:
            if self._used_bytes + size > self._limits.quota_bytes:
                raise Retry(
                    Reason.STORE_FULL,
                    "store's quota is used up",
                    used=self._used_bytes,
                    size=size,
                    quota=self._limits.quota_bytes,
                )
            if free - size < self._limits.min_free_bytes:
                raise Retry(
                    Reason.STORE_FULL,
                    "disk is almost full",
                    free=free,
                    size=size,
                    limit=self._limits.min_free_bytes,
                )
            self._used_bytes += size

    def release(self, size: int) -> None:
        """Take back bytes that were not written, or that were removed."""
        with self._lock:
            self._used_bytes -= size
