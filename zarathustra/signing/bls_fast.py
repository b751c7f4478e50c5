"""BLS with native libraries: arkworks verifies (it releases the GIL), blst signs (it runs in constant time)."""

from collections.abc import Sequence

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar
from pyblst import BlstP1Element, BlstP2Element

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlsPublicKey, BlsSignature, Digest, validate_length
from zarathustra.signing.bls import POSSESSION_TAG, VOTE_TAG, Signed
from zarathustra.signing.eip2537 import G1_COORDINATES, G2_COORDINATES, pad_coordinates, strip_coordinates
from zarathustra.signing.keys import BlsSecretKey

_GENERATOR = G1Point()
_MINUS_GENERATOR = -_GENERATOR
_BLST_GENERATOR = BlstP1Element.uncompress(_GENERATOR.to_compressed_bytes())


class FastBls:
    """`BlsBackend` for production."""

    def public_key(self, secret: BlsSecretKey) -> BlsPublicKey:
        return BlsPublicKey(_BLST_GENERATOR.scalar_mul(_scalar(secret)).compress())

    def sign(self, secret: BlsSecretKey, digest: Digest) -> BlsSignature:
        return _sign(secret, digest, VOTE_TAG)

    def prove_possession(self, secret: BlsSecretKey, digest: Digest) -> BlsSignature:
        return _sign(secret, digest, POSSESSION_TAG)

    def verify(self, key: BlsPublicKey, digest: Digest, signature: BlsSignature) -> None:
        _verify(key, digest, signature, VOTE_TAG)

    def verify_possession(self, key: BlsPublicKey, digest: Digest, proof: BlsSignature) -> None:
        _verify(key, digest, proof, POSSESSION_TAG)

    def is_weighted_sum_valid(self, digest: Digest, signed: Sequence[Signed], weights: Sequence[int]) -> bool:
        scalars = [Scalar(weight) for weight in weights]
        key = G1Point.multiexp_unchecked([_parse_key(one.public_key) for one in signed], scalars)
        signature = G2Point.multiexp_unchecked([_parse_signature(one.signature) for one in signed], scalars)
        return _is_pairing_valid(key, digest, signature, VOTE_TAG)

    def aggregate_signatures(self, signatures: Sequence[BlsSignature]) -> BlsSignature:
        total = sum(map(_parse_signature, signatures), G2Point.identity())
        if total == G2Point.identity():
            raise Invalid(Reason.BAD_SIGNATURE, "aggregate is empty or the identity")
        return BlsSignature(total.to_compressed_bytes())

    def aggregate_public_keys(self, keys: Sequence[BlsPublicKey]) -> BlsPublicKey:
        total = sum(map(_parse_key, keys), G1Point.identity())
        if total == G1Point.identity():
            raise Invalid(Reason.BAD_KEY, "aggregate is empty or the identity")
        return BlsPublicKey(total.to_compressed_bytes())

    def g1_to_eip2537(self, key: BlsPublicKey) -> bytes:
        return pad_coordinates(_parse_key(key).to_xy_bytes_be())

    def g1_from_eip2537(self, encoded: bytes) -> BlsPublicKey:
        raw = strip_coordinates(encoded, count=G1_COORDINATES, reason=Reason.BAD_KEY)
        try:
            point = G1Point.from_xy_bytes_be(raw)
        except ValueError as error:
            raise Invalid(Reason.BAD_KEY, "key is not a point of G1") from error
        if point == G1Point.identity():
            raise Invalid(Reason.BAD_KEY, "key is the identity")
        return BlsPublicKey(point.to_compressed_bytes())

    def g2_to_eip2537(self, signature: BlsSignature) -> bytes:
        return pad_coordinates(_parse_signature(signature).to_xy_bytes_be())

    def g2_from_eip2537(self, encoded: bytes) -> BlsSignature:
        raw = strip_coordinates(encoded, count=G2_COORDINATES, reason=Reason.BAD_SIGNATURE)
        try:
            point = G2Point.from_xy_bytes_be(raw)
        except ValueError as error:
            raise Invalid(Reason.BAD_SIGNATURE, "signature is not a point of G2") from error
        if point == G2Point.identity():
            raise Invalid(Reason.BAD_SIGNATURE, "signature is the identity")
        return BlsSignature(point.to_compressed_bytes())


def _sign(secret: BlsSecretKey, digest: Digest, tag: bytes) -> BlsSignature:
    validate_length("digest", digest, 32)
    return BlsSignature(BlstP2Element.hash_to_group(digest, tag).scalar_mul(_scalar(secret)).compress())


def _verify(key: BlsPublicKey, digest: Digest, signature: BlsSignature, tag: bytes) -> None:
    if not _is_pairing_valid(_parse_key(key), digest, _parse_signature(signature), tag):
        raise Invalid(Reason.BAD_SIGNATURE, "BLS signature does not verify")


def _is_pairing_valid(key: G1Point, digest: Digest, signature: G2Point, tag: bytes) -> bool:
    """e(key, H(digest)) · e(−G1, signature) = 1."""
    validate_length("digest", digest, 32)
    hashed = G2Point.hash_to_curve(digest, tag)
    return GT.pairing_check([key, _MINUS_GENERATOR], [hashed, signature])


def _parse_key(key: BlsPublicKey) -> G1Point:
    """Parse a key's point, which must be in the subgroup and not the identity."""
    try:
        point = G1Point.from_compressed_bytes(key)
    except ValueError as error:
        raise Invalid(Reason.BAD_KEY, "key is not a point of G1") from error
    # arkworks reads any bytes after the infinity flag as the identity, so compare points, not bytes
    if point == G1Point.identity():
        raise Invalid(Reason.BAD_KEY, "key is the identity")
    return point


def _parse_signature(signature: BlsSignature) -> G2Point:
    """Parse a signature's point, which must be in the subgroup and not the identity."""
    try:
        point = G2Point.from_compressed_bytes(signature)
    except ValueError as error:
        raise Invalid(Reason.BAD_SIGNATURE, "signature is not a point of G2") from error
    if point == G2Point.identity():
        raise Invalid(Reason.BAD_SIGNATURE, "signature is the identity")
    return point


def _scalar(secret: BlsSecretKey) -> int:
    return int.from_bytes(secret.reveal(), "big")
