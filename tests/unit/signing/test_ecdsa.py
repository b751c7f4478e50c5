"""ECDSA: each signature has one form only, the one that other Ethereum tools use."""

import pytest
from eth_keys.datatypes import PrivateKey

from tests.kit.signing.values import DIGEST, KEYS
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Digest, EcdsaSignature
from zarathustra.signing.ecdsa import compute_address, recover_address, sign_digest
from zarathustra.signing.keys import SECP256K1_ORDER, EcdsaSecretKey

pytestmark = pytest.mark.unit

SIGNATURE = sign_digest(KEYS.ecdsa, DIGEST)


def _signature(r: int, s: int, v: int) -> EcdsaSignature:
    return EcdsaSignature(r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v]))


R, S, V = int.from_bytes(SIGNATURE[:32], "big"), int.from_bytes(SIGNATURE[32:64], "big"), SIGNATURE[64]


def test_compute_address__well_known_development_key__is_its_address() -> None:
    key = EcdsaSecretKey(bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"))
    assert compute_address(key).hex() == "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"


def test_recover_address__own_signature__is_the_signer() -> None:
    assert recover_address(DIGEST, SIGNATURE) == compute_address(KEYS.ecdsa)


def test_sign_digest__pure_python_library__gives_the_same_signature() -> None:
    reference = PrivateKey(KEYS.ecdsa.reveal()).sign_msg_hash(DIGEST)
    assert (reference.r, reference.s, reference.v + 27) == (R, S, V)


def test_recover_address__another_digest__is_another_address() -> None:
    assert recover_address(Digest(b"\x01" * 32), SIGNATURE) != compute_address(KEYS.ecdsa)


def test_sign_digest__many_digests__s_is_always_low() -> None:
    for number in range(64):
        signature = sign_digest(KEYS.ecdsa, Digest(bytes([number]) * 32))
        assert int.from_bytes(signature[32:64], "big") <= SECP256K1_ORDER // 2


def test_recover_address__high_s_twin__is_refused() -> None:
    """The twin recovers to the same address, so accepting it would give one record two signatures."""
    _assert_refused(_signature(R, SECP256K1_ORDER - S, 55 - V))


@pytest.mark.parametrize(
    "signature",
    [
        EcdsaSignature(b""),
        EcdsaSignature(SIGNATURE[:64]),
        EcdsaSignature(SIGNATURE + b"\0"),
        _signature(R, S, V - 27),
        _signature(R, S, 26),
        _signature(R, S, 29),
        _signature(R, 0, V),
        _signature(0, S, V),
        _signature(SECP256K1_ORDER, S, V),
        _signature(R, SECP256K1_ORDER, V),
        _signature(5, S, V),  # the curve has no point with x = 5
    ],
)
def test_recover_address__malformed__is_refused(signature: EcdsaSignature) -> None:
    _assert_refused(signature)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_digest__wrong_length__is_refused(length: int) -> None:
    with pytest.raises(Invalid):
        sign_digest(KEYS.ecdsa, Digest(bytes(length)))
    with pytest.raises(Invalid):
        recover_address(Digest(bytes(length)), SIGNATURE)


def _assert_refused(signature: EcdsaSignature) -> None:
    with pytest.raises(Invalid) as caught:
        recover_address(DIGEST, signature)
    assert caught.value.reason is Reason.BAD_SIGNATURE
