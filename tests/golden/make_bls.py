"""Write `bls.json`: BLS keys, signatures and curve points that Python and Solidity must agree on.

    python -m tests.golden.make_bls

Only py_ecc makes it, so that neither the fast backend nor the contract is compared with itself.
It suits `vm.parseJson`, as `digests.json` does: flat objects, hex text, one shape per array. Points are compressed
(48 or 96 bytes) and also as the precompiles take them (EIP-2537: 128 or 256 bytes).

    vote        secret, digest → key, signature, H(digest) under the vote tag
    possession  secret, operator, domain → key hash, digest, proof, H(digest) under the possession tag
    aggregate   several signers of one digest → aggregate key and signature
    invalid     key and signature that verification of `digest` must refuse, and why
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak
from py_ecc.bls.g2_primitives import signature_to_G2
from py_ecc.bls.hash_to_curve import hash_to_G2
from py_ecc.optimized_bls12_381.optimized_curve import add, field_modulus, multiply, neg, normalize

from tests.golden.make_digests import DOMAINS, OPERATORS, OWNERS, to_hex, to_word
from zarathustra.core import digests
from zarathustra.core.types import BlsPublicKey, BlsSignature, Digest
from zarathustra.signing.backends import load_backend
from zarathustra.signing.bls import POSSESSION_TAG, VOTE_TAG, BlsBackend
from zarathustra.signing.keys import BLS_ORDER, BlsSecretKey

GOLDEN_FILE = Path(__file__).parent / "bls.json"
IDENTITY_G1 = bytes(128)
IDENTITY_G2 = bytes(256)
Vectors = list[dict[str, Any]]


def main() -> None:
    GOLDEN_FILE.write_text(json.dumps(build_vectors(load_backend("py_ecc")), indent=1, sort_keys=True) + "\n")


def build_vectors(backend: BlsBackend) -> dict[str, Vectors]:
    return {
        "aggregate": [aggregate_vector(backend, count) for count in (1, 3)],
        "invalid": invalid_vectors(backend),
        "possession": possession_vectors(backend),
        "vote": vote_vectors(backend),
    }


def vote_vectors(backend: BlsBackend) -> Vectors:
    cases = [(1, bytes(32)), (2, b"\xff" * 32), (BLS_ORDER - 1, keccak(b"edge")), (_number("a"), keccak(b"vote"))]
    vectors = []
    for number, message in cases:
        secret, digest = BlsSecretKey.from_int(number), Digest(message)
        signature = backend.sign(secret, digest)
        vectors.append(
            {
                **_key(backend, secret),
                **_signature(backend, signature),
                "digest": to_hex(digest),
                "hashedEip2537": to_hex(hash_to_g2_eip2537(digest, VOTE_TAG)),
            }
        )
    return vectors


def possession_vectors(backend: BlsBackend) -> Vectors:
    vectors = []
    for index, (domain, owner, operator) in enumerate(zip(DOMAINS, OWNERS, OPERATORS, strict=True)):
        secret = BlsSecretKey.from_int(_number(f"possession {index}"))
        key_hash = digests.key_hash(backend.g1_to_eip2537(backend.public_key(secret)))
        digest = digests.possession_digest(domain, owner, operator, key_hash)
        vectors.append(
            {
                **_key(backend, secret),
                **_signature(backend, backend.prove_possession(secret, digest)),
                "chainId": to_word(domain.chain_id),
                "digest": to_hex(digest),
                "hashedEip2537": to_hex(hash_to_g2_eip2537(digest, POSSESSION_TAG)),
                "keyHash": to_hex(key_hash),
                "operator": to_hex(operator),
                "owner": to_hex(owner),
                "verifyingContract": to_hex(domain.verifying_contract),
            }
        )
    return vectors


def aggregate_vector(backend: BlsBackend, count: int) -> dict[str, Any]:
    secrets = [BlsSecretKey.from_int(_number(f"signer {index}")) for index in range(count)]
    digest = Digest(keccak(b"aggregate %d" % count))
    keys = [backend.public_key(secret) for secret in secrets]
    key = backend.aggregate_public_keys(keys)
    return {
        **_signature(backend, backend.aggregate_signatures([backend.sign(secret, digest) for secret in secrets])),
        "digest": to_hex(digest),
        "key": to_hex(key),
        "keyEip2537": to_hex(backend.g1_to_eip2537(key)),
        "keysEip2537": to_hex(b"".join(backend.g1_to_eip2537(one) for one in keys)),
    }


def invalid_vectors(backend: BlsBackend) -> Vectors:
    """Build vectors that each differ from a valid vote in one way."""
    secret, digest = BlsSecretKey.from_int(_number("a")), Digest(keccak(b"vote"))
    key = backend.g1_to_eip2537(backend.public_key(secret))
    signature = backend.g2_to_eip2537(backend.sign(secret, digest))
    other_digest = backend.g2_to_eip2537(backend.sign(secret, Digest(keccak(b"other"))))
    proof = backend.g2_to_eip2537(backend.prove_possession(secret, digest))
    unreduced = (int.from_bytes(key[:64], "big") + field_modulus).to_bytes(64, "big")
    cases = (
        ("another digest's signature", key, other_digest),
        ("a possession proof as a vote", key, proof),
        ("the identity as key", IDENTITY_G1, signature),
        ("the identity as signature", key, IDENTITY_G2),
        ("the identity as both", IDENTITY_G1, IDENTITY_G2),
        ("a key outside the subgroup", off_subgroup_g1_eip2537(), signature),
        ("a signature outside the subgroup", key, off_subgroup_g2_eip2537()),
        ("a signature plus a point of small order", key, shifted_signature_eip2537(digest)),
        ("a key off the curve", key[:-1] + bytes([key[-1] ^ 1]), signature),
        ("a coordinate not below the modulus", unreduced + key[64:], signature),
        ("the negated signature", key, negated_signature_eip2537(digest)),
    )
    return [
        {
            "digest": to_hex(digest),
            "keyEip2537": to_hex(bad_key),
            "signatureEip2537": to_hex(bad_signature),
            "why": why,
        }
        for why, bad_key, bad_signature in cases
    ]


def hash_to_g2_eip2537(digest: Digest, tag: bytes) -> bytes:
    return encode_g2(_hash_to_g2(digest, tag))


def off_subgroup_g1_eip2537() -> bytes:
    """Return (0, 2), a point of order 3 on the curve y² = x³ + 4."""
    return _pad(0) + _pad(2)


def off_subgroup_g2() -> Any:
    """Return a point of y² = x³ + 4(1 + u) outside G2. No smaller x than 2 has a point; py_ecc reads it unchecked."""
    return signature_to_G2(compress_off_subgroup_g2())  # type: ignore[arg-type]


def off_subgroup_g2_eip2537() -> bytes:
    return encode_g2(off_subgroup_g2())


def small_order_g2() -> Any:
    """Return P, r times a point outside G2. Its order divides the cofactor, so r·(σ + P) is not the identity."""
    return multiply(off_subgroup_g2(), BLS_ORDER)


def shifted_signature_eip2537(digest: Digest) -> bytes:
    return encode_g2(add(_sign(digest), small_order_g2()))


def negated_signature_eip2537(digest: Digest) -> bytes:
    return encode_g2(neg(_sign(digest)))


def encode_g2(point: Any) -> bytes:
    x, y = normalize(point)
    return b"".join(_pad(int(part)) for part in (*x.coeffs, *y.coeffs))


def compress_off_subgroup_g1() -> BlsPublicKey:
    """Return x = 4 with the compression flag: on the curve, not in G1."""
    return BlsPublicKey(b"\x80" + bytes(46) + b"\x04")


def compress_off_subgroup_g2() -> BlsSignature:
    """Return x = 2 + 0u with the compression flag; the imaginary part comes first."""
    return BlsSignature(b"\x80" + bytes(47) + bytes(47) + b"\x02")


def _sign(digest: Digest) -> Any:
    return multiply(_hash_to_g2(digest, VOTE_TAG), _number("a"))


def _hash_to_g2(digest: Digest, tag: bytes) -> Any:
    return hash_to_G2(digest, tag, sha256)  # type: ignore[arg-type]  # annotated as a hash object, called as a factory


def _key(backend: BlsBackend, secret: BlsSecretKey) -> dict[str, str]:
    key = backend.public_key(secret)
    return {
        "key": to_hex(key),
        "keyEip2537": to_hex(backend.g1_to_eip2537(key)),
        "secret": to_hex(secret.reveal()),
    }


def _signature(backend: BlsBackend, signature: BlsSignature) -> dict[str, str]:
    return {
        "signature": to_hex(signature),
        "signatureEip2537": to_hex(backend.g2_to_eip2537(signature)),
    }


def _number(name: str) -> int:
    return int.from_bytes(keccak(name.encode()), "big") % BLS_ORDER


def _pad(value: int) -> bytes:
    return value.to_bytes(64, "big")


if __name__ == "__main__":
    main()
