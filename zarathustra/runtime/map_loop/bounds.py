"""What bounds the map loop: work in flight, patience, and how much invalid input it accepts."""

from dataclasses import dataclass

from zarathustra.bus.dead_letters import MAX_KEPT_BYTES
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason


@dataclass(frozen=True)
class MapLoopSettings:
    """Bounds and patience. The defaults suit a service that waits for blocks."""

    group: str
    max_open: int = 256  # records in flight, most of them waiting for something; bounds memory and repeated work
    max_put_back: int = 1_024  # records waiting for their next attempt; they hold up nobody else
    max_record_bytes: int = 262_144  # what a compressed batch unfolds to is not bounded by the broker
    max_attempts: int = 12  # with the delays below: 25 minutes of broken infrastructure
    first_delay_ms: int = 1_000
    max_delay_ms: int = 300_000
    fetch_timeout_s: float = 0.1  # also how soon a finished record is committed
    revoke_grace_s: float = 5.0  # other replicas wait for it; what is not done then is done again elsewhere
    drain_grace_s: float = 20.0  # below the 30 s after which Kubernetes kills
    invalid_window: int = 100
    invalid_minimum: int = 20  # fewer say nothing
    invalid_percent: int = 50

    def __post_init__(self) -> None:
        if self.max_record_bytes > MAX_KEPT_BYTES:
            raise Invalid(Reason.BAD_SETTING, "a record that is put back would be cut", limit=MAX_KEPT_BYTES)
