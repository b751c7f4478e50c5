"""Reading DAGs of strangers: each refusal is tested with a DAG that differs from an accepted one in one point only."""

from collections.abc import Iterable

import pytest

from tests.kit.store.dags import (
    DIRECTORY,
    HAMT,
    SYMLINK,
    Dag,
    encode_directory,
    encode_link,
    encode_node,
    encode_unixfs,
    number,
    text,
    varint,
)
from tests.kit.store.samples import make_content
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.store.cid import BlockId, Codec, compute_block_id
from zarathustra.store.dag_pb import MAX_FIELDS
from zarathustra.store.unixfs import (
    CHUNK_BYTES,
    MAX_BLOCK_BYTES,
    MAX_BLOCKS,
    MAX_DEPTH,
    FileBuilder,
    FileReader,
    build_file,
    iter_file,
)

pytestmark = pytest.mark.unit

KIB = 1024


def read(dag: Dag, root: BlockId, *, max_bytes: int = 1 << 20) -> bytes:
    """Read with both drivers; they must agree."""
    try:
        whole = read_by_levels(dag, root, max_bytes)
    except Invalid as error:
        with pytest.raises(Invalid) as caught:
            list(iter_file(root, dag.blocks.__getitem__, max_bytes=max_bytes))
        # One reads level by level, the other depth first: in a DAG with several faults, the first fault may differ.
        assert isinstance(caught.value.reason, Reason)
        raise error from None
    assert b"".join(iter_file(root, dag.blocks.__getitem__, max_bytes=max_bytes)) == whole
    return whole


def read_by_levels(dag: Dag, root: BlockId, max_bytes: int) -> bytes:
    reader = FileReader(root, max_bytes=max_bytes)
    while wanted := reader.wanted():
        for block_id in wanted:
            reader.supply(block_id, dag.blocks[block_id])
    return reader.content()


def refusal(dag: Dag, root: BlockId, *, max_bytes: int = 1 << 20) -> Reason:
    with pytest.raises(Invalid) as caught:
        read(dag, root, max_bytes=max_bytes)
    return caught.value.reason


def test_read__two_leaves__gives_their_bytes_in_order() -> None:
    dag = Dag()
    assert read(dag, dag.branch([dag.leaf(b"ab"), dag.leaf(b"c")], [2, 1])) == b"abc"


def test_read__node_with_data_and_children__puts_its_data_first() -> None:
    dag = Dag()
    inner = encode_unixfs(data=b"ab", size=3, child_sizes=[1])
    assert read(dag, dag.put(encode_node(inner, [dag.leaf(b"c")]))) == b"abc"


def test_read__same_leaf_many_times__is_read_each_time() -> None:
    dag = Dag()
    leaf = dag.leaf(b"ab")
    assert read(dag, dag.branch([leaf] * 5, [2] * 5)) == b"ab" * 5


def test_read__same_branch_at_two_depths__is_read_each_time() -> None:
    dag = Dag()
    leaf = dag.leaf(b"ab")
    inner = dag.branch([leaf, leaf], [2, 2])
    outer = dag.branch([inner, leaf], [4, 2])
    assert read(dag, dag.branch([inner, outer], [4, 6])) == b"ab" * 5


@pytest.mark.parametrize("kind", [0, 2])
def test_read__leaf_types_raw_and_file__are_both_files(kind: int) -> None:
    dag = Dag()
    assert read(dag, dag.put(encode_node(encode_unixfs(kind=kind, data=b"ab", size=2)))) == b"ab"


def test_read__mode_and_mtime__are_skipped() -> None:
    dag = Dag()
    inner = encode_unixfs(data=b"ab", size=2) + number(7, 0o644) + text(8, number(1, 1_700_000_000))
    assert read(dag, dag.put(encode_node(inner))) == b"ab"


@pytest.mark.parametrize("kind", [DIRECTORY, SYMLINK, HAMT, 3, 9])
def test_read__other_unixfs_types__are_not_files(kind: int) -> None:
    dag = Dag()
    assert refusal(dag, dag.put(encode_node(encode_unixfs(kind=kind, data=b"ab", size=2)))) is Reason.BAD_DAG


def test_read__directory_below_a_file__is_refused() -> None:
    dag = Dag()
    child = dag.put(encode_directory("name", dag.leaf(b"ab")))
    assert refusal(dag, dag.branch([child], [2])) is Reason.BAD_DAG


def test_read__terabytes_declared_in_a_small_block__are_refused_before_any_child_is_wanted() -> None:
    dag = Dag()
    root = dag.branch([dag.leaf(b"ab")] * 100, [240 << 32] * 100)
    reader = FileReader(root, max_bytes=1 << 20)
    with pytest.raises(Invalid) as caught:
        reader.supply(root, dag.blocks[root])
    assert caught.value.reason is Reason.OVERSIZE


@pytest.mark.parametrize(("size", "accepted"), [(KIB, True), (KIB + 1, False)])
@pytest.mark.parametrize("shape", ["raw", "leaf", "branch"])
def test_read__at_and_over_the_limit__is_read_and_refused(size: int, accepted: bool, shape: str) -> None:
    dag = Dag()
    data = make_content(size)
    roots = {
        "raw": lambda: dag.leaf(data),
        "leaf": lambda: dag.put(encode_node(encode_unixfs(data=data, size=size))),
        "branch": lambda: dag.branch([dag.leaf(data[:100]), dag.leaf(data[100:])], [100, size - 100]),
    }
    root = roots[shape]()
    if accepted:
        assert read(dag, root, max_bytes=KIB) == data
    else:
        assert refusal(dag, root, max_bytes=KIB) is Reason.OVERSIZE


@pytest.mark.parametrize("declared", [0, 1, 3, 2**64 - 1])
def test_read__size_that_is_not_the_sum__is_refused(declared: int) -> None:
    dag = Dag()
    leaf = dag.put(encode_node(encode_unixfs(data=b"ab", size=declared)))
    branch = dag.branch([dag.leaf(b"ab")], [2], size=declared)
    for root in (leaf, branch):
        assert refusal(dag, root, max_bytes=2**65) is Reason.BAD_DAG


@pytest.mark.parametrize("declared", [1, 3])
def test_read__child_of_another_size_than_declared__is_refused(declared: int) -> None:
    dag = Dag()
    assert refusal(dag, dag.branch([dag.leaf(b"ab")], [declared])) is Reason.BAD_DAG
    nested = dag.branch([dag.branch([dag.leaf(b"ab")], [2])], [declared])
    assert refusal(dag, nested) is Reason.BAD_DAG


@pytest.mark.parametrize("sizes", [[], [2], [2, 2, 2]])
def test_read__other_number_of_sizes_than_links__is_refused(sizes: list[int]) -> None:
    dag = Dag()
    leaf = dag.leaf(b"ab")
    assert refusal(dag, dag.branch([leaf, leaf], sizes)) is Reason.BAD_DAG


@pytest.mark.parametrize(("depth", "accepted"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_read__chain_of_nodes__is_followed_to_the_limit(depth: int, accepted: bool) -> None:
    dag = Dag()
    root = dag.leaf(b"ab")
    for _ in range(depth):
        root = dag.branch([root], [2])
    if accepted:
        assert read(dag, root) == b"ab"
    else:
        assert refusal(dag, root) is Reason.BAD_DAG


def test_read__few_blocks_that_link_to_each_other_millions_of_times__are_refused() -> None:
    dag = Dag()
    root = dag.put(encode_node(encode_unixfs(size=0)))
    for _ in range(4):
        root = dag.branch([root] * 60, [0] * 60)
    assert len(dag.blocks) == 5
    assert refusal(dag, root) is Reason.BAD_DAG


@pytest.mark.parametrize(("leaves", "accepted"), [(MAX_BLOCKS - 1, True), (MAX_BLOCKS, False)])
def test_read__number_of_blocks__is_limited(leaves: int, accepted: bool) -> None:
    dag = Dag()
    root = dag.branch([dag.leaf(b"a")] * leaves, [1] * leaves)
    if accepted:
        assert read(dag, root) == b"a" * leaves
    else:
        assert refusal(dag, root) is Reason.BAD_DAG


def test_read__blocks_of_padding__are_refused_over_the_limit() -> None:
    dag = Dag()
    small = dag.put(encode_node(encode_unixfs(size=0) + text(8, bytes(500 * KIB))))
    root = dag.branch([small] * 8, [0] * 8)
    assert refusal(dag, root, max_bytes=KIB) is Reason.BAD_DAG
    assert read(dag, dag.branch([small] * 4, [0] * 4), max_bytes=KIB) == b""


def test_read__block_over_the_exchange_limit__is_refused() -> None:
    dag = Dag()
    assert refusal(dag, dag.leaf(bytes(MAX_BLOCK_BYTES + 1)), max_bytes=1 << 30) is Reason.OVERSIZE
    assert len(read(dag, dag.leaf(bytes(MAX_BLOCK_BYTES)), max_bytes=1 << 30)) == MAX_BLOCK_BYTES


def test_read__wrong_bytes_for_a_child__are_a_mismatch() -> None:
    dag = Dag()
    leaf = dag.leaf(b"ab")
    root = dag.branch([leaf], [2])
    dag.blocks[leaf] = b"ax"
    assert refusal(dag, root) is Reason.CID_MISMATCH


def test_read__link_with_an_unsupported_hash__is_refused() -> None:
    dag = Dag()
    identity = b"\x01\x55\x00\x02ab"
    root = dag.put(encode_link(identity) + text(1, encode_unixfs(size=2, child_sizes=[2])))
    assert refusal(dag, root) is Reason.BAD_CID


INNER = encode_unixfs(data=b"ab", size=2)
LEAF = compute_block_id(Codec.RAW, b"ab").to_bytes(version=1)
MALFORMED = {
    "no data": encode_link(LEAF),
    "data twice": text(1, INNER) + text(1, INNER),
    "unknown field in node": text(1, INNER) + text(3, b""),
    "node data as a number": number(1, 5),
    "cut off": encode_node(INNER)[:-1],
    "length beyond 64 bits": b"\x0a" + b"\xff" * 9 + b"\x7f",
    "integer beyond 64 bits": encode_link(LEAF, total=2**64) + text(1, encode_unixfs(size=2, child_sizes=[2])),
    "endless integer": b"\x0a" + b"\x80" * 30,
    "padded integer": encode_node(INNER + varint(7 << 3) + b"\x80\x00"),
    "skipped field cut off": encode_node(INNER + varint(8 << 3 | 2) + varint(10) + b"short"),
    "fixed64 wire type": b"\x09" + bytes(8),
    "group wire type": b"\x0b",
    "no type": encode_node(number(3, 0)),
    "type twice": encode_node(number(1, 2) + INNER),
    "type as bytes": encode_node(text(1, b"\x02") + number(3, 0)),
    "size as bytes": encode_node(number(1, 2) + text(3, b"\x00")),
    "data as number": encode_node(number(1, 2) + number(2, 0) + number(3, 0)),
    "packed child sizes": encode_node(number(1, 2) + number(3, 0) + text(4, b"\x00")),
    "hash type": encode_node(INNER + number(5, 0x22)),
    "fan-out": encode_node(INNER + number(6, 256)),
    "link without hash": text(2, text(2, b"") + number(3, 0)) + text(1, encode_unixfs(size=0, child_sizes=[0])),
    "link hash twice": text(2, text(1, LEAF) * 2) + text(1, encode_unixfs(size=2, child_sizes=[2])),
    "link with unknown field": text(2, text(1, LEAF) + number(4, 1)) + text(1, encode_unixfs(size=2, child_sizes=[2])),
}


@pytest.mark.parametrize("block", MALFORMED.values(), ids=MALFORMED.keys())
def test_read__malformed_node__is_refused(block: bytes) -> None:
    dag = Dag()
    dag.leaf(b"ab")
    assert refusal(dag, dag.put(block)) is Reason.BAD_DAG


def test_read__node_of_a_million_fields__is_not_read_to_its_end() -> None:
    dag = Dag()
    root = dag.put(encode_node(INNER + number(4, 0) * 500_000))
    with pytest.raises(Invalid) as caught:
        read(dag, root)
    assert caught.value.details == {"limit": MAX_FIELDS}


def test_file_reader__content_before_the_end__raises_runtime_error() -> None:
    dag = Dag()
    with pytest.raises(RuntimeError):
        FileReader(dag.leaf(b"ab"), max_bytes=10).content()


def cut(data: bytes, piece: int) -> Iterable[bytes]:
    return (data[i : i + piece] for i in range(0, len(data), piece))


@pytest.mark.parametrize("piece", [1000, CHUNK_BYTES - 1, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_file_builder__pieces_of_any_size__build_the_same_dag(piece: int) -> None:
    data = make_content(3 * CHUNK_BYTES + 5)
    whole, pieces = Dag(), Dag()
    expected = build_file(data, whole.blocks.__setitem__)
    builder = FileBuilder(pieces.blocks.__setitem__)
    for part in cut(data, piece):
        builder.write(part)
    assert builder.finish() == expected
    assert pieces.blocks == whole.blocks
