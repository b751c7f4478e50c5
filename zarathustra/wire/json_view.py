"""Core values as JSON: hex for bytes, names for enums, decimal text for integers that JavaScript would round."""

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any

MAX_SAFE_INTEGER = 2**53 - 1  # JavaScript readers lose digits of larger integers


def to_json_value(value: Any) -> Any:
    """Return a copy of a core value that JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json_value(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {name: to_json_value(item) for name, item in value.items()}
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return value if abs(value) <= MAX_SAFE_INTEGER else str(value)
