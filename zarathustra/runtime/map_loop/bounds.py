"""The bounds of the map loop: work in flight, waiting times, and the share of invalid records that it accepts."""

from dataclasses import dataclass

from zarathustra.bus.dead_letters import MAX_KEPT_BYTES
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason


@dataclass(frozen=True)
class MapLoopSettings:
    """Bounds and waiting times. The defaults suit a service that waits for blocks."""

    group: str
    max_in_flight: int = 256  # fresh records in flight, most of them waiting; bounds memory and repeated work
    max_put_back: int = 1_024  # records that were put back, in flight; they do not delay other records
    max_record_bytes: int = 262_144  # the broker does not bound the size of an unpacked batch
    max_attempts: int = 12  # with the delays below: 9 to 19 minutes of broken infrastructure
    first_delay_ms: int = 1_000
    max_delay_ms: int = 300_000
    fetch_timeout_s: float = 0.1  # also about how long a finished record waits for its commit
    revoke_grace_s: float = 5.0  # other replicas wait for it; they repeat what is not finished by then
    drain_grace_s: float = 20.0  # `lifecycle.DRAIN_SECONDS`, if shorter, ends the drain first
    invalid_window: int = 100
    invalid_minimum: int = 20  # fewer records show no pattern
    invalid_percent: int = 50

    def __post_init__(self) -> None:
        if self.max_record_bytes > MAX_KEPT_BYTES:
            raise Invalid(Reason.BAD_SETTING, "a record that is put back would be cut", limit=MAX_KEPT_BYTES)
