from pathlib import Path

import pytest

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.store.blocks import DirectoryBlocks
from zarathustra.store.cid import BlockId, Codec, compute_block_id
from zarathustra.store.unixfs import MAX_BLOCK_BYTES

pytestmark = pytest.mark.unit

BLOCK = b"a block"
BLOCK_ID = compute_block_id(Codec.RAW, BLOCK)


def path_of(root: Path, block_id: BlockId) -> Path:
    [path] = root.glob(f"blocks/*/{block_id.digest.hex()}")
    return path


def test_put__block__remains_after_a_restart(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        blocks.put(BLOCK_ID, BLOCK)
        blocks.pin(BLOCK_ID)
    with DirectoryBlocks(tmp_path) as blocks:
        assert blocks.get(BLOCK_ID) == BLOCK
        assert blocks.is_pinned(BLOCK_ID)
        assert blocks.pins() == [BLOCK_ID]


def test_get__unknown_block__is_unavailable(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks, pytest.raises(Retry) as caught:
        blocks.get(BLOCK_ID)
    assert caught.value.reason is Reason.UNAVAILABLE


@pytest.mark.parametrize("damage", [b"", b"a bloc", b"b block"])
def test_get__block_changed_on_disk__is_detected_and_repaired_by_storing_it_again(
    tmp_path: Path, damage: bytes
) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        blocks.put(BLOCK_ID, BLOCK)
        path_of(tmp_path, BLOCK_ID).write_bytes(damage)
        with pytest.raises(Retry) as caught:
            blocks.get(BLOCK_ID)
        assert caught.value.reason is Reason.CID_MISMATCH

        blocks.put(BLOCK_ID, BLOCK)
        assert blocks.get(BLOCK_ID) == BLOCK


def test_put__bytes_of_another_block__are_refused(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        with pytest.raises(Invalid) as caught:
            blocks.put(BLOCK_ID, b"other")
        assert caught.value.reason is Reason.CID_MISMATCH
        with pytest.raises(Retry):
            blocks.get(BLOCK_ID)


def test_put__over_the_exchange_limit__is_refused(tmp_path: Path) -> None:
    large = bytes(MAX_BLOCK_BYTES + 1)
    with DirectoryBlocks(tmp_path) as blocks, pytest.raises(Invalid) as caught:
        blocks.put(compute_block_id(Codec.RAW, large), large)
    assert caught.value.reason is Reason.OVERSIZE


def test_put__both_codecs_of_the_same_bytes__share_one_file(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        blocks.put(BLOCK_ID, BLOCK)
        assert blocks.get(compute_block_id(Codec.DAG_PB, BLOCK)) == BLOCK


def test_open__partial_file_after_a_crash__is_removed(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path):
        pass
    leftover = tmp_path / "incoming" / "0123"
    leftover.write_bytes(b"half")
    with DirectoryBlocks(tmp_path):
        assert not leftover.exists()


def test_open__directory_in_use__is_refused(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path), pytest.raises(Invalid) as caught, DirectoryBlocks(tmp_path):
        pass
    assert caught.value.reason is Reason.BAD_SETTING


def test_unpin__called_twice__removes_the_pin_then_raises_retry(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        blocks.pin(BLOCK_ID)
        blocks.unpin(BLOCK_ID)
        assert blocks.pins() == []
        with pytest.raises(Retry):
            blocks.unpin(BLOCK_ID)
