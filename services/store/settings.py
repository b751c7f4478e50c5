"""The store's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from services.store.handlers import DEFAULT_KEEP_SECONDS
from zarathustra.runtime.settings import setting
from zarathustra.store.space import DEFAULT_MIN_FREE_BYTES, DEFAULT_QUOTA_BYTES


@dataclass(frozen=True, kw_only=True)
class Settings:
    data_dir: Path = setting("blocks and pins; created if missing, used by one process at a time")
    http_listen: str = setting(
        "address of the API and `/metrics`; anyone who reaches it can write", default="127.0.0.1:5001"
    )
    quota_bytes: int = setting("most bytes of blocks to keep", default=DEFAULT_QUOTA_BYTES)
    min_free_bytes: int = setting("free space of the disk that is left to others", default=DEFAULT_MIN_FREE_BYTES)
    keep_seconds: float = setting(
        "how long a block stays that is not pinned; shorter while the store is almost full",
        default=DEFAULT_KEEP_SECONDS,
    )
    log_level: str = setting("lowest level that is logged", default="INFO")
