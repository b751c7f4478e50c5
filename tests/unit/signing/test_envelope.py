"""An envelope is valid only for its operator, topic, bytes, chain and contract."""

from dataclasses import replace

import pytest

from tests.kit.chain.deployment import DOMAIN
from tests.kit.signing.values import KEYS
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, EcdsaSignature, OperatorId
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.envelope import build_headers, sign_record, verify_envelope
from zarathustra.signing.keys import SECP256K1_ORDER, EcdsaSecretKey

pytestmark = pytest.mark.unit

TOPIC, VALUE = "attestations.v1", b"the bytes as sent"
OPERATOR = OperatorId(compute_address(KEYS.ecdsa))
SIGNATURE = sign_record(KEYS.ecdsa, DOMAIN, TOPIC, VALUE)
HEADERS = build_headers(OPERATOR, SIGNATURE)


def test_open_envelope__own_record__names_the_operator() -> None:
    assert verify_envelope(TOPIC, VALUE, HEADERS, DOMAIN) == OPERATOR


def test_open_envelope__other_headers_beside_it__are_ignored() -> None:
    assert verify_envelope(TOPIC, VALUE, {**HEADERS, "type": b"Attestation"}, DOMAIN) == OPERATOR


@pytest.mark.parametrize("value", [b"", VALUE + b"\0", VALUE[:-1]])
def test_open_envelope__value_changed__is_refused(value: bytes) -> None:
    _assert_refused(value=value)


def test_open_envelope__copied_to_another_topic_chain_or_contract__is_refused() -> None:
    _assert_refused(topic="evaluations.v1")
    with pytest.raises(Invalid):
        verify_envelope(TOPIC, VALUE, HEADERS, replace(DOMAIN, chain_id=1))
    with pytest.raises(Invalid):
        verify_envelope(TOPIC, VALUE, HEADERS, replace(DOMAIN, verifying_contract=Address(b"\x01" * 20)))


def test_open_envelope__claimed_by_another_operator__is_refused() -> None:
    thief = OperatorId(compute_address(EcdsaSecretKey.from_int(2)))
    _assert_refused(headers=build_headers(thief, SIGNATURE))


def test_open_envelope__signed_for_another_operator__is_refused() -> None:
    own = sign_record(EcdsaSecretKey.from_int(2), DOMAIN, TOPIC, VALUE)
    _assert_refused(headers=build_headers(OPERATOR, own))


@pytest.mark.parametrize("name", ["operator", "signature"])
def test_open_envelope__header_missing_or_of_wrong_length__is_refused(name: str) -> None:
    _assert_refused(headers={key: value for key, value in HEADERS.items() if key != name})
    for value in (b"", HEADERS[name][:-1], HEADERS[name] + b"\0"):
        _assert_refused(headers={**HEADERS, name: value})


def test_open_envelope__high_s_twin__is_refused() -> None:
    s = SECP256K1_ORDER - int.from_bytes(SIGNATURE[32:64], "big")
    twin = EcdsaSignature(SIGNATURE[:32] + s.to_bytes(32, "big") + bytes([55 - SIGNATURE[64]]))
    _assert_refused(headers=build_headers(OPERATOR, twin))


def _assert_refused(*, topic: str = TOPIC, value: bytes = VALUE, headers: dict[str, bytes] = HEADERS) -> None:
    with pytest.raises(Invalid) as caught:
        verify_envelope(topic, value, headers, DOMAIN)
    assert caught.value.reason is Reason.BAD_ENVELOPE
