"""Headers in RLP: every number of every size, against two other encoders."""

import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st
from rlp.sedes import List, big_endian_int, binary

from tests.kit.chain.fake_rpc import FakeRpc
from tests.kit.chain.headers import build_answer, encode_list
from tests.kit.simulated_time import simulate
from zarathustra.chain.headers import FIELDS, FRONTIER_FIELDS, NUMBERS, encode_header, fetch_seed_header
from zarathustra.core.types import BlockNumber

pytestmark = pytest.mark.property

SIZES = st.sampled_from([7, 8, 16, 56, 64, 128, 256]).flatmap(lambda bits: st.integers(0, 2**bits - 1))
NUMBER_FIELDS = tuple(name for name in FIELDS if name in NUMBERS)


@st.composite
def headers(draw: st.DrawFn) -> tuple[int, dict[str, int]]:
    """How many fields a header has, and its numbers."""
    field_count = draw(st.integers(FRONTIER_FIELDS, len(FIELDS)))
    present = [name for name in NUMBER_FIELDS if name in FIELDS[:field_count]]
    return field_count, {name: draw(SIZES) for name in present}


@given(headers())
def test_encode_header__any_numbers__is_what_the_rlp_librarys_own_types_encode(
    header: tuple[int, dict[str, int]],
) -> None:
    field_count, numbers = header
    answer = build_answer(field_count, number=numbers["number"], numbers=numbers)
    kinds = List([big_endian_int if name in NUMBERS else binary for name in FIELDS[:field_count]])
    values = [
        int(answer[name], 16) if name in NUMBERS else bytes.fromhex(answer[name][2:]) for name in FIELDS[:field_count]
    ]

    encoded = encode_header(answer)
    assert encoded == rlp.encode(values, kinds)
    assert list(rlp.decode(encoded, kinds)) == values  # strict: a leading zero is an error
    assert encoded == encode_list(values)


@given(headers())
def test_fetch_seed_header__any_numbers__is_accepted(header: tuple[int, dict[str, int]]) -> None:
    field_count, numbers = header
    answer = build_answer(field_count, number=numbers["number"], numbers=numbers)
    rpc = FakeRpc({"eth_getBlockByNumber": lambda _number, _full: answer})
    found = simulate(fetch_seed_header(rpc, BlockNumber(numbers["number"])))
    assert found.encoded == encode_header(answer)


@given(headers(), st.sampled_from(NUMBER_FIELDS), st.integers(1, 8))
def test_encode_header__number_with_leading_zeros__same_header(
    header: tuple[int, dict[str, int]], name: str, zeros: int
) -> None:
    """Some nodes pad numbers, against the specification."""
    field_count, numbers = header
    answer = build_answer(field_count, number=numbers["number"], numbers=numbers)
    digits = answer.get(name, "0x0")[2:]
    padded = {**answer, name: "0x" + ("0" * zeros + digits)[-64:]} if name in answer else answer
    assert encode_header(padded) == encode_header(answer)
