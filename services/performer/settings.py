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
    min_fee: int = setting(
        "least evaluation fee in wei that the performer works for, in projects that pay in coin", default=0
    )
    min_token_fees: tuple[str, ...] = setting(
        "the same for other tokens, as `0x…=amount` in the smallest unit; others have none",
        default=(),
    )
    sweep_seconds: float = setting("pause between two looks at the open tasks of the operator's node", default=30.0)
    keeper_sweep_blocks: int = setting("how many blocks between two looks at all projects and tasks", default=20)
    http_listen: str = setting("address of `/livez`, `/readyz` and `/metrics`", default="127.0.0.1:9101")
