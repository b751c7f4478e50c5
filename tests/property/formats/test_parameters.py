"""The safetensors reader beside the format's own library: every file that it accepts, the library accepts too."""

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import deserialize
from safetensors.numpy import load

from tests.kit.scoring.artefacts import SQUARE, encode_file, square_parameters
from zarathustra.core.errors import Invalid
from zarathustra.formats.architecture import parse_architecture
from zarathustra.formats.parameters import parse_parameters

pytestmark = pytest.mark.property

EXPECTED = parse_architecture(SQUARE).tensors
RAW = square_parameters()
HEADER_BYTES = struct.unpack_from("<Q", RAW)[0]
HEADER: dict[str, dict[str, Any]] = json.loads(RAW[8 : 8 + HEADER_BYTES])
DATA = RAW[8 + HEADER_BYTES :]

scalars = st.one_of(st.none(), st.booleans(), st.integers(-2, 64), st.floats(-2, 64), st.text(max_size=3))
values = st.one_of(scalars, st.lists(scalars, max_size=3), st.dictionaries(st.text(max_size=3), scalars, max_size=2))
# Near the valid values, so that some files are accepted.
near = st.one_of(st.sampled_from(["F32", "F16", [8, 1], [8.0, 1], [1, 8], [0, 32], [True, 8], {"a": "b"}]), values)


@given(
    name=st.sampled_from([*EXPECTED, "__metadata__"]),
    field=st.sampled_from(["dtype", "shape", "data_offsets", "", "more"]),
    value=near,
    white=st.sampled_from(["", " ", "\n", "   "]),
    is_leading=st.booleans(),
)
def test_parse__header_with_one_change__is_accepted_only_if_the_library_accepts_it(
    name: str, field: str, value: object, white: str, is_leading: bool
) -> None:
    changed: dict[str, Any] = {tensor: dict(entry) for tensor, entry in HEADER.items()}
    if name == "__metadata__" or field == "":
        changed[name] = value
    else:
        changed[name][field] = value
    text = json.dumps(changed)
    check(encode_file((white + text if is_leading else text + white).encode(), DATA))


@given(position=st.integers(0, len(RAW) - 1), byte=st.integers(0, 255))
def test_parse__one_byte_changed__is_accepted_only_if_the_library_accepts_it(position: int, byte: int) -> None:
    check(RAW[:position] + bytes([byte]) + RAW[position + 1 :])


def check(raw: bytes) -> None:
    try:
        tensors = parse_parameters(raw, EXPECTED)
    except Invalid:
        return
    assert {name for name, _entry in deserialize(raw)} == set(tensors)
    for name, array in load(raw).items():
        np.testing.assert_array_equal(array.astype(np.float32), tensors[name])
