"""Records that were put back or given up: the untouched record, with the reason and the origin in its headers.

source topic ──Retry──▶ <group>.retry.v1 ──(again, until attempts run out)──▶ <group>.dlq.v1
           ╰──Invalid──────────────────────────────────────────────────────▶ <group>.dlq.v1
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from zarathustra.bus.records import Delivery, Header, Record
from zarathustra.core.errors import Invalid, ZarathustraError
from zarathustra.core.reasons import Reason

MAX_ERROR_BYTES: Final = 1_000  # the error's text may quote the record, which a stranger wrote
# A stranger's compressed batch can unpack to a record that is larger than any topic accepts. If it were not cut, its
# dead letter could not be written, and the loop would never get past that record. Half of what the topics accept.
MAX_KEPT_BYTES: Final = 524_288
_CUT_KEY_BYTES: Final = 256

_LOOP_HEADERS: Final = frozenset(
    {
        Header.ATTEMPT,
        Header.NOT_BEFORE,
        Header.REASON,
        Header.CAUSE,
        Header.ERROR,
        Header.SOURCE_TOPIC,
        Header.SOURCE_PARTITION,
        Header.SOURCE_OFFSET,
        Header.CUT_FROM,
    }
)
_NUMBER: Final = re.compile(rb"[0-9]{1,18}")  # int() would also take signs, spaces and underscores
_TOPIC: Final = re.compile(rb"[A-Za-z0-9._-]{1,249}")


@dataclass(frozen=True)
class PutBack:
    """A parsed record of a retry topic: the original delivery, and when to handle it next."""

    delivery: Delivery
    attempt: int  # number of the delivery attempt that comes next: 2, 3, …
    not_before_ms: int


def build_retry(delivery: Delivery, error: ZarathustraError, *, topic: str, attempt: int, not_before_ms: int) -> Record:
    """Build the record for the retry topic. `attempt` is the next delivery attempt, `delivery` the original one."""
    return _build_letter(
        delivery,
        topic,
        {
            Header.REASON: error.reason.code.encode(),
            Header.ERROR: _cut_text(str(error)),
            Header.ATTEMPT: str(attempt).encode(),
            Header.NOT_BEFORE: str(not_before_ms).encode(),
        },
    )


def build_dead_letter(
    delivery: Delivery,
    error: ZarathustraError,
    *,
    topic: str,
    attempt: int = 1,
    reason: Reason | None = None,
) -> Record:
    """Build the record for the dead-letter topic: untouched key and value, the reason and the origin in headers.

    If `reason` (too_many_failures) is given, it replaces the error's own reason, which becomes the `cause`.
    A record over MAX_KEPT_BYTES is cut, and `cut-from` holds the length that its value had.
    """
    added: dict[str, bytes] = {
        Header.REASON: (reason or error.reason).code.encode(),
        Header.ERROR: _cut_text(str(error)),
        Header.ATTEMPT: str(attempt).encode(),
    }
    if reason is not None:
        added[Header.CAUSE] = error.reason.code.encode()
    return _build_letter(delivery, topic, added)


def parse_put_back(delivery: Delivery) -> PutBack:
    """Read a record of a retry topic. Raises Invalid(UNPARSABLE) when the loop's headers are missing or malformed."""
    headers = delivery.record.headers
    topic = headers.get(Header.SOURCE_TOPIC, b"")
    if not _TOPIC.fullmatch(topic):
        raise Invalid(Reason.UNPARSABLE, "header is not a topic's name", header=Header.SOURCE_TOPIC.value)

    return PutBack(
        delivery=Delivery(
            record=replace(delivery.record, topic=topic.decode(), headers=_drop_loop_headers(delivery.record)),
            partition=_parse_number(delivery, Header.SOURCE_PARTITION),
            offset=_parse_number(delivery, Header.SOURCE_OFFSET),
            timestamp_ms=delivery.timestamp_ms,
        ),
        attempt=_parse_number(delivery, Header.ATTEMPT),
        not_before_ms=_parse_number(delivery, Header.NOT_BEFORE),
    )


def _build_letter(delivery: Delivery, topic: str, added: dict[str, bytes]) -> Record:
    record = delivery.record
    source: dict[str, bytes] = {
        Header.SOURCE_TOPIC: record.topic.encode(),
        Header.SOURCE_PARTITION: str(delivery.partition).encode(),
        Header.SOURCE_OFFSET: str(delivery.offset).encode(),
    }
    if record.count_bytes() <= MAX_KEPT_BYTES:
        # Headers of the sender with these names are dropped: readers would take them for the loop's.
        return Record(topic, record.key, record.value, {**_drop_loop_headers(record), **added, **source})

    cut: dict[str, bytes] = {Header.CUT_FROM: str(len(record.value)).encode()}
    value = record.value[: MAX_KEPT_BYTES - _CUT_KEY_BYTES]
    return Record(topic, record.key[:_CUT_KEY_BYTES], value, {**added, **source, **cut})


def _drop_loop_headers(record: Record) -> dict[str, bytes]:
    return {name: value for name, value in record.headers.items() if name not in _LOOP_HEADERS}


def _cut_text(text: str) -> bytes:
    """Return at most MAX_ERROR_BYTES of UTF-8 that end with a whole character."""
    return text.encode(errors="replace")[:MAX_ERROR_BYTES].decode(errors="ignore").encode()


def _parse_number(delivery: Delivery, header: Header) -> int:
    value = delivery.record.headers.get(header, b"")
    if not _NUMBER.fullmatch(value):
        raise Invalid(Reason.UNPARSABLE, "header is not a number", header=header.value)
    return int(value)
