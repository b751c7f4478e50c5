"""What garbage collection removes, and what it keeps."""

import os
from pathlib import Path

import pytest

from tests.kit.store.samples import make_content
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.store.blocks import DirectoryBlocks
from zarathustra.store.cid import BlockId
from zarathustra.store.garbage import collect_garbage
from zarathustra.store.unixfs import CHUNK_BYTES, build_file, iter_file

pytestmark = pytest.mark.unit

OLD, MOMENT = 1_000.0, 2_000.0
DATA = make_content(3 * CHUNK_BYTES)
PINNED, UNPINNED = DATA[: 2 * CHUNK_BYTES + 1], DATA[CHUNK_BYTES:]


def age_all(root: Path) -> None:
    for path in root.glob("blocks/*/*"):
        os.utime(path, (OLD, OLD))


def is_whole(blocks: DirectoryBlocks, root: BlockId) -> bool:
    try:
        return sum(len(piece) for piece in iter_file(root, blocks.get, max_bytes=1 << 24)) > 0
    except Retry:
        return False


def test_collect_garbage__old_files__keeps_the_pinned_one_whole(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        pinned, unpinned = (build_file(data, blocks.put).block_id for data in (PINNED, UNPINNED))
        blocks.pin(pinned)
        age_all(tmp_path)
        removed = collect_garbage(blocks, before=MOMENT)
        # The files share a chunk; it stays.
        assert (len(removed), is_whole(blocks, pinned), is_whole(blocks, unpinned)) == (2, True, False)
        assert blocks.space.used_bytes == sum(stored.size for stored in blocks.stored())


def test_collect_garbage__recent_file__stays(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        recent = build_file(UNPINNED, blocks.put).block_id
        assert collect_garbage(blocks, before=MOMENT) == []
        assert is_whole(blocks, recent)


def test_collect_garbage__old_file_given_again__stays(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        build_file(UNPINNED, blocks.put)
        age_all(tmp_path)
        again = build_file(UNPINNED, blocks.put).block_id
        assert collect_garbage(blocks, before=MOMENT) == []
        assert is_whole(blocks, again)


def test_collect_garbage__unpinned__removes_it_the_next_time(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        root = build_file(PINNED, blocks.put).block_id
        blocks.pin(root)
        age_all(tmp_path)
        assert collect_garbage(blocks, before=MOMENT) == []
        blocks.unpin(root)
        assert len(collect_garbage(blocks, before=MOMENT)) == 4
        assert (list(blocks.stored()), blocks.space.used_bytes) == ([], 0)


def test_collect_garbage__damaged_block_below_a_pin__removes_nothing(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        root = build_file(PINNED, blocks.put).block_id
        blocks.pin(root)
        [path] = tmp_path.glob(f"blocks/*/{root.digest.hex()}")
        path.write_bytes(b"x")
        age_all(tmp_path)
        with pytest.raises(Retry) as caught:
            collect_garbage(blocks, before=MOMENT)
        assert caught.value.reason is Reason.CID_MISMATCH
        assert len(list(blocks.stored())) == 4
