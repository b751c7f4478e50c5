"""Files as DAGs of blocks: build them as Kubo does, and read the ones that strangers built.

Building: chunks of 256 KiB, at most 174 children per node, balanced. A file of one chunk is only that leaf.

Reading applies the limits before it trusts a size: a DAG of 299 KB can declare 240 TB. The root's declared size is
checked before any child is requested; every block is hashed; every child must hold exactly the bytes that its parent
declared for it.

The limits decide which artefacts are valid in this network: an operator with other limits would vote differently.
Change them only in a release that all operators run.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Cid
from zarathustra.store.cid import BlockId, Codec, compute_block_id, validate_block
from zarathustra.store.dag_pb import FileNode, Link, encode_branch, encode_leaf, parse_node

CHUNK_BYTES = 262_144  # Kubo's default chunker; another size gives other CIDs
LINKS_PER_NODE = 174  # Kubo's default fan-out; another number gives other CIDs

MAX_BLOCK_BYTES = 2 << 20  # the largest block that IPFS nodes exchange
MAX_BLOCKS = 4096  # 64 MiB in chunks of 16 KiB; stops a few blocks that name each other millions of times
MAX_DEPTH = 8  # enough for 174⁸ chunks; stops a chain of nodes that hold only the next one
MAX_ARTEFACT_BYTES = 64 << 20  # the largest artefact of the protocol: a parameters file

BlockSink = Callable[[BlockId, bytes], None]
BlockGetter = Callable[[BlockId], bytes]


@dataclass(frozen=True)
class Layout:
    """Which of a file's possible DAGs to build. The default is what this project publishes."""

    version: int = 1
    raw_leaves: bool = True


LAYOUT_V1 = Layout()
LAYOUT_V0 = Layout(version=0, raw_leaves=False)


@dataclass(frozen=True)
class BuiltFile:
    """The root of a built DAG; `dag_size` counts the bytes of its blocks, `file_size` the file's bytes."""

    block_id: BlockId
    file_size: int
    dag_size: int


class FileBuilder:
    """Builds one file's DAG from bytes that arrive in pieces. Holds a chunk and one entry per leaf, never the file."""

    def __init__(self, put: BlockSink, *, layout: Layout = LAYOUT_V1) -> None:
        self._put = put
        self._layout = layout
        self._buffer = bytearray()
        self._leaves: list[BuiltFile] = []

    def write(self, data: bytes) -> None:
        """Add the next bytes; emit the leaves that are full."""
        self._buffer += data
        while len(self._buffer) >= CHUNK_BYTES:
            self._emit_leaf(bytes(self._buffer[:CHUNK_BYTES]))
            del self._buffer[:CHUNK_BYTES]

    def finish(self) -> BuiltFile:
        """Emit the rest and the branches. Call once."""
        if self._buffer or not self._leaves:
            self._emit_leaf(bytes(self._buffer))
        level = self._leaves
        while len(level) > 1:
            level = [self._build_branch(level[i : i + LINKS_PER_NODE]) for i in range(0, len(level), LINKS_PER_NODE)]
        return level[0]

    def _emit_leaf(self, chunk: bytes) -> None:
        codec, block = (Codec.RAW, chunk) if self._layout.raw_leaves else (Codec.DAG_PB, encode_leaf(chunk))
        block_id = compute_block_id(codec, block)
        self._put(block_id, block)
        self._leaves.append(BuiltFile(block_id, len(chunk), len(block)))

    def _build_branch(self, children: list[BuiltFile]) -> BuiltFile:
        links = [Link(child.block_id, child.dag_size) for child in children]
        sizes = [child.file_size for child in children]
        block = encode_branch(links, sizes, version=self._layout.version)
        block_id = compute_block_id(Codec.DAG_PB, block)
        self._put(block_id, block)
        return BuiltFile(block_id, sum(sizes), len(block) + sum(child.dag_size for child in children))


def build_file(data: bytes, put: BlockSink, *, layout: Layout = LAYOUT_V1) -> BuiltFile:
    """Build a file that is in memory; `put` gets each block, leaves first."""
    builder = FileBuilder(put, layout=layout)
    view = memoryview(data)
    for start in range(0, len(data), CHUNK_BYTES):
        builder.write(bytes(view[start : start + CHUNK_BYTES]))
    return builder.finish()


def compute_cid(data: bytes, *, layout: Layout = LAYOUT_V1) -> Cid:
    """Compute the CID that adding `data` gives, on the content store and on Kubo."""
    return build_file(data, _discard, layout=layout).block_id.cid


def _discard(_block_id: BlockId, _block: bytes) -> None:
    """Drop the block: the sink of a caller that needs only the CID."""


@dataclass(frozen=True)
class Position:
    """A range of the file that one block, with all blocks below it, must fill exactly."""

    block_id: BlockId
    offset: int
    size: int | None  # as the parent declared; None for the root, which has no parent
    depth: int


@dataclass(frozen=True)
class Opened:
    """The content of a verified block: bytes at its position's offset, then children."""

    data: bytes
    size: int
    children: tuple[Position, ...]


class Walk:
    """The rules for reading one file; the caller decides in which order blocks are fetched.

    Blocks come from strangers: `open` checks each one before any of it is used. A block counts in every position, so
    repeated blocks do not get around the limits.
    """

    def __init__(self, root: BlockId, *, max_bytes: int) -> None:
        self.root = Position(root, offset=0, size=None, depth=0)
        self._max_bytes = max_bytes
        self._positions = 1
        self._block_bytes = 0

    def open(self, position: Position, block: bytes) -> Opened:
        """Return what `block` puts into `position`. Raises Invalid(OVERSIZE | CID_MISMATCH | BAD_DAG | BAD_CID)."""
        if len(block) > MAX_BLOCK_BYTES:
            raise Invalid(Reason.OVERSIZE, "block is too large", cid=position.block_id.cid, length=len(block))
        self._count_bytes(block)
        validate_block(position.block_id, block)
        node = parse_node(block) if position.block_id.codec is Codec.DAG_PB else FileNode(block, len(block), (), ())
        self._validate_size(position, node.size)
        return Opened(node.data, node.size, self._place_children(position, node))

    def _count_bytes(self, block: bytes) -> None:
        """Refuse DAGs whose blocks are mostly padding: 4096 such blocks would cost 8 GB for a file of one byte."""
        self._block_bytes += len(block)
        limit = self._max_bytes + MAX_BLOCK_BYTES
        if self._block_bytes > limit:
            raise Invalid(Reason.BAD_DAG, "blocks are far larger than the file", limit=limit)

    def _validate_size(self, position: Position, size: int) -> None:
        if size > self._max_bytes:
            raise Invalid(Reason.OVERSIZE, "file is too large", declared=size, limit=self._max_bytes)
        if position.size is not None and position.size != size:
            raise Invalid(
                Reason.BAD_DAG,
                "child's size is not as declared",
                cid=position.block_id.cid,
                declared=position.size,
                held=size,
            )

    def _place_children(self, position: Position, node: FileNode) -> tuple[Position, ...]:
        self._positions += len(node.links)
        if self._positions > MAX_BLOCKS:
            raise Invalid(Reason.BAD_DAG, "too many blocks", limit=MAX_BLOCKS)
        if node.links and position.depth == MAX_DEPTH:
            raise Invalid(Reason.BAD_DAG, "too deep", limit=MAX_DEPTH)
        children = []
        offset = position.offset + len(node.data)
        for link, size in zip(node.links, node.child_sizes, strict=True):
            children.append(Position(link.block_id, offset, size, position.depth + 1))
            offset += size
        return tuple(children)


class FileReader:
    """Assembles one file from blocks that arrive in any order; the caller does the I/O.

    Call `wanted()`, fetch those blocks and `supply()` each, until nothing is wanted; then call `content()`. Blocks that
    are wanted at the same time may be fetched at the same time. Nothing larger than `max_bytes` is allocated.
    """

    def __init__(self, root: BlockId, *, max_bytes: int) -> None:
        self._walk = Walk(root, max_bytes=max_bytes)
        self._waiting: dict[BlockId, list[Position]] = {root: [self._walk.root]}
        self._buffer = bytearray()

    def wanted(self) -> tuple[BlockId, ...]:
        """Return the blocks that are known to be missing, each once; empty when the file is complete."""
        return tuple(self._waiting)

    def supply(self, block_id: BlockId, block: bytes) -> None:
        """Use a wanted block. Raises as `Walk.open`; after an error the file cannot be read."""
        for position in self._waiting.pop(block_id):
            opened = self._walk.open(position, block)
            if position.size is None:
                self._buffer = bytearray(opened.size)
            self._buffer[position.offset : position.offset + len(opened.data)] = opened.data
            for child in opened.children:
                self._waiting.setdefault(child.block_id, []).append(child)

    def content(self) -> bytes:
        """Return the file. Call it when nothing is wanted."""
        if self._waiting:
            raise RuntimeError("file is not complete")
        return bytes(self._buffer)


def iter_file(root: BlockId, get: BlockGetter, *, max_bytes: int) -> Iterator[bytes]:
    """Yield the file's bytes in order, in pieces, holding one block at a time. Raises as `Walk.open` and as `get`."""
    walk = Walk(root, max_bytes=max_bytes)
    stack = [walk.root]
    while stack:
        position = stack.pop()
        opened = walk.open(position, get(position.block_id))
        if opened.data:
            yield opened.data
        stack.extend(reversed(opened.children))
