"""The performer's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.duty.operator import OperatorSettings
from zarathustra.runtime.settings import Secret


@dataclass(frozen=True, kw_only=True)
class Settings(OperatorSettings):
    ipfs_api_url: str  # the operator's own node: reports and pins go there
    ipfs_gateway_urls: tuple[str, ...] = ()  # trustless gateways to try after it
    evaluator_url: str = "tcp:127.0.0.1:9500"
    # Another key than the operator's, whose nonces are the aggregator's; without one nobody keeps for this operator.
    keeper_key_file: Path | None = None
    keeper_key_password: Secret | None = None
    sweep_seconds: float = 30.0
    keeper_sweep_blocks: int = 20
    http_listen: str = "127.0.0.1:9101"
