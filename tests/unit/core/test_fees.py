"""An operator's least fees: how they are read, and what they accept."""

import pytest

from zarathustra.core.errors import Invalid
from zarathustra.core.fees import MAX_FEE, FeeFloors, parse_floors
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO_ADDRESS, Address, Wei

pytestmark = pytest.mark.unit

TOKEN, OTHER = Address(b"\x70" * 20), Address(b"\x71" * 20)


def test_parse_floors__coin_and_tokens__each_has_its_own() -> None:
    floors = parse_floors(5, [f"0x{TOKEN.hex()}=70", f" {OTHER.hex()} = 0"])
    assert floors == FeeFloors({ZERO_ADDRESS: Wei(5), TOKEN: Wei(70), OTHER: Wei(0)})


@pytest.mark.parametrize(("coin", "tokens", "is_set"), [(0, [], False), (1, [], True), (0, [TOKEN.hex() + "=1"], True)])
def test_is_set__any_floor_above_zero__true(coin: int, tokens: list[str], is_set: bool) -> None:
    assert parse_floors(coin, tokens).is_set is is_set


@pytest.mark.parametrize(
    ("token", "fee", "is_accepted"),
    [(ZERO_ADDRESS, 5, True), (ZERO_ADDRESS, 4, False), (TOKEN, 70, True), (TOKEN, 69, False), (OTHER, 0, True)],
)
def test_accept__fee_of_a_token__compared_with_its_own_floor(token: Address, fee: int, is_accepted: bool) -> None:
    floors = FeeFloors({ZERO_ADDRESS: Wei(5), TOKEN: Wei(70)})
    assert floors.accept(token, Wei(fee)) is is_accepted


@pytest.mark.parametrize(
    ("coin", "text"),
    [
        (-1, ""),
        (MAX_FEE + 1, ""),
        (0, "0x70=1"),
        (0, "token=1"),
        (0, TOKEN.hex()),
        (0, TOKEN.hex() + "="),
        (0, TOKEN.hex() + "=1.5"),
        (0, TOKEN.hex() + "=-1"),
        (0, "00" * 20 + "=1"),
        (0, f"{TOKEN.hex()}=1,{TOKEN.hex()}=2"),
    ],
)
def test_parse_floors__malformed__bad_setting(coin: int, text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_floors(coin, [part for part in text.split(",") if part])
    assert caught.value.reason is Reason.BAD_SETTING
