"""Blocks as a node answers them, with a hash that an encoder of our own computes."""

from collections.abc import Mapping
from typing import Any

from eth_hash.auto import keccak

from tests.kit.derived import derive_bytes
from zarathustra.chain.headers import FIELDS, NUMBERS

LENGTHS = {"miner": 20, "logsBloom": 256, "nonce": 8, "extraData": 5}  # other fields have 32 bytes
SHORT = 0x80  # a byte below stands for itself
LONG = 56  # from this length on, the length itself is a number


def build_answer(
    field_count: int = len(FIELDS),
    *,
    number: int,
    mix_hash: bytes = b"\x5e" * 32,
    numbers: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Build a block with the first `field_count` fields of FIELDS. Other numbers than `numbers` are small."""
    values: dict[str, bytes | int] = {}
    for place, name in enumerate(FIELDS[:field_count]):
        length = LENGTHS.get(name, 32)
        values[name] = (numbers or {}).get(name, place) if name in NUMBERS else derive_bytes(length, "header", name)
    values |= {"number": number, "mixHash": mix_hash}
    answer = {name: hex(value) if isinstance(value, int) else "0x" + value.hex() for name, value in values.items()}
    return {**answer, "hash": "0x" + keccak(encode_list(list(values.values()))).hex()}


def encode_list(items: list[bytes | int]) -> bytes:
    """Encode as RLP, by the rules of the Yellow Paper and without the library that production code uses."""
    content = b"".join(_encode_item(item) for item in items)
    return _prefix(0xC0, len(content)) + content


def _encode_item(item: bytes | int) -> bytes:
    data = _shorten(item) if isinstance(item, int) else item
    if len(data) == 1 and data[0] < SHORT:
        return data
    return _prefix(SHORT, len(data)) + data


def _prefix(offset: int, length: int) -> bytes:
    if length < LONG:
        return bytes([offset + length])
    digits = _shorten(length)
    return bytes([offset + LONG - 1 + len(digits)]) + digits


def _shorten(number: int) -> bytes:
    """Return a number's bytes without leading zeros; zero has none."""
    digits = b""
    while number:
        digits = bytes([number % 256]) + digits
        number //= 256
    return digits
