"""Secret keys whose values do not appear in logs, errors and debuggers."""

import secrets
from dataclasses import dataclass
from typing import ClassVar, Self

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason

BLS_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001  # of G1 and G2 of BLS12-381
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, repr=False)
class SecretKey:
    """A number in [1, group order), 32 bytes big-endian. Only `reveal` returns it."""

    _value: bytes
    ORDER: ClassVar[int]

    def __post_init__(self) -> None:
        if len(self._value) != 32:
            raise Invalid(Reason.BAD_KEY, "secret key has the wrong length", length=len(self._value))
        if not 0 < int.from_bytes(self._value, "big") < self.ORDER:
            raise Invalid(Reason.BAD_KEY, "secret key is zero or not below the group order")

    @classmethod
    def generate(cls) -> Self:
        """Generate a new key from the operating system's randomness."""
        return cls((1 + secrets.randbelow(cls.ORDER - 1)).to_bytes(32, "big"))

    @classmethod
    def from_int(cls, value: int) -> Self:
        if not 0 < value < cls.ORDER:
            raise Invalid(Reason.BAD_KEY, "secret key is zero or not below the group order")
        return cls(value.to_bytes(32, "big"))

    def reveal(self) -> bytes:
        """Return the 32 secret bytes: for signing and encrypting, never for a message."""
        return self._value

    def __repr__(self) -> str:
        return "***"


class BlsSecretKey(SecretKey):
    """Signs votes."""

    ORDER = BLS_ORDER


class EcdsaSecretKey(SecretKey):
    """Signs evaluations and envelopes; its address is the operator's id."""

    ORDER = SECP256K1_ORDER
