"""Blocks and pins in a directory.

```
<root>/lock               held while the store is open
<root>/incoming/          unfinished files; emptied when the store opens
<root>/blocks/<xx>/<hex>  one block; <hex> is its sha2-256, <xx> its last two digits
<root>/pins/<cid>         empty; its existence is the pin
```
A block appears under its name complete or not at all. Stored blocks and pins survive a power failure. Every read
hashes the block, so damage is found; storing the block again repairs it. Methods wait for the disk: call them from a
thread.
"""

import fcntl
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.store.cid import BlockId, parse_cid, validate_block
from zarathustra.store.unixfs import MAX_BLOCK_BYTES


class DirectoryBlocks:
    """A block store that owns its directory. Use it as a context manager. Threads may call it concurrently."""

    def __init__(self, root: Path) -> None:
        self._blocks = root / "blocks"
        self._pins = root / "pins"
        self._incoming = root / "incoming"
        self._lock_path = root / "lock"
        self._lock = -1

    def __enter__(self) -> Self:
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._lock = _take_lock(self._lock_path)
        self._pins.mkdir(exist_ok=True)
        for shard in range(256):
            (self._blocks / f"{shard:02x}").mkdir(parents=True, exist_ok=True)
        for leftover in self._incoming.iterdir():
            leftover.unlink()
        for directory in (self._blocks, self._lock_path.parent):
            _sync_directory(directory)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    def get(self, block_id: BlockId) -> bytes:
        """Return the block. Raises Retry(UNAVAILABLE) if it is not here, Retry(CID_MISMATCH) if it is damaged."""
        try:
            block = self._path(block_id).read_bytes()
        except FileNotFoundError as error:
            raise Retry(Reason.UNAVAILABLE, "block is not in the store", cid=block_id.cid) from error
        try:
            validate_block(block_id, block)
        except Invalid as error:
            raise Retry(Reason.CID_MISMATCH, "block is damaged on disk", cid=block_id.cid) from error
        return block

    def put(self, block_id: BlockId, block: bytes) -> None:
        """Store a block; return once it is on disk. Raises Invalid(OVERSIZE | CID_MISMATCH)."""
        if len(block) > MAX_BLOCK_BYTES:
            raise Invalid(Reason.OVERSIZE, "block is too large", length=len(block), limit=MAX_BLOCK_BYTES)
        validate_block(block_id, block)
        if not self._is_intact(block_id):
            self._write(self._path(block_id), block)

    def pin(self, block_id: BlockId) -> None:
        """Pin the file under `block_id`. The caller has checked that the whole file is here."""
        os.close(os.open(self._pins / block_id.cid, os.O_CREAT | os.O_WRONLY, 0o644))
        _sync_directory(self._pins)

    def unpin(self, block_id: BlockId) -> None:
        """Remove the pin. Raises Retry(UNAVAILABLE) when there is none."""
        try:
            (self._pins / block_id.cid).unlink()
        except FileNotFoundError as error:
            raise Retry(Reason.UNAVAILABLE, "not pinned or pinned indirectly") from error
        _sync_directory(self._pins)

    def is_pinned(self, block_id: BlockId) -> bool:
        return (self._pins / block_id.cid).exists()

    def pins(self) -> list[BlockId]:
        """Return all pins, in the order of their names."""
        return [parse_cid(entry.name) for entry in sorted(self._pins.iterdir())]

    def free_bytes(self) -> int:
        """Return the free space on the disk, in bytes."""
        status = os.statvfs(self._blocks)
        return status.f_bavail * status.f_frsize

    def _is_intact(self, block_id: BlockId) -> bool:
        try:
            self.get(block_id)
        except Retry:
            return False
        return True

    def _path(self, block_id: BlockId) -> Path:
        name = block_id.digest.hex()
        return self._blocks / name[-2:] / name

    def _write(self, path: Path, block: bytes) -> None:
        incoming = self._incoming / secrets.token_hex(16)
        with incoming.open("xb") as file:
            file.write(block)
            file.flush()
            os.fsync(file.fileno())
        incoming.replace(path)
        _sync_directory(path.parent)


def _take_lock(path: Path) -> int:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Invalid(Reason.BAD_SETTING, "another process uses the store's directory", lock=path) from error
    return descriptor


def _sync_directory(directory: Path) -> None:
    """Make renames and new names in `directory` survive a power failure."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
