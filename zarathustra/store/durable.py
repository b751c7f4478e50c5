"""Files that survive a power failure once the call returns."""

import os
from pathlib import Path

PRIVATE = 0o600
SHARED = 0o666  # less the umask, as for any new file


def write_new(path: Path, content: bytes, *, mode: int) -> None:
    """Create a file with this content; its name survives once its folder is synced. Raises OSError if it exists."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make renames and new names in `folder` survive."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
