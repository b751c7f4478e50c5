"""BLS signatures on BLS12-381, keys in G1, signatures in G2: the port and batch verification.

Two bad signatures can cancel: σ₀ + δ and σ₁ − δ add up to the same aggregate as σ₀ and σ₁. Signers are paid, so a
plain aggregate check proves too little. `is_batch_valid` multiplies every pair by a random weight first; a false
signature then passes with a chance of 2⁻¹²⁸.

    σᵢ = skᵢ · H(m)      e(Σ wᵢ·pkᵢ, H(m)) = e(G1, Σ wᵢ·σᵢ)
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlsPublicKey, BlsSignature, Digest
from zarathustra.signing.keys import BlsSecretKey

# The two tags differ so that a possession proof is never a vote, nor a vote a proof.
VOTE_TAG = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
POSSESSION_TAG = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"

WEIGHT_BITS = 128  # the chance that a bad signature slips through a batch is 2⁻¹²⁸


DrawWeights = Callable[[int], Sequence[int]]


@dataclass(frozen=True)
class Signed:
    """Who signed, and the signature: one member of a batch over one digest."""

    public_key: BlsPublicKey
    signature: BlsSignature


class BlsBackend(Protocol):
    """One implementation of the curve. Stateless, safe to call from any thread.

    Whatever a caller passes in is checked: keys and proofs that are malformed, the identity or outside the subgroup
    raise Invalid(BAD_KEY), such signatures Invalid(BAD_SIGNATURE).
    """

    def public_key(self, secret: BlsSecretKey) -> BlsPublicKey: ...

    def sign(self, secret: BlsSecretKey, digest: Digest) -> BlsSignature:
        """Sign a vote digest. Deterministic: the same key and digest give the same bytes in every backend."""

    def prove_possession(self, secret: BlsSecretKey, digest: Digest) -> BlsSignature:
        """Sign a possession digest, with a tag of its own. Deterministic."""

    def verify(self, key: BlsPublicKey, digest: Digest, signature: BlsSignature) -> None:
        """Raise Invalid(BAD_SIGNATURE) unless `key` signed `digest`.

        With `aggregate_public_keys` it also verifies an aggregate over one digest.
        """

    def verify_possession(self, key: BlsPublicKey, digest: Digest, proof: BlsSignature) -> None:
        """Raise Invalid(BAD_SIGNATURE) unless `proof` is the key's possession proof."""

    def is_weighted_sum_valid(self, digest: Digest, signed: Sequence[Signed], weights: Sequence[int]) -> bool:
        """Whether Σ wᵢ·σᵢ is the signature of Σ wᵢ·pkᵢ; one pairing check. Use `is_batch_valid`.

        A malformed member raises, as in `verify`.
        """

    def aggregate_signatures(self, signatures: Sequence[BlsSignature]) -> BlsSignature:
        """The sum of the signatures. Empty or summing to the identity: Invalid(BAD_SIGNATURE)."""

    def aggregate_public_keys(self, keys: Sequence[BlsPublicKey]) -> BlsPublicKey:
        """The sum of the keys. Empty or summing to the identity: Invalid(BAD_KEY)."""

    def g1_to_eip2537(self, key: BlsPublicKey) -> bytes:
        """The key's 128 bytes on chain: x ‖ y, each coordinate padded to 64 bytes."""

    def g1_from_eip2537(self, encoded: bytes) -> BlsPublicKey: ...

    def g2_to_eip2537(self, signature: BlsSignature) -> bytes:
        """The signature's 256 bytes on chain: x.c0 ‖ x.c1 ‖ y.c0 ‖ y.c1, each padded to 64 bytes."""

    def g2_from_eip2537(self, encoded: bytes) -> BlsSignature: ...


def draw_weights(count: int) -> list[int]:
    """Weights no signer can foresee; zero is left out, because it would excuse its signature."""
    return [1 + secrets.randbelow(2**WEIGHT_BITS - 1) for _ in range(count)]


def is_batch_valid(
    backend: BlsBackend, digest: Digest, signed: Sequence[Signed], *, weights: DrawWeights = draw_weights
) -> bool:
    """Whether every single signature is valid, in one pairing check.

    False for a malformed member too, so that `find_invalid` can name it. An empty batch raises
    Invalid(BAD_SIGNATURE): "all of none are valid" must never count as support.
    """
    if not signed:
        raise Invalid(Reason.BAD_SIGNATURE, "batch is empty")
    drawn = weights(len(signed))
    _validate_weights(drawn, len(signed))
    try:
        return backend.is_weighted_sum_valid(digest, signed, drawn)
    except Invalid:
        return False


def find_invalid(
    backend: BlsBackend, digest: Digest, signed: Sequence[Signed], *, weights: DrawWeights = draw_weights
) -> tuple[int, ...]:
    """The places of the invalid members, in order; () when all are valid.

    Bisects with fresh weights: one pairing check when all are valid, at most 2·b·log₂n + 1 with b bad ones.
    """
    found: list[int] = []
    spans = [(0, len(signed))] if signed else []
    while spans:
        start, end = spans.pop()
        if is_batch_valid(backend, digest, signed[start:end], weights=weights):
            continue
        if end - start == 1:
            found.append(start)
            continue
        middle = (start + end) // 2
        spans += [(middle, end), (start, middle)]  # a stack: the left half comes first, so `found` stays sorted
    return tuple(found)


def _validate_weights(weights: Sequence[int], count: int) -> None:
    """A weight of zero, or a missing one, would let its signature pass unchecked."""
    if len(weights) != count or not all(0 < weight < 2**WEIGHT_BITS for weight in weights):
        raise ValueError("batch weights must be one number in [1, 2^128) for each member")
