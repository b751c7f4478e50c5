"""A strict JSON parser for strangers' files. It refuses extensions, duplicate keys, long integers and deep nesting."""

import json
import math
from collections.abc import Collection
from typing import NoReturn, cast

from zarathustra.core.errors import Invalid
from zarathustra.core.nesting import MAX_NESTING, is_nested_too_deep
from zarathustra.core.reasons import Reason

MAX_INTEGER_DIGITS = 18  # int() takes quadratic time; 18 digits always fit into an int64


def parse_object(raw: bytes, *, max_bytes: int) -> dict[str, object]:
    """Parse `raw`, which must be one JSON object in UTF-8.

    Raises Invalid(OVERSIZE) if `raw` is longer than `max_bytes`, Invalid(BAD_JSON) if it is not one UTF-8 object or has
    duplicate keys, NaN, infinities, integers over MAX_INTEGER_DIGITS or more than MAX_NESTING levels.
    """
    if len(raw) > max_bytes:
        raise Invalid(Reason.OVERSIZE, "JSON file is too long", length=len(raw), limit=max_bytes)
    try:
        text = raw.decode("utf-8")
        if is_nested_too_deep(text):
            raise Invalid(Reason.BAD_JSON, "nested too deep", limit=MAX_NESTING)
        value = json.loads(
            text,
            object_pairs_hook=_build_object,
            parse_constant=_refuse_constant,
            parse_float=_parse_float,
            parse_int=_parse_integer,
        )
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise Invalid(Reason.BAD_JSON, "parse JSON", error=type(error).__name__) from error
    return expect_object(value, "the file")


def expect_object(value: object, name: str) -> dict[str, object]:
    """Return `value` if it is an object. Raises Invalid(BAD_JSON)."""
    if not isinstance(value, dict):
        raise Invalid(Reason.BAD_JSON, f"{name} is not an object")
    return cast(dict[str, object], value)


def expect_list(value: object, name: str, *, low: int, high: int) -> list[object]:
    """Return `value` if it is a list of `low` to `high` items. Raises Invalid(BAD_JSON)."""
    if not isinstance(value, list) or not low <= len(value) <= high:
        raise Invalid(Reason.BAD_JSON, f"{name} is not a list of {low} to {high} items")
    return value


def validate_keys(
    value: dict[str, object], name: str, *, required: Collection[str], optional: Collection[str] = ()
) -> None:
    """Raise Invalid(BAD_JSON) if a required key is missing or a key is unknown."""
    missing, unknown = set(required) - set(value), set(value) - set(required) - set(optional)
    if missing or unknown:
        raise Invalid(
            Reason.BAD_JSON,
            f"{name} has wrong keys",
            missing=sorted(missing)[:4],
            unknown=[key[:64] for key in sorted(unknown)[:4]],
        )


def _build_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise Invalid(Reason.BAD_JSON, "duplicate key")
    return built


def _refuse_constant(text: str) -> NoReturn:
    raise Invalid(Reason.BAD_JSON, "constant not allowed", constant=text)


def _parse_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):  # 1e999
        raise Invalid(Reason.BAD_JSON, "number too large")
    return value


def _parse_integer(text: str) -> int:
    if len(text.lstrip("-")) > MAX_INTEGER_DIGITS:
        raise Invalid(Reason.BAD_JSON, "integer too long", digits=len(text))
    return int(text)
