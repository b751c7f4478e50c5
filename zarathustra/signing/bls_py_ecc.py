"""BLS in pure Python: the reference for the fast backend, 100 × slower and not constant-time."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from py_ecc.bls.g2_primitives import G1_to_pubkey, G2_to_signature, pubkey_to_G1, signature_to_G2, subgroup_check
from py_ecc.bls.hash_to_curve import hash_to_G2
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.fields import optimized_bls12_381_FQ2 as FQ2
from py_ecc.fields import optimized_bls12_381_FQ12 as FQ12
from py_ecc.optimized_bls12_381.optimized_curve import (
    G1,
    Z1,
    Z2,
    add,
    b,
    b2,
    field_modulus,
    is_inf,
    is_on_curve,
    multiply,
    neg,
    normalize,
)
from py_ecc.optimized_bls12_381.optimized_pairing import final_exponentiate, pairing

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlsPublicKey, BlsSignature, Digest, validate_length
from zarathustra.signing.bls import POSSESSION_TAG, VOTE_TAG, Signed
from zarathustra.signing.eip2537 import (
    COORDINATE_LENGTH,
    G1_COORDINATES,
    G2_COORDINATES,
    pad_coordinates,
    strip_coordinates,
)
from zarathustra.signing.keys import BlsSecretKey

Point = Any  # py_ecc's points are untyped triples of field elements


class PyEccBls:
    """`BlsBackend` for tests and for machines without the native libraries."""

    def public_key(self, secret: BlsSecretKey) -> BlsPublicKey:
        return BlsPublicKey(bytes(G1_to_pubkey(multiply(G1, _scalar(secret)))))

    def sign(self, secret: BlsSecretKey, digest: Digest) -> BlsSignature:
        return _sign(secret, digest, VOTE_TAG)

    def prove_possession(self, secret: BlsSecretKey, digest: Digest) -> BlsSignature:
        return _sign(secret, digest, POSSESSION_TAG)

    def verify(self, key: BlsPublicKey, digest: Digest, signature: BlsSignature) -> None:
        _verify(key, digest, signature, VOTE_TAG)

    def verify_possession(self, key: BlsPublicKey, digest: Digest, proof: BlsSignature) -> None:
        _verify(key, digest, proof, POSSESSION_TAG)

    def is_weighted_sum_valid(self, digest: Digest, signed: Sequence[Signed], weights: Sequence[int]) -> bool:
        pairs = list(zip(signed, weights, strict=True))
        key = _sum((multiply(_parse_key(one.public_key), weight) for one, weight in pairs), Z1)
        signature = _sum((multiply(_parse_signature(one.signature), weight) for one, weight in pairs), Z2)
        return _is_pairing_valid(key, digest, signature, VOTE_TAG)

    def aggregate_signatures(self, signatures: Sequence[BlsSignature]) -> BlsSignature:
        total = _sum(map(_parse_signature, signatures), Z2)
        if is_inf(total):
            raise Invalid(Reason.BAD_SIGNATURE, "aggregate is empty or the identity")
        return BlsSignature(bytes(G2_to_signature(total)))

    def aggregate_public_keys(self, keys: Sequence[BlsPublicKey]) -> BlsPublicKey:
        total = _sum(map(_parse_key, keys), Z1)
        if is_inf(total):
            raise Invalid(Reason.BAD_KEY, "aggregate is empty or the identity")
        return BlsPublicKey(bytes(G1_to_pubkey(total)))

    def g1_to_eip2537(self, key: BlsPublicKey) -> bytes:
        x, y = normalize(_parse_key(key))
        return _encode_coordinates(x.n, y.n)

    def g1_from_eip2537(self, encoded: bytes) -> BlsPublicKey:
        x, y = _decode_coordinates(encoded, G1_COORDINATES, Reason.BAD_KEY)
        point = (FQ(x), FQ(y), FQ(1))
        if not is_on_curve(point, b) or not subgroup_check(point):
            raise Invalid(Reason.BAD_KEY, "key is not a point of G1")
        return BlsPublicKey(bytes(G1_to_pubkey(point)))

    def g2_to_eip2537(self, signature: BlsSignature) -> bytes:
        x, y = normalize(_parse_signature(signature))
        return _encode_coordinates(*(int(part) for part in (*x.coeffs, *y.coeffs)))

    def g2_from_eip2537(self, encoded: bytes) -> BlsSignature:
        x0, x1, y0, y1 = _decode_coordinates(encoded, G2_COORDINATES, Reason.BAD_SIGNATURE)
        point = (FQ2([x0, x1]), FQ2([y0, y1]), FQ2([1, 0]))
        if not is_on_curve(point, b2) or not subgroup_check(point):
            raise Invalid(Reason.BAD_SIGNATURE, "signature is not a point of G2")
        return BlsSignature(bytes(G2_to_signature(point)))


def _sign(secret: BlsSecretKey, digest: Digest, tag: bytes) -> BlsSignature:
    validate_length("digest", digest, 32)
    return BlsSignature(bytes(G2_to_signature(multiply(_hash_to_g2(digest, tag), _scalar(secret)))))


def _verify(key: BlsPublicKey, digest: Digest, signature: BlsSignature, tag: bytes) -> None:
    if not _is_pairing_valid(_parse_key(key), digest, _parse_signature(signature), tag):
        raise Invalid(Reason.BAD_SIGNATURE, "BLS signature does not verify")


def _is_pairing_valid(key: Point, digest: Digest, signature: Point, tag: bytes) -> bool:
    """e(key, H(digest)) · e(−G1, signature) = 1, with one final exponentiation for both."""
    validate_length("digest", digest, 32)
    left = pairing(_hash_to_g2(digest, tag), key, final_exponentiate=False)
    right = pairing(signature, neg(G1), final_exponentiate=False)
    return bool(final_exponentiate(left * right) == FQ12.one())


def _hash_to_g2(digest: Digest, tag: bytes) -> Point:
    return hash_to_G2(digest, tag, sha256)  # type: ignore[arg-type]  # annotated as a hash object, called as a factory


def _parse_key(key: BlsPublicKey) -> Point:
    """Parse a key's point, which must be in the subgroup and not the identity."""
    try:
        point = pubkey_to_G1(_exactly(key, COORDINATE_LENGTH))
    except ValueError as error:
        raise Invalid(Reason.BAD_KEY, "key is not a point of G1") from error
    if is_inf(point) or not subgroup_check(point):
        raise Invalid(Reason.BAD_KEY, "key is the identity or outside the subgroup")
    return point


def _parse_signature(signature: BlsSignature) -> Point:
    """Parse a signature's point, which must be in the subgroup and not the identity."""
    try:
        point = signature_to_G2(_exactly(signature, 2 * COORDINATE_LENGTH))
    except ValueError as error:
        raise Invalid(Reason.BAD_SIGNATURE, "signature is not a point of G2") from error
    if is_inf(point) or not subgroup_check(point):
        raise Invalid(Reason.BAD_SIGNATURE, "signature is the identity or outside the subgroup")
    return point


def _exactly(value: bytes, length: int) -> Any:
    """Raise ValueError for another length: py_ecc reads points of any length, but only one is canonical."""
    if len(value) != length:
        raise ValueError(f"point has {len(value)} bytes")
    return value


def _sum(points: Iterable[Point], zero: Point) -> Point:
    total = zero
    for point in points:
        total = add(total, point)
    return total


def _encode_coordinates(*coordinates: int) -> bytes:
    return pad_coordinates(b"".join(value.to_bytes(COORDINATE_LENGTH, "big") for value in coordinates))


def _decode_coordinates(encoded: bytes, count: int, reason: Reason) -> list[int]:
    raw = strip_coordinates(encoded, count=count, reason=reason)
    starts = range(0, len(raw), COORDINATE_LENGTH)
    values = [int.from_bytes(raw[start : start + COORDINATE_LENGTH], "big") for start in starts]
    if any(value >= field_modulus for value in values):
        raise Invalid(reason, "coordinate is not below the field modulus")
    return values


def _scalar(secret: BlsSecretKey) -> int:
    return int.from_bytes(secret.reveal(), "big")
