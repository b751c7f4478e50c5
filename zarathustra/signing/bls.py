"""BLS signatures on BLS12-381, keys in G1, signatures in G2: the port and batch verification.

Two bad signatures can cancel: σ₀ + δ and σ₁ − δ add up to the same aggregate as σ₀ and σ₁. Signers are paid, so a
check of the plain aggregate is not enough. `is_batch_valid` multiplies every pair by a random weight first; a bad
signature then passes with a probability of 2⁻¹²⁸.

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

# The two tags differ, so that a possession proof cannot be used as a vote, or a vote as a proof.
VOTE_TAG = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
POSSESSION_TAG = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"

WEIGHT_BITS = 128  # a bad signature passes a batch with a probability of 2⁻¹²⁸


DrawWeights = Callable[[int], Sequence[int]]


@dataclass(frozen=True)
class Signed:
    """One member of a batch over one digest: the signer's key and its signature."""

    public_key: BlsPublicKey
    signature: BlsSignature


class BlsBackend(Protocol):
    """One implementation of the curve. Stateless, safe to call from any thread.

    Every argument is checked. A key that is malformed, the identity or outside the subgroup raises Invalid(BAD_KEY);
    such a signature or possession proof raises Invalid(BAD_SIGNATURE).
    """

    def public_key(self, secret: BlsSecretKey) -> BlsPublicKey: ...

    def sign(self, secret: BlsSecretKey, digest: Digest) -> BlsSignature:
        """Sign a vote digest. Deterministic: the same key and digest give the same bytes in every backend."""

    def prove_possession(self, secret: BlsSecretKey, digest: Digest) -> BlsSignature:
        """Sign a possession digest, with a separate tag. Deterministic."""

    def verify(self, key: BlsPublicKey, digest: Digest, signature: BlsSignature) -> None:
        """Raise Invalid(BAD_SIGNATURE) unless `key` signed `digest`.

        With `aggregate_public_keys` it also verifies an aggregate over one digest.
        """

    def verify_possession(self, key: BlsPublicKey, digest: Digest, proof: BlsSignature) -> None:
        """Raise Invalid(BAD_SIGNATURE) unless `proof` is the key's possession proof."""

    def is_weighted_sum_valid(self, digest: Digest, signed: Sequence[Signed], weights: Sequence[int]) -> bool:
        """Return whether Σ wᵢ·σᵢ is the signature of Σ wᵢ·pkᵢ; one pairing check. Callers use `is_batch_valid`.

        A malformed member raises, as in `verify`.
        """

    def aggregate_signatures(self, signatures: Sequence[BlsSignature]) -> BlsSignature:
        """Return the sum of the signatures.

        Raises Invalid(BAD_SIGNATURE) when there are none or the sum is the identity.
        """

    def aggregate_public_keys(self, keys: Sequence[BlsPublicKey]) -> BlsPublicKey:
        """Return the sum of the keys.

        Raises Invalid(BAD_KEY) when there are none or the sum is the identity.
        """

    def g1_to_eip2537(self, key: BlsPublicKey) -> bytes:
        """Return the key's 128 bytes on chain: x ‖ y, each coordinate padded to 64 bytes."""

    def g1_from_eip2537(self, encoded: bytes) -> BlsPublicKey: ...

    def g2_to_eip2537(self, signature: BlsSignature) -> bytes:
        """Return the signature's 256 bytes on chain: x.c0 ‖ x.c1 ‖ y.c0 ‖ y.c1, each padded to 64 bytes."""

    def g2_from_eip2537(self, encoded: bytes) -> BlsSignature: ...


def draw_weights(count: int) -> list[int]:
    """Draw weights that no signer can predict. Zero is excluded, because its signature would not be checked."""
    return [1 + secrets.randbelow(2**WEIGHT_BITS - 1) for _ in range(count)]


def is_batch_valid(
    backend: BlsBackend, digest: Digest, signed: Sequence[Signed], *, weights: DrawWeights = draw_weights
) -> bool:
    """Return whether every single signature is valid, with one pairing check.

    A malformed member gives False too, so that `find_invalid` can name it. An empty batch raises
    Invalid(BAD_SIGNATURE): a batch without signatures must never count as support.
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
    """Return the positions of the invalid members, in order; () when all are valid.

    Bisects with new weights each time: one pairing check when all are valid, at most 2·b·log₂n + 1 with b bad ones.
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
    """Check the weights: a zero or missing weight would let its signature pass unchecked."""
    if len(weights) != count or not all(0 < weight < 2**WEIGHT_BITS for weight in weights):
        raise ValueError("batch weights must be one number in [1, 2^128) for each member")
