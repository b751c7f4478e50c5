"""A strict reader of parameters, which are a safetensors file.

    header length  u64, little-endian
    header         JSON: {"<node>.<tensor>": {"dtype": "F32", "shape": […], "data_offsets": [from, to]}, …}
    data           the tensors' bytes, without gaps or overlaps

`dtype` is F32, F16 or BF16; the small ones are cast up, which is exact. `__metadata__` maps text to text.

The safetensors library accepts NaN, extra tensors and headers of 90 MB. A score needs exactly the expected tensors.
What the library refuses is refused here too, so that every model that has a score can be loaded by other tools.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.limits import MAX_PARAMETERS_BYTES
from zarathustra.formats.operations import TensorSpec
from zarathustra.formats.strict_json import expect_object, parse_object, validate_keys

MAX_HEADER_BYTES = 1024 * 1024  # a huge header would cost seconds of JSON parsing before the first tensor
MAX_MAGNITUDE = 1e3  # larger weights are useful only if they cancel each other, and floats are inexact there
ITEM_BYTES = {"F32": 4, "F16": 2, "BF16": 2}

Tensors = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class _Place:
    """Where one tensor lies in the data, and as what."""

    name: str
    dtype: str
    start: int
    stop: int


def parse_parameters(raw: bytes, expected: Mapping[str, TensorSpec]) -> Tensors:
    """Return the tensors in `raw` as float32; those that are float32 in the file are read-only views of it.

    Raises Invalid unless names and shapes are exactly the expected ones and all values are finite and in range.
    """
    if len(raw) > MAX_PARAMETERS_BYTES:
        raise Invalid(Reason.OVERSIZE, "parameters are too large", length=len(raw), limit=MAX_PARAMETERS_BYTES)
    header, data = _split(raw)
    _validate_metadata(header.pop("__metadata__", {}))
    if set(header) != set(expected):
        differing = sorted(set(header) ^ set(expected))
        raise Invalid(Reason.BAD_SHAPE, "tensor names differ", names=[name[:64] for name in differing[:4]])

    places = [_parse_place(name, entry, expected[name]) for name, entry in header.items()]
    _validate_tiling(places, len(data))
    return {place.name: _read(data, place, expected[place.name]) for place in places}


def _split(raw: bytes) -> tuple[dict[str, object], memoryview]:
    if len(raw) < 8:
        raise Invalid(Reason.BAD_HEADER, "file is shorter than its header's length")
    (length,) = struct.unpack_from("<Q", raw)
    if length > MAX_HEADER_BYTES or 8 + length > len(raw):
        raise Invalid(Reason.BAD_HEADER, "header is too long", length=length)
    if raw[8:9] != b"{":
        raise Invalid(Reason.BAD_HEADER, "header does not start with {")
    try:
        header = parse_object(raw[8 : 8 + length], max_bytes=MAX_HEADER_BYTES)
    except Invalid as error:
        raise Invalid(Reason.BAD_HEADER, "parse header", cause=error.message) from error
    return header, memoryview(raw)[8 + length :]


def _validate_metadata(value: object) -> None:
    """Raise Invalid unless the metadata maps text to text. Nothing else is done with it."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise Invalid(Reason.BAD_HEADER, "__metadata__ does not map text to text")


def _parse_place(name: str, value: object, spec: TensorSpec) -> _Place:
    try:
        entry = expect_object(value, "a tensor")
        validate_keys(entry, "a tensor", required=("dtype", "shape", "data_offsets"))
    except Invalid as error:
        raise Invalid(Reason.BAD_HEADER, "parse tensor entry", name=name) from error
    dtype = entry["dtype"]
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise Invalid(Reason.BAD_SHAPE, "tensor's dtype is not F32, F16 or BF16", name=name)
    if _parse_integers(entry["shape"]) != spec.shape:
        raise Invalid(Reason.BAD_SHAPE, "tensor has a different shape", name=name, expected=spec.shape)
    offsets = _parse_integers(entry["data_offsets"])
    if offsets is None or len(offsets) != 2:
        raise Invalid(Reason.BAD_HEADER, "data_offsets are not two integers", name=name)
    start, stop = offsets
    if stop - start != ITEM_BYTES[dtype] * prod(spec.shape):
        raise Invalid(Reason.BAD_HEADER, "data_offsets do not span the shape", name=name)
    return _Place(name, dtype, start, stop)


def _parse_integers(value: object) -> tuple[int, ...] | None:
    """Return a list of integers as a tuple, or None for anything else: neither 1.0 nor True is the integer 1."""
    if not isinstance(value, list) or not all(type(item) is int for item in value):
        return None
    return tuple(value)


def _validate_tiling(places: list[_Place], length: int) -> None:
    """Raise Invalid unless the tensors cover the data exactly: a gap hides bytes, an overlap uses them twice."""
    end = 0
    for place in sorted(places, key=lambda place: place.start):
        if place.start != end:
            raise Invalid(Reason.BAD_HEADER, "tensors leave a gap or overlap", name=place.name)
        end = place.stop
    if end != length:
        raise Invalid(Reason.BAD_HEADER, "data and tensors differ in length", length=length, expected=end)


def _read(data: memoryview, place: _Place, spec: TensorSpec) -> NDArray[np.float32]:
    values = _cast_up(data[place.start : place.stop], place.dtype)
    if not np.isfinite(values).all():
        raise Invalid(Reason.NOT_FINITE, "tensor holds NaN or infinity", name=place.name)
    if values.size and np.abs(values).max() > MAX_MAGNITUDE:
        raise Invalid(Reason.OUT_OF_RANGE, "tensor holds a value beyond ±1000", name=place.name)
    if spec.name == "running_var" and (values < 0).any():
        raise Invalid(Reason.OUT_OF_RANGE, "variance is negative", name=place.name)
    return values.reshape(spec.shape)


def _cast_up(data: memoryview, dtype: str) -> NDArray[np.float32]:
    """Return the values as float32. Every float16 and every bfloat16 is one, so nothing is rounded."""
    if dtype == "F16":
        return np.frombuffer(data, dtype="<f2").astype(np.float32)
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, dtype="<u2").astype("<u4") << 16).view(np.float32)
    return np.frombuffer(data, dtype="<f4")
