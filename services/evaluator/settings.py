"""What the evaluator's environment says."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Each field is the variable of the same name in capitals."""

    http_listen: str = "127.0.0.1:9500"  # evaluations, health and metrics
    evaluator_socket: Path | None = None  # also take evaluations on this Unix socket
    score_seconds: float = 300.0  # wall-clock limit of one model
    max_waiting: int = 4  # each may hold 130 MiB; more are told to come back
    log_level: str = "INFO"
