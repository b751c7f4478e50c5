"""The store's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    data_dir: Path  # blocks and pins; created if missing, used by one process at a time
    http_listen: str = "127.0.0.1:5001"  # anyone who reaches this port can write: keep it inside your own network
    log_level: str = "INFO"
