import cid as py_cid  # type: ignore[import-untyped]  # the oracle; it ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kit.store.samples import GOLDEN_LAYOUTS, make_content
from zarathustra.core.errors import Invalid
from zarathustra.store.cid import BlockId, Codec, canonical_cid, compute_block_id, parse_cid, parse_cid_bytes
from zarathustra.store.dag_pb import Link, encode_branch, parse_node
from zarathustra.store.unixfs import CHUNK_BYTES, FileReader, Layout, build_file, iter_file

pytestmark = pytest.mark.property

block_ids = st.builds(BlockId, st.sampled_from(Codec), st.binary(min_size=32, max_size=32))
sizes = st.one_of(
    st.integers(0, 3 * CHUNK_BYTES),
    st.builds(lambda chunks, extra: max(0, chunks * CHUNK_BYTES + extra), st.integers(0, 4), st.integers(-1, 1)),
)


@settings(max_examples=40, deadline=None)
@given(size=sizes, layout=st.sampled_from(list(GOLDEN_LAYOUTS.values())), data=st.data())
def test_build_then_read__any_size_and_layout__gives_the_bytes_back(
    size: int, layout: Layout, data: st.DataObject
) -> None:
    content = make_content(size)
    blocks: dict[BlockId, bytes] = {}
    built = build_file(content, blocks.__setitem__, layout=layout)

    assert b"".join(iter_file(built.block_id, blocks.__getitem__, max_bytes=size)) == content
    assert built.dag_size >= size == built.file_size
    assert all(compute_block_id(block_id.codec, block) == block_id for block_id, block in blocks.items())

    reader = FileReader(built.block_id, max_bytes=size)
    while wanted := reader.wanted():
        block_id = data.draw(st.sampled_from(wanted))  # blocks may arrive in any order
        reader.supply(block_id, blocks[block_id])
    assert reader.content() == content


@given(block_ids)
def test_canonical_cid__every_form_of_one_block__is_one_text(block_id: BlockId) -> None:
    raw = block_id.to_bytes(version=1)
    forms = {block_id.cid, block_id.v0_text, "f" + raw.hex(), py_cid.make_cid(raw).encode("base58btc").decode()}
    assert {canonical_cid(form) for form in forms} == {block_id.cid}
    assert {parse_cid(form) for form in forms} == {block_id}
    assert parse_cid_bytes(block_id.to_bytes(version=0)) == parse_cid_bytes(raw) == block_id


@given(block_ids)
def test_cid__against_py_cid__names_the_same_block(block_id: BlockId) -> None:
    theirs = py_cid.make_cid(block_id.cid)
    assert theirs.buffer == block_id.to_bytes(version=1)
    assert theirs.encode("base32").decode() == block_id.cid
    if block_id.codec is Codec.DAG_PB:
        assert py_cid.make_cid(block_id.v0_text).multihash == b"\x12\x20" + block_id.digest


@given(block_ids, st.integers(0, 57), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567AZ10= "))
def test_parse_cid__one_letter_changed__is_another_block_or_refused(
    block_id: BlockId, position: int, letter: str
) -> None:
    text = block_id.cid
    changed = text[: position + 1] + letter + text[position + 2 :]
    if changed == text:
        return
    try:
        parsed = parse_cid(changed)
    except Invalid:
        return
    assert parsed != block_id
    assert parsed.cid == changed


@given(st.binary(max_size=200))
def test_parse_node__any_bytes__are_a_file_or_invalid(block: bytes) -> None:
    try:
        node = parse_node(block)
    except Invalid:
        return
    assert node.size == len(node.data) + sum(node.child_sizes)
    assert len(node.links) == len(node.child_sizes)


@given(st.integers(0, 70), st.binary(min_size=1, max_size=4))
def test_parse_node__honest_node_with_a_damaged_part__is_a_file_or_invalid(position: int, damage: bytes) -> None:
    links = [Link(BlockId(Codec.RAW, bytes(32)), 2), Link(BlockId(Codec.RAW, bytes(32)), 3)]
    block = bytearray(encode_branch(links, [2, 3], version=1))
    block[position : position + len(damage)] = damage
    try:
        parse_node(bytes(block))
    except Invalid:
        return
