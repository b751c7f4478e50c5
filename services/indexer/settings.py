"""The indexer's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.runtime.settings import Secret


@dataclass(frozen=True)
class Settings:
    kafka_bootstrap_servers: str
    eth_rpc_urls: Secret  # comma-separated; providers put API keys into them, and settings are logged
    deployment_file: Path
    confirmations: int = 2  # how deep a block must be before its events are published; the devnet sets 0
    poll_interval_ms: int = 2_000
    rpc_timeout_ms: int = 10_000
    instance_id: str | None = None  # static group membership: unique per replica, stable over restarts
    http_listen: str = "127.0.0.1:9100"
    log_level: str = "INFO"
