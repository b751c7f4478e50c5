"""The notifier's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.core.types import Address
from zarathustra.runtime.settings import Secret, setting


@dataclass(frozen=True)
class Settings:
    kafka_bootstrap_servers: str = setting("Kafka's brokers, comma-separated, each `host:port`")
    deployment_file: Path = setting("chain id and contract addresses, JSON")
    group: str = setting("consumer group; independent notifiers need different ones", default="notifier")
    # Receivers put tokens into URLs, and settings are logged.
    webhook_url: Secret | None = setting("the webhook's receiver; without one, facts are only logged", default=None)
    webhook_secret: Secret | None = setting("shared secret `whsec_…`; needed with `WEBHOOK_URL`", default=None)
    trusted_operators: tuple[Address, ...] = setting(
        "whose `TaskStalled` goes to the webhook; others' are only logged", default=()
    )
    http_listen: str = setting("address of `/livez`, `/readyz` and `/metrics`", default="127.0.0.1:9104")
    log_level: str = setting("lowest level that is logged", default="INFO")
    retry_delay_ms: int = setting("first delay of a record that is put back", default=1_000)
