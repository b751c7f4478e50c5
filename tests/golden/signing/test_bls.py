"""`bls.json` is made by py_ecc; the fast backend and an implementation of the standard's API compute the same."""

import json
from typing import Any

import pytest
from py_arkworks_bls12381 import G2Point
from py_ecc.bls.ciphersuites import G2ProofOfPossession

from tests.golden.make_bls import GOLDEN_FILE, build_vectors
from zarathustra.core.errors import Invalid
from zarathustra.core.types import BlsPublicKey, BlsSignature, Digest
from zarathustra.signing.backends import load_backend
from zarathustra.signing.bls import POSSESSION_TAG, VOTE_TAG
from zarathustra.signing.eip2537 import pad_coordinates
from zarathustra.signing.keys import BlsSecretKey

pytestmark = pytest.mark.golden

GOLDEN: dict[str, list[dict[str, Any]]] = json.loads(GOLDEN_FILE.read_text())
FAST = load_backend("fast")


def test_golden_file__rebuilt_with_py_ecc__is_current() -> None:
    assert build_vectors(load_backend("py_ecc")) == GOLDEN


def test_golden_file__rebuilt_with_the_fast_backend__is_the_same() -> None:
    assert build_vectors(FAST) == GOLDEN


@pytest.mark.parametrize("vector", GOLDEN["vote"])
def test_vote_signature__standard_ciphersuite_signs__agrees(vector: dict[str, Any]) -> None:
    """The standard's `Sign` hashes to the curve under our vote tag."""
    secret = int(vector["secret"], 16)
    assert bytes(G2ProofOfPossession.SkToPk(secret)) == _raw(vector, "key")
    assert bytes(G2ProofOfPossession.Sign(secret, _raw(vector, "digest"))) == _raw(vector, "signature")


@pytest.mark.parametrize(
    "vector,tag",
    [(vector, VOTE_TAG) for vector in GOLDEN["vote"]] + [(vector, POSSESSION_TAG) for vector in GOLDEN["possession"]],
)
def test_hashed_point__native_library_hashes__agrees(vector: dict[str, Any], tag: bytes) -> None:
    point = G2Point.hash_to_curve(_raw(vector, "digest"), tag)
    assert pad_coordinates(point.to_xy_bytes_be()) == _raw(vector, "hashedEip2537")


@pytest.mark.parametrize("vector", GOLDEN["vote"] + GOLDEN["aggregate"])
def test_vote_signature__fast_backend_verifies__passes(vector: dict[str, Any]) -> None:
    key, digest = BlsPublicKey(_raw(vector, "key")), Digest(_raw(vector, "digest"))
    FAST.verify(key, digest, BlsSignature(_raw(vector, "signature")))
    assert FAST.g1_to_eip2537(key) == _raw(vector, "keyEip2537")
    assert FAST.g2_from_eip2537(_raw(vector, "signatureEip2537")) == _raw(vector, "signature")


@pytest.mark.parametrize("vector", GOLDEN["possession"])
def test_possession_proof__fast_backend_verifies__passes_only_as_a_proof(vector: dict[str, Any]) -> None:
    key, digest = BlsPublicKey(_raw(vector, "key")), Digest(_raw(vector, "digest"))
    proof = BlsSignature(_raw(vector, "signature"))
    assert FAST.prove_possession(BlsSecretKey(_raw(vector, "secret")), digest) == proof
    FAST.verify_possession(key, digest, proof)
    with pytest.raises(Invalid):
        FAST.verify(key, digest, proof)


@pytest.mark.parametrize("backend_name", ["fast", "py_ecc"])
@pytest.mark.parametrize("vector", GOLDEN["invalid"], ids=lambda vector: str(vector["why"]))
def test_invalid_vector__verified__is_refused(vector: dict[str, Any], backend_name: str) -> None:
    backend = load_backend(backend_name)
    with pytest.raises(Invalid):
        backend.verify(
            backend.g1_from_eip2537(_raw(vector, "keyEip2537")),
            Digest(_raw(vector, "digest")),
            backend.g2_from_eip2537(_raw(vector, "signatureEip2537")),
        )


def _raw(vector: dict[str, Any], name: str) -> bytes:
    return bytes.fromhex(vector[name][2:])
