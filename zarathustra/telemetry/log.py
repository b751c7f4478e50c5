"""Structured logs: one JSON object per line, with the task's id where it is about a task.

Levels: `error` needs a person at once, `warning` needs one today, `info` is a result, `debug` is a step. Messages are
capitalised, details are fields, and a failure has its `reason` code. Secrets have types whose repr is `***`.
"""

import logging
import sys
from typing import TextIO

import structlog

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason

Logger = structlog.stdlib.BoundLogger


def configure_logging(service: str, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send the service's logs, and the warnings of libraries, to `stream` (default stderr) as JSON lines.

    Raises Invalid(BAD_SETTING) on a level that does not exist.
    """
    numeric = logging.getLevelNamesMapping().get(level.upper())
    if numeric is None:
        raise Invalid(Reason.BAD_SETTING, "log level does not exist", log_level=level)
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _hex_bytes,
    ]
    render = structlog.processors.JSONRenderer(sort_keys=True)
    structlog.configure(
        processors=[*processors, render],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
    _route_library_logs([*processors, render], stream or sys.stderr)


def get_logger(**bound: object) -> Logger:
    """Return a logger that adds the `bound` fields to every line."""
    logger: Logger = structlog.get_logger().bind(**bound)
    return logger


def _route_library_logs(processors: list[structlog.typing.Processor], stream: TextIO) -> None:
    """Give aiokafka, faust and aiohttp, which use `logging`, the same format; only warnings and above."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *processors[:-1]],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, processors[-1]],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)


def _hex_bytes(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Write bytes as hex: they are ids, and people search for their hex."""
    return {name: "0x" + value.hex() if isinstance(value, bytes) else value for name, value in event.items()}
