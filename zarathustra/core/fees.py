"""The least evaluation fees for which an operator performs: its own choice, above what the contract demands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO_ADDRESS, Address, Wei, validate_length, validate_range

MAX_FEE = 2**96 - 1  # the largest fee that the contract stores


@dataclass(frozen=True)
class FeeFloors:
    """The least fee by token, in the token's smallest unit; the zero address is the chain's coin.

    A token that is not named has no floor.
    """

    by_token: Mapping[Address, Wei]

    def __post_init__(self) -> None:
        for token, fee in self.by_token.items():
            validate_length("token", token, 20)
            validate_range("fee", fee, 0, MAX_FEE)

    @property
    def is_set(self) -> bool:
        """Whether any fee could be too low."""
        return any(self.by_token.values())

    def accept(self, token: Address, fee: Wei) -> bool:
        """Return whether the fee is not below the token's floor."""
        return fee >= self.by_token.get(token, 0)


def parse_floors(coin: int, tokens: Sequence[str]) -> FeeFloors:
    """Build floors from a number of wei and texts such as `0x…=100`. Raises Invalid(BAD_SETTING)."""
    try:
        pairs = [_parse_floor(text) for text in tokens]
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a token is named twice")
        return FeeFloors({**dict(pairs), ZERO_ADDRESS: Wei(coin)})
    except (ValueError, Invalid) as error:
        raise Invalid(Reason.BAD_SETTING, "read least fees", error=str(error)) from error


def _parse_floor(text: str) -> tuple[Address, Wei]:
    token, _, amount = text.partition("=")
    address = Address(bytes.fromhex(token.strip().removeprefix("0x")))
    if address == ZERO_ADDRESS:
        raise ValueError("MIN_FEE is the coin's")
    return address, Wei(int(amount))
