"""ECDSA on secp256k1: recoverable signatures r ‖ s ‖ v over 32-byte digests, low s only.

For each signature (r, s, v), (r, n − s, v with the other parity) verifies as well. Only the lower s is accepted, here
and in the contract, so each signature has one form.
"""

from coincurve import PrivateKey, PublicKey
from eth_hash.auto import keccak

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, Digest, EcdsaSignature, validate_length
from zarathustra.signing.keys import SECP256K1_ORDER, EcdsaSecretKey

SIGNATURE_LENGTH = 65
V_OFFSET = 27  # Ethereum's v; libsecp256k1 counts from 0
HALF_ORDER = SECP256K1_ORDER // 2


def sign_digest(secret: EcdsaSecretKey, digest: Digest) -> EcdsaSignature:
    """Sign a 32-byte digest. Deterministic (RFC 6979)."""
    validate_length("digest", digest, 32)
    raw = PrivateKey(secret.reveal()).sign_recoverable(digest, hasher=None)
    return EcdsaSignature(raw[:64] + bytes([raw[64] + V_OFFSET]))


def recover_address(digest: Digest, signature: EcdsaSignature) -> Address:
    """Return the address that signed `digest`. Raises Invalid(BAD_SIGNATURE) for a malformed or high-s signature.

    Any well-formed signature recovers to *some* address: compare it with the expected one.
    """
    validate_length("digest", digest, 32)
    _validate_form(signature)
    raw = signature[:64] + bytes([signature[64] - V_OFFSET])
    try:
        key = PublicKey.from_signature_and_message(raw, digest, hasher=None)
    except ValueError as error:
        raise Invalid(Reason.BAD_SIGNATURE, "no key fits the signature") from error
    return _address_of(key)


def compute_address(secret: EcdsaSecretKey) -> Address:
    """Compute the key's Ethereum address."""
    return _address_of(PrivateKey(secret.reveal()).public_key)


def _validate_form(signature: EcdsaSignature) -> None:
    if len(signature) != SIGNATURE_LENGTH:
        raise Invalid(Reason.BAD_SIGNATURE, "ECDSA signature has the wrong length", length=len(signature))
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not 0 < r < SECP256K1_ORDER or not 0 < s <= HALF_ORDER:
        raise Invalid(Reason.BAD_SIGNATURE, "r or s is out of range, or s is high")
    if signature[64] not in {V_OFFSET, V_OFFSET + 1}:
        raise Invalid(Reason.BAD_SIGNATURE, "v is neither 27 nor 28", v=signature[64])


def _address_of(key: PublicKey) -> Address:
    uncompressed = key.format(compressed=False)
    return Address(keccak(uncompressed[1:])[-20:])
