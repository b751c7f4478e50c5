"""The performer's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.duty.service import DutySettings
from zarathustra.runtime.settings import Secret


@dataclass(frozen=True, kw_only=True)
class Settings(DutySettings):
    # Another key than the operator's, whose nonces are the aggregator's; without one nobody keeps for this operator.
    keeper_key_file: Path | None = None
    keeper_key_password: Secret | None = None
    sweep_seconds: float = 30.0
    keeper_sweep_blocks: int = 20
    http_listen: str = "127.0.0.1:9101"
