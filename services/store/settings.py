"""The store's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.runtime.settings import setting


@dataclass(frozen=True, kw_only=True)
class Settings:
    data_dir: Path = setting("blocks and pins; created if missing, used by one process at a time")
    http_listen: str = setting(
        "address of the API and `/metrics`; anyone who reaches it can write", default="127.0.0.1:5001"
    )
    log_level: str = setting("lowest level that is logged", default="INFO")
