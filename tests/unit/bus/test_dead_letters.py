"""Dead letters and records that were put back."""

import pytest

from zarathustra.bus.dead_letters import (
    MAX_ERROR_BYTES,
    MAX_KEPT_BYTES,
    build_dead_letter,
    build_retry,
    parse_put_back,
)
from zarathustra.bus.records import Delivery, Header, Record
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason

pytestmark = pytest.mark.unit

HEADERS = {"id": b"\x01", "type": b"AttestationSigned", "signature": b"\x02" * 65}
DELIVERY = Delivery(Record("attestations.v1", b"task", b"value", HEADERS), 4, 17, 1_700_000_000_000)
ERROR = Invalid(Reason.BAD_SIGNATURE, "verify attestation", operator="0xab")
BUSY = Retry(Reason.EVALUATOR_BUSY, "ask evaluator")


def test_dead_letter__record__is_unchanged_and_has_its_reason_and_source() -> None:
    letter = build_dead_letter(DELIVERY, ERROR, topic="g.dlq.v1", attempt=3)

    assert (letter.topic, letter.key, letter.value) == ("g.dlq.v1", b"task", b"value")
    assert letter.headers == HEADERS | {
        "reason": b"bad_signature",
        "error": b"bad_signature: verify attestation (operator=0xab)",
        "attempt": b"3",
        "source-topic": b"attestations.v1",
        "source-partition": b"4",
        "source-offset": b"17",
    }


def test_dead_letter__reason_given__keeps_the_reason_of_the_error_as_cause() -> None:
    letter = build_dead_letter(DELIVERY, BUSY, topic="g.dlq.v1", reason=Reason.TOO_MANY_FAILURES)

    assert letter.headers[Header.REASON] == b"too_many_failures"
    assert letter.headers[Header.CAUSE] == b"evaluator_busy"


def test_dead_letter__sender_forges_our_headers__they_are_dropped() -> None:
    forged: dict[str, bytes] = {Header.CAUSE: b"crash", Header.SOURCE_OFFSET: b"0", Header.CUT_FROM: b"9"}
    delivery = Delivery(Record("attestations.v1", b"k", b"v", forged), 4, 17, 0)

    headers = build_dead_letter(delivery, ERROR, topic="g.dlq.v1").headers

    assert headers[Header.SOURCE_OFFSET] == b"17"
    assert headers.keys().isdisjoint({Header.CAUSE, Header.CUT_FROM})


def test_dead_letter__error_quotes_a_long_record__text_is_cut_at_a_character() -> None:
    error = Invalid(Reason.UNPARSABLE, "é" * MAX_ERROR_BYTES)

    text = build_dead_letter(DELIVERY, error, topic="g.dlq.v1").headers[Header.ERROR]

    assert MAX_ERROR_BYTES - 1 <= len(text) <= MAX_ERROR_BYTES
    assert text.decode().endswith("é")


@pytest.mark.parametrize(
    "record",
    [
        Record("attestations.v1", b"k", bytes(2 * MAX_KEPT_BYTES)),
        Record("attestations.v1", bytes(2 * MAX_KEPT_BYTES), b"v"),
        Record("attestations.v1", b"k", b"v", {"h": bytes(2 * MAX_KEPT_BYTES)}),
    ],
    ids=["value", "key", "headers"],
)
def test_dead_letter__record_too_large_to_keep__is_cut_and_marked(record: Record) -> None:
    letter = build_dead_letter(Delivery(record, 4, 17, 0), ERROR, topic="g.dlq.v1")

    assert letter.count_bytes() < MAX_KEPT_BYTES + 2_000
    assert letter.headers[Header.CUT_FROM] == str(len(record.value)).encode()
    assert letter.headers[Header.SOURCE_OFFSET] == b"17"


def test_put_back__built_and_parsed__gives_the_original() -> None:
    record = build_retry(DELIVERY, BUSY, topic="g.retry.v1", attempt=2, not_before_ms=1_700_000_001_000)

    put_back = parse_put_back(Delivery(record, 0, 0, DELIVERY.timestamp_ms))

    assert put_back.delivery == DELIVERY
    assert (put_back.attempt, put_back.not_before_ms) == (2, 1_700_000_001_000)
    assert record.headers[Header.REASON] == b"evaluator_busy"


def test_put_back__put_back_again__still_gives_the_original() -> None:
    delivery = DELIVERY
    for attempt in (2, 3):
        record = build_retry(delivery, BUSY, topic="g.retry.v1", attempt=attempt, not_before_ms=attempt)
        put_back = parse_put_back(Delivery(record, 9, 99, DELIVERY.timestamp_ms))
        delivery = put_back.delivery

    assert delivery == DELIVERY
    assert put_back.attempt == 3


@pytest.mark.parametrize("value", [b"", b"-1", b"+1", b"1_0", b" 1", b"1.5", b"\xd9\xa1", b"9" * 19])
@pytest.mark.parametrize("header", [Header.ATTEMPT, Header.NOT_BEFORE, Header.SOURCE_PARTITION, Header.SOURCE_OFFSET])
def test_put_back__number_is_forged__is_refused(header: Header, value: bytes) -> None:
    record = build_retry(DELIVERY, BUSY, topic="g.retry.v1", attempt=2, not_before_ms=0)
    forged = Record(record.topic, record.key, record.value, {**record.headers, header: value})

    with pytest.raises(Invalid) as caught:
        parse_put_back(Delivery(forged, 0, 0, 0))
    assert caught.value.reason is Reason.UNPARSABLE
