"""Records: all services seal and open them in the same way; each fault of a record has its reason."""

from dataclasses import replace

import pytest

from tests.kit.bus.records import deliver
from tests.kit.chain.deployment import DOMAIN
from tests.kit.signing.operators import make_keys
from zarathustra.bus.records import Header, Record
from zarathustra.core.digests import Domain
from zarathustra.core.errors import Invalid
from zarathustra.core.events import ChainEvent, ProjectClosed, Retracted
from zarathustra.core.messages import Abstained, EvaluationProposed, Message, TaskStalled
from zarathustra.core.reasons import Reason
from zarathustra.core.types import (
    ZERO32,
    Address,
    Attempt,
    BlockHash,
    BlockNumber,
    OperatorId,
    ProjectId,
    TaskId,
    Topic,
)
from zarathustra.runtime.records import build_record, read_chain_event, read_message
from zarathustra.signing.envelope import build_headers, sign_record
from zarathustra.signing.signer import EcdsaSigner
from zarathustra.wire.codec import encode

pytestmark = pytest.mark.unit

KEYS = make_keys(0)
SIGNER = EcdsaSigner(KEYS.ecdsa, DOMAIN)
TASK = TaskId(b"\x11" * 32)
MESSAGE = Abstained(TASK, Attempt(1), ZERO32, SIGNER.operator_id, "unavailable")
EVENT = ChainEvent(
    31_337, BlockNumber(7), BlockHash(b"\xb1" * 32), ZERO32, 3, ProjectId(1), ProjectClosed(ProjectId(1))
)


def seal(message: Message = MESSAGE, *, topic: Topic = Topic.ATTESTATIONS, time_ms: int = 5) -> Record:
    return build_record(topic, message, signer=SIGNER, time_ms=time_ms)


def sealed_bytes(record_type: str, value: bytes, *, key: bytes = TASK) -> Record:
    """Return any bytes in a valid envelope."""
    headers = build_headers(SIGNER.operator_id, sign_record(KEYS.ecdsa, DOMAIN, Topic.ATTESTATIONS, value))
    return Record(Topic.ATTESTATIONS, key, value, {**headers, Header.TYPE: record_type.encode()})


def event_record(value: ChainEvent | Retracted | Message) -> Record:
    headers: dict[str, bytes] = {Header.TYPE: type(value).__name__.encode()}
    return Record(Topic.CHAIN_EVENTS, b"\x01", encode(value), headers)


def refuse(record: Record, domain: Domain = DOMAIN) -> Reason:
    with pytest.raises(Invalid) as caught:
        read_message(deliver(record), domain)
    assert str(caught.value)  # it goes to the log and the dead letter
    return caught.value.reason


def without(record: Record, header: str) -> Record:
    return replace(record, headers={name: value for name, value in record.headers.items() if name != header})


def with_header(record: Record, header: str, value: bytes) -> Record:
    return replace(record, headers={**record.headers, header: value})


def test_open__sealed_record__gives_sender_and_message() -> None:
    assert read_message(deliver(seal()), DOMAIN) == (SIGNER.operator_id, MESSAGE)


def test_build__headers__are_what_the_topics_specify() -> None:
    record = seal(time_ms=1_700_000_000_123)
    assert record.key == TASK
    assert record.headers[Header.TYPE] == b"Abstained"
    assert record.headers[Header.TIME] == b"1700000000123"
    assert record.headers[Header.OPERATOR] == SIGNER.operator_id
    assert set(record.headers) == {Header.ID, Header.TYPE, Header.TIME, Header.OPERATOR, Header.SIGNATURE}


def test_build__same_message_later__has_the_same_id_and_bytes() -> None:
    first, second = seal(time_ms=1), seal(time_ms=2)
    assert first.headers[Header.ID] == second.headers[Header.ID]
    assert (first.value, first.headers[Header.SIGNATURE]) == (second.value, second.headers[Header.SIGNATURE])


def test_build__another_message__has_another_id() -> None:
    assert seal().headers[Header.ID] != seal(replace(MESSAGE, attempt=Attempt(2))).headers[Header.ID]


# ---- envelope


@pytest.mark.parametrize("header", [Header.OPERATOR, Header.SIGNATURE])
def test_open__envelope_header_is_missing__is_refused(header: str) -> None:
    assert refuse(without(seal(), header)) is Reason.BAD_ENVELOPE


@pytest.mark.parametrize("signature", [b"", bytes(65), b"\xff" * 65, b"\x01" * 64])
def test_open__signature_is_malformed__is_refused(signature: bytes) -> None:
    assert refuse(with_header(seal(), Header.SIGNATURE, signature)) is Reason.BAD_ENVELOPE


def test_open__another_operator_is_named__is_refused() -> None:
    assert refuse(with_header(seal(), Header.OPERATOR, make_keys(1).operator_id)) is Reason.BAD_ENVELOPE


def test_open__operator_header_has_another_length__is_refused() -> None:
    assert refuse(with_header(seal(), Header.OPERATOR, b"\x01" * 19)) is Reason.BAD_ENVELOPE


def test_open__signed_by_another_key__is_refused() -> None:
    record = seal()
    forged = sign_record(make_keys(1).ecdsa, DOMAIN, Topic.ATTESTATIONS, record.value)
    assert refuse(with_header(record, Header.SIGNATURE, forged)) is Reason.BAD_ENVELOPE


def test_open__value_is_tampered_with__is_refused() -> None:
    record = seal()
    assert refuse(replace(record, value=record.value[:-1] + b"x")) is Reason.BAD_ENVELOPE


def test_open__record_is_moved_to_another_topic__is_refused() -> None:
    assert refuse(replace(seal(), topic=Topic.CERTIFICATES)) is Reason.BAD_ENVELOPE


@pytest.mark.parametrize(
    "domain",
    [Domain(1, DOMAIN.verifying_contract), Domain(DOMAIN.chain_id, Address(b"\x77" * 20))],
    ids=["other chain", "other deployment"],
)
def test_open__record_of_another_network__is_refused(domain: Domain) -> None:
    assert refuse(seal(), domain) is Reason.BAD_ENVELOPE


@pytest.mark.parametrize("record_type", ["Nonsense", "Abstained"])
def test_open__envelope_and_value_both_wrong__nothing_is_decoded(record_type: str) -> None:
    """The reason is the envelope's, so it was checked first: a stranger's bytes never reach the decoder."""
    record = sealed_bytes(record_type, b"\xff\xff\xff")
    assert refuse(without(record, Header.SIGNATURE)) is Reason.BAD_ENVELOPE


# ---- type and bytes


@pytest.mark.parametrize("record_type", ["", "Nonsense", "TaskOpened", "Evaluation", "\x00" * 1_000])
def test_open__type_is_unknown__is_refused(record_type: str) -> None:
    assert refuse(sealed_bytes(record_type, encode(MESSAGE))) is Reason.UNKNOWN_TYPE


def test_open__type_header_is_missing_or_not_text__is_refused() -> None:
    assert refuse(without(seal(), Header.TYPE)) is Reason.UNKNOWN_TYPE
    assert refuse(with_header(seal(), Header.TYPE, b"\xff\xfe")) is Reason.UNKNOWN_TYPE


@pytest.mark.parametrize("value", [b"", b"\xff\xff\xff", encode(MESSAGE)[:-5]])
def test_open__bytes_are_not_a_message__is_refused(value: bytes) -> None:
    assert refuse(sealed_bytes("Abstained", value)) is Reason.UNPARSABLE


def test_open__bytes_of_another_type__are_refused() -> None:
    assert refuse(sealed_bytes(EvaluationProposed.__name__, encode(MESSAGE))) is Reason.UNPARSABLE


@pytest.mark.parametrize("event", [EVENT, Retracted(EVENT)], ids=["event", "retraction"])
def test_open__operator_claims_a_chain_event__is_refused(event: ChainEvent | Retracted) -> None:
    record = sealed_bytes(type(event).__name__, encode(event))
    assert refuse(record) is Reason.UNKNOWN_TYPE


@pytest.mark.parametrize("key", [b"", b"\x12" * 32])
def test_open__key_is_another_task__is_refused(key: bytes) -> None:
    """The key selects the partition and the aggregator's table row: the key of another task would hide the record."""
    assert refuse(replace(seal(), key=key)) is Reason.UNPARSABLE


# ---- chain events


@pytest.mark.parametrize("event", [EVENT, Retracted(EVENT)], ids=["event", "retraction"])
def test_open_chain_event__valid__comes_back(event: ChainEvent | Retracted) -> None:
    assert read_chain_event(deliver(event_record(event))) == event


@pytest.mark.parametrize("message", [MESSAGE, TaskStalled(TASK, Attempt(0), "quorum_unreachable")])
def test_open_chain_event__operators_message__is_refused(message: Message) -> None:
    with pytest.raises(Invalid) as caught:
        read_chain_event(deliver(event_record(message)))
    assert caught.value.reason is Reason.UNKNOWN_TYPE


def test_open_chain_event__malformed__is_refused() -> None:
    record = replace(event_record(EVENT), value=b"\xff\xff")
    with pytest.raises(Invalid) as caught:
        read_chain_event(deliver(record))
    assert caught.value.reason is Reason.UNPARSABLE


def test_operator_id__of_the_signer__is_its_address() -> None:
    assert SIGNER.operator_id == OperatorId(KEYS.operator_id)
