"""Malformed DAGs, encoded field by field: the encoders of the code under test refuse to write them."""

from collections.abc import Sequence

from zarathustra.store.cid import BlockId, Codec, compute_block_id

FILE, DIRECTORY, SYMLINK, HAMT = 2, 1, 4, 5


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def text(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def encode_unixfs(
    *, kind: int = FILE, data: bytes | None = None, size: int | None = None, child_sizes: Sequence[int] = ()
) -> bytes:
    parts = [number(1, kind)]
    parts += [text(2, data)] if data is not None else []
    parts += [number(3, size)] if size is not None else []
    return b"".join(parts + [number(4, child) for child in child_sizes])


def encode_link(target: bytes, *, name: str = "", total: int = 0) -> bytes:
    return text(2, text(1, target) + text(2, name.encode()) + number(3, total))


def encode_node(inner: bytes, targets: Sequence[BlockId] = ()) -> bytes:
    return b"".join(encode_link(target.to_bytes(version=1)) for target in targets) + text(1, inner)


def encode_directory(name: str, child: BlockId) -> bytes:
    return encode_link(child.to_bytes(version=1), name=name) + text(1, encode_unixfs(kind=DIRECTORY))


class Dag:
    """Blocks by id, with a short way to add malformed file nodes."""

    def __init__(self) -> None:
        self.blocks: dict[BlockId, bytes] = {}

    def put(self, block: bytes, codec: Codec = Codec.DAG_PB) -> BlockId:
        block_id = compute_block_id(codec, block)
        self.blocks[block_id] = block
        return block_id

    def leaf(self, data: bytes) -> BlockId:
        return self.put(data, Codec.RAW)

    def branch(self, children: Sequence[BlockId], child_sizes: Sequence[int], *, size: int | None = None) -> BlockId:
        """Add a file node that declares `size`, or else the sum of its children's sizes."""
        declared = sum(child_sizes) if size is None else size
        return self.put(encode_node(encode_unixfs(size=declared, child_sizes=child_sizes), children))
