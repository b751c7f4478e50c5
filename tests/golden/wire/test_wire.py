"""The bytes of every message, and that proto and dataclasses name the same fields."""

import dataclasses
import json
from typing import get_args

import pytest

from tests.golden.make_wire import EXAMPLES
from tests.kit.paths import GOLDEN as GOLDEN_DIR
from zarathustra.core import events, messages
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.v1 import attestations_pb2, certificates_pb2, chain_events_pb2, evaluations_pb2
from zarathustra.wire.codec import RECORD_TYPES, decode, encode

pytestmark = pytest.mark.golden

GOLDEN = json.loads((GOLDEN_DIR / "wire.json").read_text())
FACTS = get_args(events.Fact)
MODULES = (chain_events_pb2, evaluations_pb2, attestations_pb2, certificates_pb2)


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_encode__each_example__keeps_its_bytes(name: str) -> None:
    assert encode(EXAMPLES[name]).hex() == GOLDEN[name]


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_decode__each_example__comes_back_equal(name: str) -> None:
    value = EXAMPLES[name]
    assert decode(type(value).__name__, bytes.fromhex(GOLDEN[name])) == value


def test_examples__cover_every_fact_and_every_message() -> None:
    covered = {type(value) for value in EXAMPLES.values()}
    covered |= {type(value.fact) for value in EXAMPLES.values() if isinstance(value, events.ChainEvent)}
    assert covered >= {*FACTS, *get_args(messages.Message), events.ChainEvent, events.Retracted}


@pytest.mark.parametrize("value_class", [*FACTS, *RECORD_TYPES.values()], ids=lambda value_class: value_class.__name__)
def test_fields__dataclass_and_message__have_the_same_names(value_class: type) -> None:
    module = next(module for module in MODULES if hasattr(module, value_class.__name__))
    descriptor = getattr(module, value_class.__name__).DESCRIPTOR
    plain = {field.name for field in descriptor.fields if field.containing_oneof is None}
    assert {field.name for field in dataclasses.fields(value_class)} == plain | {one.name for one in descriptor.oneofs}


@pytest.mark.parametrize(
    ("record_type", "data", "reason"),
    [
        ("Nonsense", b"", Reason.UNKNOWN_TYPE),
        ("AttestationSigned", b"\xff\xff\xff", Reason.UNPARSABLE),
        ("AttestationSigned", b"", Reason.UNPARSABLE),  # an empty message has no 32-byte task id
        ("ChainEvent", b"", Reason.UNPARSABLE),
        ("EvaluationProposed", b"", Reason.UNPARSABLE),
    ],
)
def test_decode__malformed__is_refused_with_a_reason(record_type: str, data: bytes, reason: Reason) -> None:
    with pytest.raises(Invalid) as caught:
        decode(record_type, data)
    assert caught.value.reason is reason
