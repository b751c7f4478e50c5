"""The notifier's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.core.types import Address
from zarathustra.runtime.settings import Secret


@dataclass(frozen=True)
class Settings:
    kafka_bootstrap_servers: str
    deployment_file: Path
    group: str = "notifier"
    webhook_url: Secret | None = None  # receivers put tokens into them, and settings are logged
    webhook_secret: Secret | None = None  # "whsec_…"; needed with WEBHOOK_URL
    trusted_operators: tuple[Address, ...] = ()  # whose TaskStalled goes to the webhook; others' are only logged
    http_listen: str = "127.0.0.1:9104"
    log_level: str = "INFO"
    retry_delay_ms: int = 1_000
