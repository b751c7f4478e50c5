"""Operators with real keys, the same in every run."""

from dataclasses import dataclass

from zarathustra.core.task import Operator, OperatorSet
from zarathustra.core.types import OperatorId, SetVersion, Slot, Wei
from zarathustra.signing.bls_fast import FastBls
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import BlsSecretKey, EcdsaSecretKey


@dataclass(frozen=True)
class OperatorKeys:
    """Both keys of one operator."""

    ecdsa: EcdsaSecretKey
    bls: BlsSecretKey

    @property
    def operator_id(self) -> OperatorId:
        return OperatorId(compute_address(self.ecdsa))


def make_keys(number: int) -> OperatorKeys:
    """Return operator `number`'s keys."""
    return OperatorKeys(EcdsaSecretKey.from_int(1_000 + number), BlsSecretKey.from_int(2_000 + number))


def seal_operators(*operators: OperatorKeys, version: int = 1) -> OperatorSet:
    """Build a set with equal stakes, in the slots 0, 1, …"""
    backend = FastBls()
    return OperatorSet(
        SetVersion(version),
        tuple(
            Operator(Slot(slot), keys.operator_id, Wei(10), backend.public_key(keys.bls))
            for slot, keys in enumerate(operators)
        ),
    )
