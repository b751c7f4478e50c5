"""What the evaluator's environment says."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.runtime.settings import setting


@dataclass(frozen=True)
class Settings:
    """Each field is the variable of the same name in capitals."""

    http_listen: str = setting("address of `/evaluate`, `/livez`, `/readyz` and `/metrics`", default="127.0.0.1:9500")
    evaluator_socket: Path | None = setting("also take evaluations on this Unix socket, mode 0660", default=None)
    score_seconds: float = setting("wall-clock limit of one model", default=300.0)
    max_waiting: int = setting("how many requests may wait; each may hold 130 MiB", default=4)
    log_level: str = setting("lowest level that is logged", default="INFO")
