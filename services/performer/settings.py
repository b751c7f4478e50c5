"""The performer's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.duty.service import DutySettings
from zarathustra.runtime.settings import Secret, setting


@dataclass(frozen=True, kw_only=True)
class Settings(DutySettings):
    # Another key than the operator's, whose nonces are the aggregator's.
    keeper_key_file: Path | None = setting(
        "web3 v3 keystore of the keeper's own funded key; without it no keeper runs", default=None
    )
    keeper_key_password: Secret | None = setting("password of that keystore", default=None)
    sweep_seconds: float = setting("pause between two looks at the open tasks of the operator's node", default=30.0)
    keeper_sweep_blocks: int = setting("how many blocks between two looks at all projects and tasks", default=20)
    http_listen: str = setting("address of `/livez`, `/readyz` and `/metrics`", default="127.0.0.1:9101")
