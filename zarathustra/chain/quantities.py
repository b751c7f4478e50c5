"""Format JSON-RPC's hex, and parse it strictly: a node that answers anything else is broken."""

import re
from typing import Any

from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason

# The specification forbids leading zeros. They are accepted: some nodes send them, and the number is still clear.
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


def format_quantity(number: int) -> str:
    """Format a number: `255` → `"0xff"`."""
    return hex(number)


def format_data(data: bytes) -> str:
    """Format bytes: `b"\\xff"` → `"0xff"`."""
    return "0x" + data.hex()


def parse_quantity(text: Any) -> int:
    """Parse a hex quantity. Raises Retry(RPC_ERROR): another node may answer correctly."""
    if not isinstance(text, str) or _QUANTITY.fullmatch(text) is None:
        raise Retry(Reason.RPC_ERROR, "parse quantity", answer=repr(text)[:80])
    return int(text, 16)


def parse_data(text: Any, *, length: int | None = None) -> bytes:
    """Parse hex data, of exactly `length` bytes when given. Raises Retry(RPC_ERROR)."""
    if not isinstance(text, str) or _DATA.fullmatch(text) is None:
        raise Retry(Reason.RPC_ERROR, "parse data", answer=repr(text)[:80])

    data = bytes.fromhex(text[2:])
    if length is not None and len(data) != length:
        raise Retry(Reason.RPC_ERROR, "parse data of wrong length", length=len(data), expected=length)
    return data


def parse_field(answer: Any, name: str) -> Any:
    """Return one field of a JSON object. Raises Retry(RPC_ERROR) when the answer is not an object or lacks it."""
    if not isinstance(answer, dict) or name not in answer:
        raise Retry(Reason.RPC_ERROR, "read field of answer", field=name, answer=repr(answer)[:80])
    return answer[name]
