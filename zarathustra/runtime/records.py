"""Facts ↔ bus records: headers, envelope and codec in one place, so that all services send and read the same way.

An operator's record is read in this order: envelope, type, bytes. The sender is verified before anything is decoded.
"""

from collections.abc import Callable
from typing import Protocol

from zarathustra.bus.records import Delivery, Header, Record
from zarathustra.core.digests import Domain
from zarathustra.core.errors import Invalid
from zarathustra.core.events import ChainEvent, Retracted
from zarathustra.core.messages import Message, message_record_id, task_of
from zarathustra.core.reasons import Reason
from zarathustra.core.types import EcdsaSignature, OperatorId, Topic
from zarathustra.signing.envelope import build_headers, verify_envelope
from zarathustra.wire.codec import decode, encode, record_type

GetTimeMs = Callable[[], int]


class EnvelopeSigner(Protocol):
    """The part of a signer that `build_record` needs."""

    @property
    def operator_id(self) -> OperatorId: ...

    def sign_envelope(self, topic: str, value: bytes) -> EcdsaSignature: ...


def build_record(topic: Topic, message: Message, *, signer: EnvelopeSigner, time_ms: int) -> Record:
    """Build the record of a message, in its sender's envelope. Equal messages get equal record ids."""
    value = encode(message)
    headers = {
        Header.ID: str(message_record_id(message, value)).encode(),
        Header.TYPE: record_type(message).encode(),
        Header.TIME: str(time_ms).encode(),
        **build_headers(signer.operator_id, signer.sign_envelope(topic, value)),
    }
    return Record(topic=topic, key=task_of(message), value=value, headers=headers)


def read_message(delivery: Delivery, domain: Domain) -> tuple[OperatorId, Message]:
    """Verify the envelope of an operator's record, decode it, and return the sender and the message.

    Raises Invalid(BAD_ENVELOPE), Invalid(UNKNOWN_TYPE) or Invalid(UNPARSABLE).
    """
    record = delivery.record
    sender = verify_envelope(record.topic, record.value, record.headers, domain)
    value = decode(_read_type(record), record.value)
    if isinstance(value, ChainEvent | Retracted):
        raise Invalid(Reason.UNKNOWN_TYPE, "chain events do not come from operators", topic=record.topic)
    if record.key != task_of(value):
        raise Invalid(Reason.UNPARSABLE, "record key is not the message's task", key=record.key.hex())
    return sender, value


def read_chain_event(delivery: Delivery) -> ChainEvent | Retracted:
    """Decode a record of `chain-events.v1`. Raises Invalid(UNKNOWN_TYPE) or Invalid(UNPARSABLE)."""
    value = decode(_read_type(delivery.record), delivery.record.value)
    if not isinstance(value, ChainEvent | Retracted):
        raise Invalid(Reason.UNKNOWN_TYPE, "not a chain event", type=record_type(value))
    return value


def _read_type(record: Record) -> str:
    return record.headers.get(Header.TYPE, b"").decode("ascii", errors="replace")
