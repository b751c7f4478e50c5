"""Log and metrics of the map loop. A failure's reason reaches both here."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from zarathustra.bus.records import Delivery, Partition
from zarathustra.core.errors import Retry, TooEarly, ZarathustraError
from zarathustra.core.reasons import Reason
from zarathustra.telemetry.log import get_logger
from zarathustra.telemetry.metrics import Metrics

TASK_ID_LENGTH = 32  # bytes of the key, in every topic that is keyed by task


class LoopTelemetry:
    """A `LoopObserver` that counts and logs."""

    def __init__(self, metrics: Metrics) -> None:
        self._log = get_logger(component="map-loop")
        self._handled = metrics.counter("records_handled", "Records handled completely", ["topic"])
        self._retried = metrics.counter(
            "records_retried", "Delivery attempts that failed because of broken infrastructure", ["reason"]
        )
        self._dead = metrics.counter("dead_letters", "Records given up", ["topic", "reason"])
        self._dropped = metrics.counter(
            "dropped_records", "Invalid records of other operators given up without a dead letter", ["topic", "reason"]
        )
        self._bus_errors = metrics.counter("bus_errors", "Times the bus did not answer")
        self._lag = metrics.gauge("lag_records", "Records behind the end of the log", ["topic", "partition"])
        self._open = metrics.gauge("records_in_flight", "Records in flight")
        self._put_back = metrics.gauge("put_back_records", "Records waiting for their next delivery attempt")

    @contextmanager
    def around(self, delivery: Delivery) -> Iterator[None]:
        key = delivery.record.key
        bound = {"task_id": key} if len(key) == TASK_ID_LENGTH else {}
        with structlog.contextvars.bound_contextvars(topic=delivery.record.topic, **bound):
            yield

    def on_handled(self, delivery: Delivery, produced: int) -> None:
        self._handled.labels(topic=delivery.record.topic).inc()

    def on_retried(self, delivery: Delivery, error: Retry, attempt: int) -> None:
        self._retried.labels(reason=error.reason.code).inc()
        log = self._log.debug if isinstance(error, TooEarly) else self._log.warning
        log("Record put back", **_place(delivery), attempt=attempt, reason=error.reason.code, error=str(error))

    def on_dead_lettered(self, delivery: Delivery, reason: Reason, error: ZarathustraError) -> None:
        self._dead.labels(topic=delivery.record.topic, reason=reason.code).inc()
        self._log.warning("Record dead-lettered", **_place(delivery), reason=reason.code, error=str(error))

    def on_dropped(self, delivery: Delivery, reason: Reason) -> None:
        self._dropped.labels(topic=delivery.record.topic, reason=reason.code).inc()

    def on_bus_error(self, error: Retry) -> None:
        self._bus_errors.inc()
        self._log.warning("Bus did not answer", reason=error.reason.code, error=str(error))

    def on_lag(self, partition: Partition, lag: int) -> None:
        self._lag.labels(topic=partition.topic, partition=str(partition.number)).set(lag)

    def on_in_flight(self, records_in_flight: int, put_back: int) -> None:
        self._open.set(records_in_flight)
        self._put_back.set(put_back)


def _place(delivery: Delivery) -> dict[str, object]:
    return {
        "topic": delivery.record.topic,
        "partition": delivery.partition,
        "offset": delivery.offset,
        "task_id": delivery.record.key,
    }
