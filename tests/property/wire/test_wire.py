"""The codec on every type of record: a value comes back equal from its bytes, and bad bytes are only refused."""

import dataclasses
import json
from collections.abc import Callable
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kit.aggregation.votes import build_proposal
from tests.kit.bus.records import deliver
from tests.kit.chain.deployment import DOMAIN
from tests.kit.chain.tasks import build_task
from tests.kit.signing.operators import make_keys
from zarathustra.bus.records import Header, Record
from zarathustra.core import events, messages
from zarathustra.core.errors import Invalid
from zarathustra.core.outcomes import Code, Outcome
from zarathustra.core.project import RewardRule
from zarathustra.core.types import MAX_SCORE_MICRO, BlsSignature, Seed, SetVersion, Topic
from zarathustra.runtime.records import read_chain_event, read_message
from zarathustra.signing.envelope import build_headers, sign_record
from zarathustra.v1 import evaluations_pb2, evaluator_pb2
from zarathustra.wire.codec import RECORD_TYPES, decode, encode
from zarathustra.wire.evaluator import (
    EvaluateRequest,
    decode_request,
    decode_result,
    encode_request_pieces,
)
from zarathustra.wire.json_view import to_json_value

pytestmark = pytest.mark.property

KEYS = make_keys(0)
LENGTHS = {"signature": 96, "performer_signature": 65, "public_key": 48, "bls_key": 128}
ADDRESSES = {
    "operator", "owner", "rewards_receiver", "to", "pointer", "performer", "aggregator", "contributor", "token",
    "account", "signing_key", "disputer",
}  # fmt: skip
BIG = {"stake", "amount", "total_stake", "signed_stake", "bitmap", "culprits"}
AMOUNTS = {"pool", "budget", "max_reward", "reward_rate", "bond", "fee"}
RANGES = {
    "attempt": (0, 255),
    "champion_score": (-MAX_SCORE_MICRO, MAX_SCORE_MICRO),
    "challenger_score": (-MAX_SCORE_MICRO, MAX_SCORE_MICRO),
    "gain_lower_bound": (-(2**62), 2 * MAX_SCORE_MICRO),
}
NARROW = 2**31 - 1  # the proto's smallest integer


def plain(kind: Any) -> Any:
    while hasattr(kind, "__supertype__"):
        kind = kind.__supertype__
    return kind


def values_of(name: str, kind: Any) -> st.SearchStrategy[Any]:
    """Valid values of one field."""
    kind = plain(kind)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        bool: st.booleans(),
        str: st.text(min_size=1, max_size=16),
        Code: st.sampled_from([code for code in Code if code is not Code.NONE]),
        Outcome: st.sampled_from(Outcome),
        RewardRule: st.sampled_from(RewardRule),
    }
    if get_origin(kind) in (Union, UnionType):
        return st.one_of([instances(choice) for choice in get_args(kind)])
    if dataclasses.is_dataclass(kind):
        return instances(kind)  # type: ignore[arg-type]  # a class, not a value
    if kind is bytes:
        length = 20 if name in ADDRESSES else LENGTHS.get(name, 32)
        return st.binary(min_size=length, max_size=length)
    if kind is int and name in AMOUNTS:
        return st.integers(1, 2**96 - 1)
    if kind is int:
        return st.integers(1, 2**128 - 1) if name in BIG else st.integers(*RANGES.get(name, (0, NARROW)))
    return simple[kind]


@cache
def instances(value_class: type) -> st.SearchStrategy[Any]:
    """Valid values of a fact or message."""
    hints = get_type_hints(value_class)
    fields = {field.name: values_of(field.name, hints[field.name]) for field in dataclasses.fields(value_class)}
    return st.builds(value_class, **fields)


records = st.sampled_from(sorted(RECORD_TYPES)).flatmap(lambda name: instances(RECORD_TYPES[name]))


@given(records)
def test_codec__any_value__comes_back_equal_from_equal_bytes(value: Any) -> None:
    data = encode(value)
    assert decode(type(value).__name__, data) == value
    assert encode(value) == data


@given(records)
def test_json_view__any_value__is_json_that_javascript_reads_exactly(value: Any) -> None:
    def check(item: Any) -> None:
        if isinstance(item, int):
            assert abs(item) < 2**53
        for inner in item.values() if isinstance(item, dict) else ():
            check(inner)

    view = to_json_value(value)
    check(view)
    assert json.loads(json.dumps(view)) == view


names = st.one_of(st.sampled_from(sorted(RECORD_TYPES)), st.text(max_size=20))
wild_bytes = st.one_of(
    st.binary(max_size=400),
    # a good record with a part removed, added or overwritten: most of it still parses
    st.builds(
        lambda value, start, length, piece: (data := encode(value))[:start] + piece + data[start + length :],
        records,
        st.integers(0, 200),
        st.integers(0, 40),
        st.binary(max_size=40),
    ),
)


def try_to(action: Callable[[], object]) -> str:
    """Return why the action was refused, or "" if it was not. It may raise only Invalid, with a text for the log."""
    try:
        action()
    except Invalid as error:
        return str(error)
    return ""


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(names, wild_bytes)
def test_decode__any_bytes__are_a_value_or_invalid(record_type: str, data: bytes) -> None:
    try_to(lambda: decode(record_type, data))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(names, wild_bytes)
def test_read_message__any_bytes_in_a_good_envelope__are_a_message_or_invalid(record_type: str, data: bytes) -> None:
    headers = build_headers(KEYS.operator_id, sign_record(KEYS.ecdsa, DOMAIN, Topic.CERTIFICATES, data))
    record = Record(Topic.CERTIFICATES, data[:32], data, {**headers, Header.TYPE: record_type.encode()})
    try_to(lambda: read_message(deliver(record), DOMAIN))
    try_to(lambda: read_chain_event(deliver(record)))


@given(st.binary(max_size=200))
def test_evaluator_codec__any_bytes__are_a_value_or_invalid(data: bytes) -> None:
    try_to(lambda: decode_request(data))
    try_to(lambda: decode_result(data))


@pytest.mark.parametrize("length", [33, 5_000])
def test_decode__number_longer_than_any_word__is_invalid_with_a_short_text(length: int) -> None:
    """Python refuses to format an integer of more than 4,300 digits: an error about it must not stop the service."""
    proposal = build_proposal(build_task())
    certificate = messages.CertificateIssued(proposal, True, SetVersion(1), 1, BlsSignature(bytes(96)))
    message = encode(certificate)
    small = bytes([4 << 3 | 2, 1, 1])
    assert message.count(small) == 1
    large = bytes([4 << 3 | 2]) + _varint(length) + b"\xff" * length
    with pytest.raises(Invalid) as caught:
        decode("CertificateIssued", message.replace(small, large))
    assert len(str(caught.value)) < 1_000


@given(st.integers(0, 2**31 - 1).filter(lambda number: number not in set(Code)))
def test_decode__number_outside_the_enum__is_invalid(number: int) -> None:
    message = evaluations_pb2.EvaluationProposed.FromString(encode(build_proposal(build_task())))
    message.evaluation.code = number
    with pytest.raises(Invalid):
        decode("EvaluationProposed", message.SerializeToString())


def _varint(number: int) -> bytes:
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def test_codec__facts__are_all_drawn() -> None:
    """The strategies are built from the union, so that they cover a new fact at once."""
    facts = {fact for union in get_args(events.Fact) for fact in (get_args(union) or (union,))}
    for fact in facts:
        instances(fact)


@given(
    st.builds(
        EvaluateRequest,
        input_hash=st.binary(min_size=32, max_size=32),
        architecture=st.binary(max_size=300),
        evaluator=st.binary(max_size=3),
        champion=st.binary(max_size=20_000),
        challenger=st.binary(max_size=3),
        seed=st.binary(min_size=32, max_size=32).map(Seed),
        rounds=st.integers(1, 65_535),
    )
)
def test_encode_request_pieces__any_request__are_the_bytes_of_protobufs_encoder(request: EvaluateRequest) -> None:
    message = evaluator_pb2.EvaluateRequest(**dataclasses.asdict(request))
    assert b"".join(encode_request_pieces(request)) == message.SerializeToString(deterministic=True)
