"""File contents for store tests, the same on every machine."""

import hashlib

from zarathustra.store.unixfs import CHUNK_BYTES, LAYOUT_V0, LAYOUT_V1, LINKS_PER_NODE, Layout

FULL_NODE_BYTES = CHUNK_BYTES * LINKS_PER_NODE  # one more byte needs a second level of branches
GOLDEN_SIZES = (
    0,
    1,
    CHUNK_BYTES - 1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    FULL_NODE_BYTES - 1,
    FULL_NODE_BYTES,
    FULL_NODE_BYTES + 1,
)
GOLDEN_LAYOUTS = {
    "v0": LAYOUT_V0,
    "v1": LAYOUT_V1,
    "v0_raw_leaves": Layout(version=0, raw_leaves=True),
    "v1_dag_pb_leaves": Layout(version=1, raw_leaves=False),
}
CONTENT_RULE = "shake_256(b'zarathustra store ' + decimal size), squeezed to size bytes"


def make_content(size: int) -> bytes:
    """`size` bytes by CONTENT_RULE; they look random, so that equal chunks do not hide a mistake."""
    return hashlib.shake_256(b"zarathustra store %d" % size).digest(size)
