"""What the map loop tells of itself: where logs, metrics and traces are attached."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from zarathustra.bus.records import Delivery, Partition
from zarathustra.core.errors import Retry, ZarathustraError
from zarathustra.core.reasons import Reason


class LoopObserver(Protocol):
    """Where logs, metrics and traces plug in. Calls are synchronous and must not raise."""

    def around(self, delivery: Delivery) -> AbstractContextManager[None]:
        """Entered around each handling: bind the task to the log, open a span."""

    def on_handled(self, delivery: Delivery, produced: int) -> None: ...

    def on_retried(self, delivery: Delivery, error: Retry, attempt: int) -> None:
        """Attempt number `attempt` failed; another follows."""

    def on_dead_lettered(self, delivery: Delivery, reason: Reason, error: ZarathustraError) -> None: ...

    def on_bus_error(self, error: Retry) -> None:
        """The bus did not answer; the loop tries again."""

    def on_lag(self, partition: Partition, lag: int) -> None: ...

    def on_open(self, open_records: int, put_back: int) -> None:
        """How many records are in flight, and how many wait for their next attempt."""


class SilentObserver:
    """Observes nothing."""

    def around(self, delivery: Delivery) -> AbstractContextManager[None]:
        return nullcontext()

    def on_handled(self, delivery: Delivery, produced: int) -> None: ...

    def on_retried(self, delivery: Delivery, error: Retry, attempt: int) -> None: ...

    def on_dead_lettered(self, delivery: Delivery, reason: Reason, error: ZarathustraError) -> None: ...

    def on_bus_error(self, error: Retry) -> None: ...

    def on_lag(self, partition: Partition, lag: int) -> None: ...

    def on_open(self, open_records: int, put_back: int) -> None: ...
