"""Structured logs: one JSON object a line, bound to the task it is about.

`error` wakes someone, `warning` is for today, `info` is an outcome, `debug` a step. Messages are capitalised; facts
are fields; a failure carries its `reason` code. Secrets have types whose repr is `***`.
"""

import logging
import sys
from typing import TextIO

import structlog

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason

Logger = structlog.stdlib.BoundLogger


def configure_logging(service: str, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send our logs, and the libraries' warnings, to `stream` (default stderr) as JSON lines.

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
    """A logger with `bound` fields on every line."""
    logger: Logger = structlog.get_logger().bind(**bound)
    return logger


def _route_library_logs(processors: list[structlog.typing.Processor], stream: TextIO) -> None:
    """aiokafka, faust and aiohttp log through the standard library: same format, warnings and above only."""
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
    """Bytes are ids here; people search for their hex."""
    return {name: "0x" + value.hex() if isinstance(value, bytes) else value for name, value in event.items()}
