"""What every `BlsBackend` guarantees, and the attacks it must refuse. The slow backend gets small batches."""

from collections.abc import Callable

import pytest
from py_ecc.bls.g2_primitives import G2_to_signature, signature_to_G2
from py_ecc.optimized_bls12_381.optimized_curve import add, field_modulus, neg

from tests.golden.make_bls import (
    compress_off_subgroup_g1,
    compress_off_subgroup_g2,
    off_subgroup_g1_eip2537,
    off_subgroup_g2_eip2537,
    small_order_g2,
)
from tests.kit.signing.values import DIGEST
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlsPublicKey, BlsSignature, Digest
from zarathustra.signing.backends import load_backend
from zarathustra.signing.bls import BlsBackend, Signed, find_invalid, is_batch_valid
from zarathustra.signing.keys import BLS_ORDER, BlsSecretKey

pytestmark = pytest.mark.conformance

FAST = load_backend("fast")
SECRETS = [BlsSecretKey.from_int(number) for number in (1, 2, 0xC0FFEE, BLS_ORDER - 3)]
KEYS = [FAST.public_key(secret) for secret in SECRETS]
SIGNATURES = [FAST.sign(secret, DIGEST) for secret in SECRETS]
SIGNED = [Signed(key, signature) for key, signature in zip(KEYS, SIGNATURES, strict=True)]

IDENTITY_KEY = BlsPublicKey(b"\xc0" + bytes(47))
IDENTITY_SIGNATURE = BlsSignature(b"\xc0" + bytes(95))


def _write_unreduced(keys: list[BlsPublicKey]) -> bytes:
    """Return a valid key with its coordinate x written as x + p, where x + p still fits below the three flag bits."""
    for key in keys:
        flags, x = key[0] & 0xE0, int.from_bytes(key, "big") % 2**381
        if x + field_modulus < 2**381:
            return (x + field_modulus + (flags << 376)).to_bytes(48, "big")
    raise AssertionError("no key has an x small enough")


MALFORMED_KEYS = {
    "empty": b"",
    "short": KEYS[0][:-1],
    "long": KEYS[0] + b"\0",
    "identity": IDENTITY_KEY,
    "identity with junk": b"\xc0" + b"\x01" * 47,
    "identity with sign": b"\xe0" + bytes(47),
    "without compression flag": bytes([KEYS[0][0] & 0x7F]) + KEYS[0][1:],
    "off the curve": b"\x80" + bytes(46) + b"\x01",
    "outside the subgroup": compress_off_subgroup_g1(),
    "of order three": b"\x80" + bytes(47),
    "leading zero": b"\0" + KEYS[0],
    "not canonical": _write_unreduced(KEYS),
}
MALFORMED_SIGNATURES = {
    "empty": b"",
    "short": SIGNATURES[0][:-1],
    "long": SIGNATURES[0] + b"\0",
    "identity": IDENTITY_SIGNATURE,
    "identity with junk": b"\xc0" + b"\x01" * 95,
    "without compression flag": bytes([SIGNATURES[0][0] & 0x7F]) + SIGNATURES[0][1:],
    "off the curve": b"\x80" + bytes(94) + b"\x03",
    "outside the subgroup": compress_off_subgroup_g2(),
    "zero between the halves": SIGNATURES[0][:48] + b"\0" + SIGNATURES[0][48:],
    "not canonical": SIGNATURES[0][:48]
    + (int.from_bytes(SIGNATURES[0][48:], "big") + field_modulus).to_bytes(48, "big"),
    "flag in the second half": SIGNATURES[0][:48] + bytes([SIGNATURES[0][48] | 0x80]) + SIGNATURES[0][49:],
}


@pytest.fixture(params=["fast", "py_ecc"])
def backend(request: pytest.FixtureRequest) -> BlsBackend:
    return load_backend(request.param)


# -- signing and verifying -----------------------------------------------------------------------------------


def test_sign__verified__passes(backend: BlsBackend) -> None:
    signature = backend.sign(SECRETS[2], DIGEST)
    assert signature == SIGNATURES[2]
    backend.verify(backend.public_key(SECRETS[2]), DIGEST, signature)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_sign__digest_of_wrong_length__is_refused(backend: BlsBackend, length: int) -> None:
    with pytest.raises(Invalid):
        backend.sign(SECRETS[0], Digest(bytes(length)))
    with pytest.raises(Invalid):
        backend.verify(KEYS[0], Digest(bytes(length)), SIGNATURES[0])


def test_verify__another_digest_key_or_negated_signature__is_refused(backend: BlsBackend) -> None:
    negated = _shift_signature(SIGNATURES[0], neg)
    cases = ((KEYS[0], Digest(bytes(32)), SIGNATURES[0]), (KEYS[1], DIGEST, SIGNATURES[0]), (KEYS[0], DIGEST, negated))
    for key, digest, signature in cases:
        _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.verify(key, digest, signature))  # noqa: B023  called at once


@pytest.mark.parametrize("why", MALFORMED_KEYS)
def test_key__malformed__is_refused_everywhere(backend: BlsBackend, why: str) -> None:
    key = BlsPublicKey(MALFORMED_KEYS[why])
    _assert_refused(Reason.BAD_KEY, lambda: backend.verify(key, DIGEST, SIGNATURES[0]))
    _assert_refused(Reason.BAD_KEY, lambda: backend.verify_possession(key, DIGEST, SIGNATURES[0]))
    _assert_refused(Reason.BAD_KEY, lambda: backend.aggregate_public_keys([key]))
    _assert_refused(Reason.BAD_KEY, lambda: backend.g1_to_eip2537(key))
    assert not is_batch_valid(backend, DIGEST, [Signed(key, SIGNATURES[0])])


@pytest.mark.parametrize("why", MALFORMED_SIGNATURES)
def test_signature__malformed__is_refused_everywhere(backend: BlsBackend, why: str) -> None:
    signature = BlsSignature(MALFORMED_SIGNATURES[why])
    _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.verify(KEYS[0], DIGEST, signature))
    _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.verify_possession(KEYS[0], DIGEST, signature))
    _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.aggregate_signatures([signature]))
    _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.g2_to_eip2537(signature))
    assert not is_batch_valid(backend, DIGEST, [Signed(KEYS[0], signature)])


def test_signature__plus_a_point_of_small_order__is_refused(backend: BlsBackend) -> None:
    """The pairing may ignore such a point: only the subgroup check finds it."""
    shifted = _shift_signature(SIGNATURES[0], lambda point: add(point, small_order_g2()))
    _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.verify(KEYS[0], DIGEST, shifted))


# -- possession ------------------------------------------------------------------------------------------------


def test_possession__proof_and_vote__are_not_interchangeable(backend: BlsBackend) -> None:
    proof = backend.prove_possession(SECRETS[0], DIGEST)
    backend.verify_possession(KEYS[0], DIGEST, proof)
    _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.verify(KEYS[0], DIGEST, proof))
    _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.verify_possession(KEYS[0], DIGEST, SIGNATURES[0]))


def test_possession__of_another_key__is_refused(backend: BlsBackend) -> None:
    proof = backend.prove_possession(SECRETS[1], DIGEST)
    _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.verify_possession(KEYS[0], DIGEST, proof))


# -- aggregates and batches ------------------------------------------------------------------------------------


def test_aggregate__of_all_signers__verifies_under_the_sum_of_their_keys(backend: BlsBackend) -> None:
    signature = backend.aggregate_signatures(SIGNATURES)
    backend.verify(backend.aggregate_public_keys(KEYS), DIGEST, signature)
    _assert_refused(
        Reason.BAD_SIGNATURE, lambda: backend.verify(backend.aggregate_public_keys(KEYS[1:]), DIGEST, signature)
    )


def test_aggregate__empty__is_refused(backend: BlsBackend) -> None:
    _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.aggregate_signatures([]))
    _assert_refused(Reason.BAD_KEY, lambda: backend.aggregate_public_keys([]))
    _assert_refused(Reason.BAD_SIGNATURE, lambda: is_batch_valid(backend, DIGEST, []))


def test_aggregate__members_cancel_to_the_identity__is_refused(backend: BlsBackend) -> None:
    opposite = BlsSecretKey.from_int(BLS_ORDER - 1)  # −1, the opposite of SECRETS[0]
    key, signature = FAST.public_key(opposite), FAST.sign(opposite, DIGEST)
    _assert_refused(Reason.BAD_KEY, lambda: backend.aggregate_public_keys([KEYS[0], key]))
    _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.aggregate_signatures([SIGNATURES[0], signature]))


def test_batch__all_valid__passes_and_names_none(backend: BlsBackend) -> None:
    assert is_batch_valid(backend, DIGEST, SIGNED)
    assert find_invalid(backend, DIGEST, SIGNED) == ()


def test_batch__two_bad_signatures_cancel__aggregate_passes_but_batch_names_both(backend: BlsBackend) -> None:
    """The signatures are σ₀ + δ and σ₂ − δ: neither operator signed, but the plain aggregate verifies."""
    delta = signature_to_G2(FAST.sign(SECRETS[1], Digest(b"\x0d" * 32)))  # type: ignore[arg-type]
    plus = _shift_signature(SIGNATURES[0], lambda point: add(point, delta))
    minus = _shift_signature(SIGNATURES[2], lambda point: add(point, neg(delta)))
    signed = [Signed(KEYS[0], plus), SIGNED[1], Signed(KEYS[2], minus)]

    aggregate = backend.aggregate_signatures([one.signature for one in signed])
    backend.verify(backend.aggregate_public_keys(KEYS[:3]), DIGEST, aggregate)

    assert not is_batch_valid(backend, DIGEST, signed)
    assert find_invalid(backend, DIGEST, signed) == (0, 2)


def test_batch__signatures_swapped_between_signers__names_both(backend: BlsBackend) -> None:
    signed = [Signed(KEYS[0], SIGNATURES[1]), Signed(KEYS[1], SIGNATURES[0])]
    assert find_invalid(backend, DIGEST, signed) == (0, 1)


def test_batch__one_malformed_member__is_named(backend: BlsBackend) -> None:
    signed = [SIGNED[0], Signed(KEYS[1], BlsSignature(b"junk")), Signed(compress_off_subgroup_g1(), SIGNATURES[2])]
    assert find_invalid(backend, DIGEST, signed) == (1, 2)


# -- EIP-2537 ----------------------------------------------------------------------------------------------------


def test_eip2537__written_and_read__is_the_same_point(backend: BlsBackend) -> None:
    for key, signature in zip(KEYS, SIGNATURES, strict=True):
        assert backend.g1_from_eip2537(backend.g1_to_eip2537(key)) == key
        assert backend.g2_from_eip2537(backend.g2_to_eip2537(signature)) == signature


@pytest.mark.parametrize("place", [0, 15, 64])
def test_eip2537__padding_not_zero__is_refused(backend: BlsBackend, place: int) -> None:
    key = bytearray(FAST.g1_to_eip2537(KEYS[0]))
    signature = bytearray(FAST.g2_to_eip2537(SIGNATURES[0]))
    key[place] = signature[place] = 1
    _assert_refused(Reason.BAD_KEY, lambda: backend.g1_from_eip2537(bytes(key)))
    _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.g2_from_eip2537(bytes(signature)))


def test_eip2537__bad_points__are_refused(backend: BlsBackend) -> None:
    key, signature = FAST.g1_to_eip2537(KEYS[0]), FAST.g2_to_eip2537(SIGNATURES[0])
    unreduced_key = _add_modulus(key)
    unreduced_signature = _add_modulus(signature)
    off_curve_key = key[:-1] + bytes([key[-1] ^ 1])
    off_curve_signature = signature[:-1] + bytes([signature[-1] ^ 1])
    for bad in (b"", key[:-1], bytes(128), off_subgroup_g1_eip2537(), unreduced_key, off_curve_key):
        _assert_refused(Reason.BAD_KEY, lambda: backend.g1_from_eip2537(bad))  # noqa: B023  called at once
    for bad in (b"", signature[:-1], bytes(256), off_subgroup_g2_eip2537(), unreduced_signature, off_curve_signature):
        _assert_refused(Reason.BAD_SIGNATURE, lambda: backend.g2_from_eip2537(bad))  # noqa: B023  called at once


def _assert_refused(reason: Reason, call: Callable[[], object]) -> None:
    with pytest.raises(Invalid) as caught:
        call()
    assert caught.value.reason is reason


def _shift_signature(signature: BlsSignature, change: Callable[..., object]) -> BlsSignature:
    """Return the signature's point after `change`, computed by py_ecc without any check."""
    point = signature_to_G2(signature)  # type: ignore[arg-type]
    return BlsSignature(bytes(G2_to_signature(change(point))))  # type: ignore[arg-type]


def _add_modulus(encoded: bytes) -> bytes:
    """Return the same point with its first coordinate written as x + p."""
    return (int.from_bytes(encoded[:64], "big") + field_modulus).to_bytes(64, "big") + encoded[64:]
