"""The safetensors reader: it reads what the library writes and refuses everything else with a reason."""

import json
import struct
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save
from safetensors.torch import save as save_torch

from tests.kit.scoring.artefacts import SQUARE, encode_file, encode_tensors, square_parameters, square_tensors
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats import parameters
from zarathustra.formats.architecture import parse_architecture
from zarathustra.formats.limits import MAX_PARAMETERS_BYTES
from zarathustra.formats.operations import TensorSpec
from zarathustra.formats.parameters import parse_parameters

pytestmark = pytest.mark.unit

EXPECTED = parse_architecture(SQUARE).tensors


def refused(raw: bytes) -> Reason:
    with pytest.raises(Invalid) as caught:
        parse_parameters(raw, EXPECTED)
    return caught.value.reason


def changed(name: str, values: Any) -> bytes:
    return encode_tensors(square_tensors() | {name: np.asarray(values, dtype=np.float32)})


@pytest.mark.parametrize(
    "raw",
    [square_parameters(), save(square_tensors()), save(square_tensors(), metadata={"format": "pt"})],
    ids=["ours", "library", "metadata"],
)
def test_parse__valid_file__gives_the_tensors(raw: bytes) -> None:
    tensors = parse_parameters(raw, EXPECTED)
    assert tensors.keys() == square_tensors().keys()
    for name, values in square_tensors().items():
        np.testing.assert_array_equal(tensors[name], values)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.BAD_HEADER),
        (b"\x01\x00\x00", Reason.BAD_HEADER),
        (struct.pack("<Q", 2**63), Reason.BAD_HEADER),
        (struct.pack("<Q", 90 * 2**20) + b"{}", Reason.BAD_HEADER),
        (encode_file(b" " * (parameters.MAX_HEADER_BYTES + 1)), Reason.BAD_HEADER),
        (encode_file(b"{}}"), Reason.BAD_HEADER),
        (encode_file(b" {}"), Reason.BAD_HEADER),  # the format's specification: the header must begin with {
        (encode_file(b'{"a": NaN}'), Reason.BAD_HEADER),
        (encode_file(b'{"a": 1, "a": 1}'), Reason.BAD_HEADER),
        (encode_file(b"[" * 100_000), Reason.BAD_HEADER),
        (encode_file(b"{}"), Reason.BAD_SHAPE),
        (encode_file(json.dumps(dict.fromkeys(EXPECTED, 7)).encode()), Reason.BAD_HEADER),
        (square_parameters() + b"x", Reason.BAD_HEADER),
        (square_parameters()[:-4], Reason.BAD_HEADER),
        (encode_tensors(square_tensors(), dtype="F64"), Reason.BAD_SHAPE),
        (encode_tensors(square_tensors(), data_offsets=[0, 32]), Reason.BAD_HEADER),
        (encode_tensors(square_tensors(), data_offsets=[0.0, 32.0]), Reason.BAD_HEADER),
        (encode_tensors(square_tensors(), data_offsets="no"), Reason.BAD_HEADER),
        (encode_tensors(square_tensors(), more=1), Reason.BAD_HEADER),
        (encode_tensors(square_tensors() | {"z.weight": np.zeros(1)}), Reason.BAD_SHAPE),
        (changed("h.bias", np.zeros(9)), Reason.BAD_SHAPE),
        (changed("h.bias", [[0.0] * 8]), Reason.BAD_SHAPE),
        (changed("y.bias", [np.nan]), Reason.NOT_FINITE),
        (changed("y.bias", [-np.inf]), Reason.NOT_FINITE),
        (changed("y.bias", [1000.1]), Reason.OUT_OF_RANGE),
        (changed("y.bias", [-1e30]), Reason.OUT_OF_RANGE),
    ],
)
def test_parse__wrong_file__is_refused(raw: bytes, reason: Reason) -> None:
    assert refused(raw) is reason


def test_parse__shared_bytes__are_refused() -> None:
    """Two tensors on the same bytes would pass a check of each tensor by itself."""
    specs = {"a": TensorSpec("a", (1,)), "b": TensorSpec("b", (1,))}
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    raw = encode_file(json.dumps({"a": entry, "b": entry}).encode(), bytes(4))
    with pytest.raises(Invalid) as caught:
        parse_parameters(raw, specs)
    assert caught.value.reason is Reason.BAD_HEADER


def test_parse__over_64_mib__is_oversize() -> None:
    assert refused(bytes(MAX_PARAMETERS_BYTES + 1)) is Reason.OVERSIZE


def test_parse__negative_variance__is_refused() -> None:
    specs = {"b.running_var": TensorSpec("running_var", (2,), is_buffer=True)}
    raw = encode_tensors({"b.running_var": np.array([1.0, -0.1])})
    with pytest.raises(Invalid) as caught:
        parse_parameters(raw, specs)
    assert caught.value.reason is Reason.OUT_OF_RANGE


def header_with(**entry: object) -> bytes:
    """A valid file but for one tensor's entry, or for `__metadata__`."""
    raw = square_parameters()
    (length,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8 : 8 + length])
    metadata = entry.pop("metadata", None)
    if metadata is not None:
        header["__metadata__"] = metadata
    header["h.weight"] |= entry
    return encode_file(json.dumps(header).encode(), raw[8 + length :])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (header_with(metadata=5), Reason.BAD_HEADER),
        (header_with(metadata={"a": 1}), Reason.BAD_HEADER),
        (header_with(metadata={"a": None}), Reason.BAD_HEADER),
        (header_with(metadata=["a"]), Reason.BAD_HEADER),
        (header_with(shape=[8.0, 1.0]), Reason.BAD_SHAPE),
        (header_with(shape=[8, True]), Reason.BAD_SHAPE),
        (header_with(shape="81"), Reason.BAD_SHAPE),
        (header_with(dtype="F64"), Reason.BAD_SHAPE),
        (header_with(dtype=["F32"]), Reason.BAD_SHAPE),
        (header_with(data_offsets=[0.0, 32.0]), Reason.BAD_HEADER),
        (header_with(data_offsets=[False, 32]), Reason.BAD_HEADER),
        (encode_file(b"\xef\xbb\xbf{}"), Reason.BAD_HEADER),
    ],
)
def test_parse__what_the_library_refuses__is_refused(raw: bytes, reason: Reason) -> None:
    assert refused(raw) is reason
    with pytest.raises(SafetensorError):
        deserialize(raw)


def test_parse__float16__is_cast_up_exactly() -> None:
    halves = {name: values.astype(np.float16) for name, values in square_tensors().items()}
    tensors = parse_parameters(save(halves), EXPECTED)
    for name, values in halves.items():
        assert tensors[name].dtype == np.float32
        np.testing.assert_array_equal(tensors[name], values.astype(np.float32))


def test_parse__bfloat16__is_cast_up_exactly() -> None:
    tensors = {name: torch.from_numpy(values).bfloat16() for name, values in square_tensors().items()}
    parsed = parse_parameters(save_torch(tensors), EXPECTED)
    for name, values in tensors.items():
        np.testing.assert_array_equal(parsed[name], values.float().numpy())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2000.0])
def test_parse__bad_value_in_float16__is_refused(value: float) -> None:
    halves = {name: values.astype(np.float16) for name, values in square_tensors().items()}
    halves["y.bias"] = np.array([value], np.float16)
    assert refused(save(halves)) in (Reason.NOT_FINITE, Reason.OUT_OF_RANGE)
