"""What the map loop reports: the interface to logs, metrics and traces."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from zarathustra.bus.records import Delivery, Partition
from zarathustra.core.errors import Retry, ZarathustraError
from zarathustra.core.reasons import Reason


class LoopObserver(Protocol):
    """Receives what the loop does, for logs, metrics and traces. Methods are synchronous and must not raise."""

    def around(self, delivery: Delivery) -> AbstractContextManager[None]:
        """Return a context that is entered around each handler: bind the task to the log, open a span."""

    def on_handled(self, delivery: Delivery, produced: int) -> None: ...

    def on_retried(self, delivery: Delivery, error: Retry, attempt: int) -> None:
        """Delivery attempt number `attempt` failed; another follows."""

    def on_dead_lettered(self, delivery: Delivery, reason: Reason, error: ZarathustraError) -> None: ...

    def on_dropped(self, delivery: Delivery, reason: Reason) -> None:
        """An invalid record of a foreign writer was given up without a dead letter: it had too many (`letters`)."""

    def on_bus_error(self, error: Retry) -> None:
        """The bus did not answer; the loop tries again."""

    def on_lag(self, partition: Partition, lag: int) -> None: ...

    def on_in_flight(self, records_in_flight: int, put_back: int) -> None:
        """Report how many fresh records, and how many that were put back, are in flight."""


class SilentObserver:
    """Observes nothing."""

    def around(self, delivery: Delivery) -> AbstractContextManager[None]:
        return nullcontext()

    def on_handled(self, delivery: Delivery, produced: int) -> None: ...

    def on_retried(self, delivery: Delivery, error: Retry, attempt: int) -> None: ...

    def on_dead_lettered(self, delivery: Delivery, reason: Reason, error: ZarathustraError) -> None: ...

    def on_dropped(self, delivery: Delivery, reason: Reason) -> None: ...

    def on_bus_error(self, error: Retry) -> None: ...

    def on_lag(self, partition: Partition, lag: int) -> None: ...

    def on_in_flight(self, records_in_flight: int, put_back: int) -> None: ...
