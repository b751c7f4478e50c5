"""The signature on every record that an operator sends. It binds topic, bytes, chain and operator.

The bus is trusted for delivery only: a record counts as an operator's only if its envelope verifies. The functions
take plain values, so that any bus can carry the envelope. Headers:

    operator   20 bytes  the operator's signing address
    signature  65 bytes  r ‖ s ‖ v over Envelope(topic, keccak(value), operator)
"""

from collections.abc import Mapping

from zarathustra.core import digests
from zarathustra.core.digests import Domain
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Digest, EcdsaSignature, OperatorId
from zarathustra.signing.ecdsa import compute_address, recover_address, sign_digest
from zarathustra.signing.keys import EcdsaSecretKey

OPERATOR_HEADER = "operator"
SIGNATURE_HEADER = "signature"


def sign_record(secret: EcdsaSecretKey, domain: Domain, topic: str, value: bytes) -> EcdsaSignature:
    """Sign the bytes of a record's value exactly as they will be sent; `domain` is AttestationCenter's."""
    return sign_digest(secret, _digest(domain, topic, value, OperatorId(compute_address(secret))))


def build_headers(operator: OperatorId, signature: EcdsaSignature) -> dict[str, bytes]:
    """Build the two headers that `verify_envelope` reads."""
    return {OPERATOR_HEADER: operator, SIGNATURE_HEADER: signature}


def verify_envelope(topic: str, value: bytes, headers: Mapping[str, bytes], domain: Domain) -> OperatorId:
    """Verify the envelope and return the operator that signed the record. Raises Invalid(BAD_ENVELOPE).

    Call it before decoding `value`. It proves who signed the bytes, not that the signer is in the operator set.
    """
    operator = OperatorId(_get_header(headers, OPERATOR_HEADER))
    signature = EcdsaSignature(_get_header(headers, SIGNATURE_HEADER))
    try:
        signer = OperatorId(recover_address(_digest(domain, topic, value, operator), signature))
    except Invalid as error:
        raise Invalid(Reason.BAD_ENVELOPE, "envelope header is malformed") from error
    if signer != operator:
        raise Invalid(Reason.BAD_ENVELOPE, "envelope is signed by another key", operator=operator.hex())
    return operator


def _get_header(headers: Mapping[str, bytes], name: str) -> bytes:
    value = headers.get(name)
    if value is None:
        raise Invalid(Reason.BAD_ENVELOPE, "envelope header is missing", header=name)
    return value


def _digest(domain: Domain, topic: str, value: bytes, operator: OperatorId) -> Digest:
    return digests.envelope_digest(domain, topic, digests.payload_hash(value), operator)
