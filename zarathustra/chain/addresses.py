"""Addresses as people write them: `0x` and 40 hex digits, with EIP-55's checksum where the case is mixed."""

import re
from typing import Any, Final

from eth_hash.auto import keccak

from zarathustra.chain.quantities import format_data
from zarathustra.core.types import Address

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")


def parse_address(text: Any) -> Address:
    """Parse an address. Raises ValueError; a mixed-case address with a wrong checksum has a wrong digit."""
    if not isinstance(text, str) or _ADDRESS.fullmatch(text) is None:
        raise ValueError(f"{text!r} is not an address: 0x and 40 hex digits")
    address = Address(bytes.fromhex(text[2:]))
    digits = text[2:]
    if digits not in (digits.lower(), digits.upper()) and text != format_checksum(address):
        raise ValueError(f"{text} has a wrong checksum: a digit is wrong, or the case of a letter")
    return address


def format_checksum(address: Address) -> str:
    """Format an address with EIP-55's checksum: a letter is upper case where the hash of the digits is 8 or more."""
    digits = address.hex()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(
        digit.upper() if int(mark, 16) >= 8 else digit for digit, mark in zip(digits, marks, strict=False)
    )


def format_address(address: Address) -> str:
    """Format an address as this program prints it: lower case."""
    return format_data(address)
