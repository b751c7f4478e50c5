"""Addresses as people write them."""

from typing import Any

import pytest

from zarathustra.chain.addresses import format_address, format_checksum, parse_address

pytestmark = pytest.mark.unit

# The examples of EIP-55.
CHECKSUMMED = (
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0xde709f2102306220921060314715629080e2fb77",
)


@pytest.mark.parametrize("text", CHECKSUMMED)
def test_parse_address__checksummed_lower_and_upper__same_bytes(text: str) -> None:
    address = parse_address(text)
    assert parse_address(text.lower()) == address
    assert parse_address("0x" + text[2:].upper()) == address
    assert format_checksum(address) == text
    assert format_address(address) == text.lower()


@pytest.mark.parametrize("text", CHECKSUMMED[:4])
def test_parse_address__one_letter_of_other_case__is_refused(text: str) -> None:
    place = next(index for index, letter in enumerate(text) if index > 2 and letter.isalpha())
    with pytest.raises(ValueError, match="checksum"):
        parse_address(text[:place] + text[place].swapcase() + text[place + 1 :])


@pytest.mark.parametrize(
    "text",
    ["", "0x", "11" * 20, "0x" + "11" * 19, "0x" + "11" * 21, "0x" + "1g" * 20, "0x" + "11" * 20 + "\n", None, 5],
)
def test_parse_address__no_address__is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        parse_address(text)
