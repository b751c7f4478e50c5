"""Encode and parse dag-pb nodes that hold UnixFS data, strictly.

```
PBNode  { repeated PBLink Links = 2;  bytes Data = 1; }        links are written first, data last
PBLink  { bytes Hash = 1;  string Name = 2;  uint64 Tsize = 3; }
Data    { Type = 1;  bytes Data = 2;  uint64 filesize = 3;  repeated uint64 blocksizes = 4;
          hashType = 5;  fanout = 6;  mode = 7;  mtime = 8; }  UnixFS, inside PBNode.Data
```

Why not the protobuf runtime: it keeps unknown fields, merges repeated ones and accepts overlong integers, so it cannot
report that a block is not a plain file. Its output order is not the one that Kubo hashes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.store.cid import BlockId, parse_cid_bytes
from zarathustra.wire.varint import encode_varint

MAX_UINT64 = 2**64 - 1
MAX_FIELDS = 4096 + 8  # enough for as many children as a file may have blocks; stops a million empty fields

_VARINT, _BYTES = 0, 2  # protobuf wire types; dag-pb and UnixFS use no other (mtime's nanoseconds lie inside field 8)
_NODE_DATA, _NODE_LINK = 1, 2
_LINK_HASH, _LINK_NAME, _LINK_TOTAL = 1, 2, 3
_FILE_TYPE, _FILE_DATA, _FILE_SIZE, _FILE_CHILD_SIZE = 1, 2, 3, 4
_FILE_MODE, _FILE_MTIME = 7, 8  # metadata that Kubo writes on request; it changes no content, so it is skipped


class NodeType(IntEnum):
    """The UnixFS types that hold a file's bytes. Directories, symlinks, HAMT shards and metadata are refused."""

    RAW = 0
    FILE = 2


@dataclass(frozen=True)
class Link:
    """A child as its parent names it. `total_size` is the size of all blocks of the child; only writers need it."""

    block_id: BlockId
    total_size: int


@dataclass(frozen=True)
class FileNode:
    """One dag-pb block of a file: its own bytes, then those of its children, in order."""

    data: bytes
    size: int  # the file's bytes in and below this node, as declared
    child_sizes: tuple[int, ...]
    links: tuple[Link, ...]


def encode_leaf(data: bytes) -> bytes:
    """Encode a node without children, byte for byte as Kubo writes it."""
    inner = _encode_varint_field(_FILE_TYPE, NodeType.FILE)
    if data:  # Kubo omits the field for an empty file
        inner += _encode_bytes_field(_FILE_DATA, data)
    return _encode_bytes_field(_NODE_DATA, inner + _encode_varint_field(_FILE_SIZE, len(data)))


def encode_branch(links: Sequence[Link], child_sizes: Sequence[int], *, version: int) -> bytes:
    """Encode a node that has only children, byte for byte as Kubo writes it."""
    inner = _encode_varint_field(_FILE_TYPE, NodeType.FILE) + _encode_varint_field(_FILE_SIZE, sum(child_sizes))
    inner += b"".join(_encode_varint_field(_FILE_CHILD_SIZE, size) for size in child_sizes)
    return b"".join(_encode_link(link, version) for link in links) + _encode_bytes_field(_NODE_DATA, inner)


def parse_node(block: bytes) -> FileNode:
    """Parse the file node in a block. Raises Invalid(BAD_DAG), or Invalid(BAD_CID) for a link that is not accepted."""
    links: list[Link] = []
    data: bytes | None = None
    for field, value in _parse_fields(block):
        if field == _NODE_LINK and isinstance(value, bytes):
            links.append(_parse_link(value))
        elif field == _NODE_DATA and isinstance(value, bytes) and data is None:
            data = value
        else:
            raise Invalid(Reason.BAD_DAG, "unknown or repeated field in a dag-pb node", field=field)
    if data is None:
        raise Invalid(Reason.BAD_DAG, "dag-pb node holds no UnixFS data")
    return _parse_file(data, tuple(links))


def _parse_file(inner: bytes, links: tuple[Link, ...]) -> FileNode:
    singles: dict[int, int | bytes] = {}
    child_sizes: list[int] = []
    for field, value in _parse_fields(inner):
        if field == _FILE_CHILD_SIZE and isinstance(value, int):
            child_sizes.append(value)
        elif field in singles:
            raise Invalid(Reason.BAD_DAG, "repeated field in UnixFS data", field=field)
        else:
            singles[field] = value
    _validate_file_fields(singles)

    data, size = singles.get(_FILE_DATA, b""), singles.get(_FILE_SIZE, 0)
    if not isinstance(data, bytes) or not isinstance(size, int):
        raise Invalid(Reason.BAD_DAG, "UnixFS field has the wrong wire type")
    node = FileNode(data, size, tuple(child_sizes), links)
    _validate_sizes(node)
    return node


def _validate_file_fields(singles: dict[int, int | bytes]) -> None:
    if singles.get(_FILE_TYPE) not in tuple(NodeType):
        raise Invalid(Reason.BAD_DAG, "not a file", unixfs_type=repr(singles.get(_FILE_TYPE)))
    unknown = singles.keys() - {_FILE_TYPE, _FILE_DATA, _FILE_SIZE, _FILE_MODE, _FILE_MTIME}
    if unknown:
        raise Invalid(Reason.BAD_DAG, "UnixFS field that plain files do not have", fields=sorted(unknown))


def _validate_sizes(node: FileNode) -> None:
    if len(node.child_sizes) != len(node.links):
        raise Invalid(
            Reason.BAD_DAG, "links and sizes differ in number", links=len(node.links), sizes=len(node.child_sizes)
        )
    held = len(node.data) + sum(node.child_sizes)
    if node.size != held:
        raise Invalid(Reason.BAD_DAG, "declared size is not the sum of the parts", declared=node.size, parts=held)


def _parse_link(raw: bytes) -> Link:
    values: dict[int, int | bytes] = {}
    for field, value in _parse_fields(raw):
        if field in values or field not in (_LINK_HASH, _LINK_NAME, _LINK_TOTAL):
            raise Invalid(Reason.BAD_DAG, "unknown or repeated field in a link", field=field)
        values[field] = value

    target, total_size = values.get(_LINK_HASH), values.get(_LINK_TOTAL, 0)
    if not isinstance(target, bytes) or not isinstance(total_size, int):
        raise Invalid(Reason.BAD_DAG, "link names no block")
    return Link(parse_cid_bytes(target), total_size)


def _encode_link(link: Link, version: int) -> bytes:
    inner = _encode_bytes_field(_LINK_HASH, link.block_id.to_bytes(version=version))
    inner += _encode_bytes_field(_LINK_NAME, b"") + _encode_varint_field(_LINK_TOTAL, link.total_size)
    return _encode_bytes_field(_NODE_LINK, inner)


def _encode_bytes_field(field: int, value: bytes) -> bytes:
    return encode_varint(field << 3 | _BYTES) + encode_varint(len(value)) + value


def _encode_varint_field(field: int, value: int) -> bytes:
    return encode_varint(field << 3 | _VARINT) + encode_varint(value)


def _parse_fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = count = 0
    while position < len(raw):
        count += 1
        if count > MAX_FIELDS:
            raise Invalid(Reason.BAD_DAG, "too many fields in one message", limit=MAX_FIELDS)
        key, position = _parse_varint(raw, position)
        value, position = _parse_varint(raw, position)
        if key & 7 == _VARINT:
            yield key >> 3, value
        elif key & 7 == _BYTES:
            end = position + value
            if end > len(raw):
                raise Invalid(Reason.BAD_DAG, "field is cut off", needed=end, present=len(raw))
            yield key >> 3, raw[position:end]
            position = end
        else:
            raise Invalid(Reason.BAD_DAG, "unexpected wire type", wire_type=key & 7)


def _parse_varint(raw: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(raw):
            raise Invalid(Reason.BAD_DAG, "integer is cut off")
        byte = raw[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if value > MAX_UINT64:
            raise Invalid(Reason.BAD_DAG, "integer does not fit 64 bits")
        if byte < 0x80:
            if byte == 0 and shift:
                raise Invalid(Reason.BAD_DAG, "integer is padded")
            return value, position
        shift += 7
