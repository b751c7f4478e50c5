"""Log lines as JSON, metrics by name, and what the map loop reports about a record."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from zarathustra.bus.records import Delivery, Partition, Record
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.runtime.map_loop.telemetry import LoopTelemetry
from zarathustra.runtime.settings import Secret
from zarathustra.telemetry.log import configure_logging, get_logger
from zarathustra.telemetry.metrics import Metrics

pytestmark = pytest.mark.unit

TASK = b"\xab" * 32
RECORD = Record("evaluations.v1", TASK, b"value")
DELIVERY = Delivery(RECORD, partition=2, offset=7, timestamp_ms=0)


class Lines(io.StringIO):
    def parse(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Capture everything that is logged during the test; restore the logging of the process afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = Lines()
    configure_logging("test", stream=stream)
    yield stream
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers, root.level = handlers, level


def test_log__line__has_service_level_time_and_fields(lines: Lines) -> None:
    get_logger(component="part").info("Task looked at", attempt=2)
    (line,) = lines.parse()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "service": "test", "component": "part", "level": "info", "event": "Task looked at", "attempt": 2,
    }  # fmt: skip


def test_log__bytes__are_hex(lines: Lines) -> None:
    get_logger().info("x", task_id=TASK)
    assert lines.parse()[0]["task_id"] == "0x" + TASK.hex()


def test_log__secret__shows_stars(lines: Lines) -> None:
    get_logger().info("x", password=Secret("hunter2"), nested={"password": Secret("hunter2")})
    assert "hunter2" not in lines.getvalue()


def test_log__below_the_level__is_left_out(lines: Lines) -> None:
    configure_logging("test", level="warning", stream=lines)
    get_logger().info("x")
    get_logger().warning("y")
    assert [line["event"] for line in lines.parse()] == ["y"]


def test_log__exception__is_one_line(lines: Lines) -> None:
    try:
        raise ValueError("a bug")
    except ValueError:
        get_logger().exception("Service crashed")
    (line,) = lines.parse()
    assert "ValueError: a bug" in line["exception"]


def test_log__library_warns__has_the_same_form(lines: Lines) -> None:
    logging.getLogger("aiokafka").warning("broker %s is away", "b1")
    logging.getLogger("aiokafka").info("chatter")
    (line,) = lines.parse()
    assert (line["event"], line["logger"], line["level"]) == ("broker b1 is away", "aiokafka", "warning")


def test_configure__level_does_not_exist__is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        configure_logging("test", level="loud")
    assert caught.value.reason is Reason.BAD_SETTING


# ---- metrics


def test_metrics__two_services_in_one_process__are_separate() -> None:
    first, second = Metrics("first"), Metrics("second")
    first.counter("records", "Records").inc()
    second.counter("records", "Records").inc(2)
    assert b"zarathustra_first_records_total 1.0" in first.render()
    assert b"zarathustra_second_records_total 2.0" in second.render()
    assert b"zarathustra_second" not in first.render()


def test_metrics__declared_twice__is_a_bug() -> None:
    metrics = Metrics("test")
    metrics.gauge("open_tasks", "Open tasks")
    with pytest.raises(ValueError, match="Duplicated"):
        metrics.gauge("open_tasks", "Open tasks")


# ---- the loop's observer


def test_observer__while_a_record_is_handled__lines_carry_its_task(lines: Lines) -> None:
    telemetry = LoopTelemetry(Metrics("test"))
    with telemetry.around(DELIVERY):
        get_logger().info("inside")
    get_logger().info("outside")
    inside, outside = lines.parse()
    assert (inside["task_id"], inside["topic"]) == ("0x" + TASK.hex(), "evaluations.v1")
    assert "task_id" not in outside


def test_observer__key_is_not_a_task__lines_carry_no_task(lines: Lines) -> None:
    telemetry = LoopTelemetry(Metrics("test"))
    with telemetry.around(Delivery(Record("chain-events.v1", b"\x01", b""), 0, 0, 0)):
        get_logger().info("inside")
    assert "task_id" not in lines.parse()[0]


def test_observer__failures__reach_log_and_metrics_with_their_reason(lines: Lines) -> None:
    metrics = Metrics("test")
    telemetry = LoopTelemetry(metrics)
    telemetry.on_retried(DELIVERY, Retry(Reason.RPC_UNREACHABLE, "ask node"), 3)
    telemetry.on_dead_lettered(DELIVERY, Reason.WRONG_INPUT, Invalid(Reason.WRONG_INPUT, "other input"))
    telemetry.on_bus_error(Retry(Reason.BUS_UNREACHABLE, "fetch"))
    reasons = [line["reason"] for line in lines.parse()]
    assert reasons == ["rpc_unreachable", "wrong_input", "bus_unreachable"]
    assert (lines.parse()[1]["partition"], lines.parse()[1]["offset"]) == (2, 7)
    text = metrics.render().decode()
    assert 'zarathustra_test_records_retried_total{reason="rpc_unreachable"} 1.0' in text
    assert 'zarathustra_test_dead_letters_total{reason="wrong_input",topic="evaluations.v1"} 1.0' in text
    assert "zarathustra_test_bus_errors_total 1.0" in text


def test_observer__progress__is_measured() -> None:
    metrics = Metrics("test")
    telemetry = LoopTelemetry(metrics)
    telemetry.on_handled(DELIVERY, 1)
    telemetry.on_lag(Partition("evaluations.v1", 2), 40)
    telemetry.on_in_flight(3, 1)
    text = metrics.render().decode()
    for expected in (
        'zarathustra_test_records_handled_total{topic="evaluations.v1"} 1.0',
        'zarathustra_test_lag_records{partition="2",topic="evaluations.v1"} 40.0',
        "zarathustra_test_records_in_flight 3.0",
        "zarathustra_test_put_back_records 1.0",
    ):
        assert expected in text
