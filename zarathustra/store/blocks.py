"""Blocks and pins in a directory.

```
<root>/lock               held while the store is open
<root>/incoming/          unfinished files; emptied when the store opens
<root>/blocks/<xx>/<hex>  one block; <hex> is its sha2-256, <xx> its last two digits; mtime: when it was last given
<root>/pins/<cid>         empty; its existence is the pin
```
A block appears under its name complete or not at all. Stored blocks and pins survive a power failure. Every read
hashes the block, so damage is found; storing the block again repairs it. Methods wait for the disk: call them from a
thread.
"""

import errno
import fcntl
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.store.cid import BlockId, parse_cid, validate_block
from zarathustra.store.durable import SHARED, sync_folder, write_new
from zarathustra.store.space import Space, SpaceLimits
from zarathustra.store.unixfs import MAX_BLOCK_BYTES

DEFAULT_LIMITS = SpaceLimits()
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class StoredBlock:
    """One file under `blocks/`. `given_at` is the Unix time at which a client last stored or pinned the block."""

    digest: bytes
    size: int
    given_at: float


class DirectoryBlocks:
    """A block store that owns its directory. Use it as a context manager. Threads may call it concurrently."""

    def __init__(self, root: Path, limits: SpaceLimits = DEFAULT_LIMITS) -> None:
        self._blocks = root / "blocks"
        self._pins = root / "pins"
        self._incoming = root / "incoming"
        self._lock_path = root / "lock"
        self._lock = -1
        self._names = threading.Lock()  # a block that is given again must not be removed as garbage between two steps
        self._limits = limits
        self.space = Space(root, limits, used_bytes=0)

    def __enter__(self) -> Self:
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._lock = _take_lock(self._lock_path)
        self._pins.mkdir(exist_ok=True)
        for shard in range(256):
            (self._blocks / f"{shard:02x}").mkdir(parents=True, exist_ok=True)
        for leftover in self._incoming.iterdir():
            _remove(leftover)
        for directory in (self._blocks, self._lock_path.parent):
            sync_folder(directory)
        used = sum(stored.size for stored in self.stored())
        self.space = Space(self._blocks, self._limits, used_bytes=used)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._lock)

    def get(self, block_id: BlockId) -> bytes:
        """Return the block. Raises Retry(UNAVAILABLE) if it is not here, Retry(CID_MISMATCH) if it is damaged."""
        try:
            block = self._path(block_id.digest).read_bytes()
        except FileNotFoundError as error:
            raise Retry(Reason.UNAVAILABLE, "block is not in the store", cid=block_id.cid) from error
        try:
            validate_block(block_id, block)
        except Invalid as error:
            raise Retry(Reason.CID_MISMATCH, "block is damaged on disk", cid=block_id.cid) from error
        return block

    def put(self, block_id: BlockId, block: bytes) -> None:
        """Store a block; return once it is on disk. Raises Invalid(OVERSIZE | CID_MISMATCH), Retry(STORE_FULL)."""
        upload = self.begin_upload()
        try:
            upload.put(block_id, block)
            upload.commit()
        finally:
            upload.close()

    def begin_upload(self) -> "Upload":
        """Return an upload, which stores many blocks together. The caller must close it."""
        return Upload(self, self._incoming / secrets.token_hex(16))

    def get_again(self, block_id: BlockId) -> bytes:
        """Return the block and note that a client wants it now, so that it is not garbage. Raises as `get`."""
        self._touch(block_id.digest)
        return self.get(block_id)

    def pin(self, block_id: BlockId) -> None:
        """Pin the file under `block_id`. The caller has read the whole file with `get_again`."""
        with _room_on_disk():
            os.close(os.open(self._pins / block_id.cid, os.O_CREAT | os.O_WRONLY, 0o644))
        sync_folder(self._pins)

    def unpin(self, block_id: BlockId) -> None:
        """Remove the pin. Raises Retry(UNAVAILABLE) when there is none."""
        try:
            (self._pins / block_id.cid).unlink()
        except FileNotFoundError as error:
            raise Retry(Reason.UNAVAILABLE, "not pinned or pinned indirectly") from error
        sync_folder(self._pins)

    def is_pinned(self, block_id: BlockId) -> bool:
        return (self._pins / block_id.cid).exists()

    def pins(self) -> list[BlockId]:
        """Return all pins, in the order of their names."""
        return [parse_cid(entry.name) for entry in sorted(self._pins.iterdir())]

    def stored(self) -> Iterator[StoredBlock]:
        """Yield every block's size and age, in no order. A block that is removed meanwhile is skipped."""
        for shard in self._blocks.iterdir():
            with os.scandir(shard) as entries:
                for entry in entries:
                    try:
                        status = entry.stat()
                    except FileNotFoundError:
                        continue
                    yield StoredBlock(bytes.fromhex(entry.name), status.st_size, status.st_mtime)

    def remove_given_before(self, digest: bytes, moment: float) -> bool:
        """Remove a block unless a client gave it at or after `moment` (Unix time). Returns whether it was removed."""
        path = self._path(digest)
        with self._names:
            try:
                status = path.stat()
            except FileNotFoundError:
                return False
            if status.st_mtime >= moment:
                return False
            path.unlink()
        self.space.release(status.st_size)
        return True

    def is_given_again(self, block_id: BlockId) -> bool:
        """Return whether an intact copy is here; note that a client gave it now."""
        try:
            self.get_again(block_id)
        except Retry:
            return False
        return True

    def publish(self, unfinished: Path, digest: bytes, size: int) -> None:
        """Give a complete file its name. Its `size` bytes are reserved; those of a file that it replaces are freed."""
        path = self._path(digest)
        with self._names:
            replaced = path.stat().st_size if path.exists() else 0
            unfinished.replace(path)
        self.space.release(replaced)

    def sync_shards(self, digests: Iterable[bytes]) -> None:
        """Make the names of these blocks survive a power failure."""
        for shard in {self._path(digest).parent for digest in digests}:
            sync_folder(shard)

    def _touch(self, digest: bytes) -> None:
        now = time.time()
        with self._names:
            try:
                os.utime(self._path(digest), (now, now))
            except FileNotFoundError:
                return

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._blocks / name[-2:] / name


class Upload:
    """Blocks on their way in. `commit` stores all of them; a close without it leaves nothing on the disk.

    Threads may call it concurrently: a client can leave while a thread still writes.
    """

    def __init__(self, blocks: DirectoryBlocks, directory: Path) -> None:
        self._blocks = blocks
        self._directory = directory
        self._sizes: dict[bytes, int] = {}
        self._is_closed = False
        self._lock = threading.Lock()

    def put(self, block_id: BlockId, block: bytes) -> None:
        """Write a block, durably but without its name. Raises Invalid(OVERSIZE | CID_MISMATCH), Retry(STORE_FULL)."""
        if len(block) > MAX_BLOCK_BYTES:
            raise Invalid(Reason.OVERSIZE, "block is too large", length=len(block), limit=MAX_BLOCK_BYTES)
        validate_block(block_id, block)
        with self._lock:
            self._require_open()
            if block_id.digest in self._sizes or self._blocks.is_given_again(block_id):
                return
            self._blocks.space.reserve(len(block))
            self._sizes[block_id.digest] = len(block)
            with _room_on_disk():
                self._directory.mkdir(exist_ok=True)
                write_new(self._directory / block_id.digest.hex(), block, mode=SHARED)

    def commit(self) -> None:
        """Give every block its name; return once they are on disk."""
        with self._lock:
            self._require_open()
            digests = list(self._sizes)
            for digest in digests:
                self._blocks.publish(self._directory / digest.hex(), digest, self._sizes.pop(digest))
            self._blocks.sync_shards(digests)

    def close(self) -> None:
        """Remove what was not committed. Idempotent."""
        with self._lock:
            self._is_closed = True
            _remove(self._directory)
            self._blocks.space.release(sum(self._sizes.values()))
            self._sizes.clear()

    def _require_open(self) -> None:
        if self._is_closed:
            raise RuntimeError("the upload is closed")


@contextmanager
def _room_on_disk() -> Iterator[None]:
    """Turn the errors of a full disk into Retry(STORE_FULL)."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise Retry(Reason.STORE_FULL, "disk is full", error=errno.errorcode[error.errno]) from error


def _remove(path: Path) -> None:
    """Remove a file, or a folder with its files. Idempotent."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _take_lock(path: Path) -> int:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Invalid(Reason.BAD_SETTING, "another process uses the store's directory", lock=path) from error
    return descriptor
