"""The indexer's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.runtime.settings import Secret, setting


@dataclass(frozen=True)
class Settings:
    kafka_bootstrap_servers: str = setting("Kafka's brokers, comma-separated, each `host:port`")
    # Providers put API keys into URLs, and settings are logged.
    eth_rpc_urls: Secret = setting("chain nodes, comma-separated; the next one is asked when one fails")
    deployment_file: Path = setting("chain id, contract addresses and first block, JSON")
    confirmations: int = setting("how deep a block must be before its events are published; devnet: 0", default=2)
    poll_interval_ms: int = setting("pause between two requests for new blocks", default=2_000)
    rpc_timeout_ms: int = setting("time limit of one request to one node", default=10_000)
    instance_id: str | None = setting(
        "static group membership: unique per replica, the same after a restart", default=None
    )
    http_listen: str = setting("address of `/livez`, `/readyz` and `/metrics`", default="127.0.0.1:9100")
    log_level: str = setting("lowest level that is logged", default="INFO")
