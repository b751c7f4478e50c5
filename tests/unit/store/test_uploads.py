"""Uploads leave all of their blocks or none, and never more than the limits allow."""

import os
import time
from pathlib import Path

import pytest

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.store.blocks import DirectoryBlocks
from zarathustra.store.cid import BlockId, Codec, compute_block_id
from zarathustra.store.space import SpaceLimits

pytestmark = pytest.mark.unit

FIRST, SECOND = b"first block", b"second block"


def id_of(block: bytes) -> BlockId:
    return compute_block_id(Codec.RAW, block)


def files_in(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*") if path.is_file() and path.name != "lock"]


def test_upload__committed__stores_every_block(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        upload = blocks.begin_upload()
        for block in (FIRST, SECOND, FIRST):
            upload.put(id_of(block), block)
        with pytest.raises(Retry):
            blocks.get(id_of(FIRST))  # nothing has its name before the commit
        upload.commit()
        upload.close()
        assert (blocks.get(id_of(FIRST)), blocks.get(id_of(SECOND))) == (FIRST, SECOND)
        assert blocks.space.used_bytes == len(FIRST) + len(SECOND)


def test_upload__closed_without_a_commit__leaves_nothing(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        upload = blocks.begin_upload()
        upload.put(id_of(FIRST), FIRST)
        upload.close()
        upload.close()
        assert (files_in(tmp_path), list((tmp_path / "incoming").iterdir())) == ([], [])
        assert blocks.space.used_bytes == 0


def test_upload__thread_writes_after_the_close__is_refused(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        upload = blocks.begin_upload()
        upload.close()
        with pytest.raises(RuntimeError):
            upload.put(id_of(FIRST), FIRST)
        assert files_in(tmp_path) == []


def test_upload__refused_block__keeps_those_that_others_stored(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        blocks.put(id_of(FIRST), FIRST)
        upload = blocks.begin_upload()
        upload.put(id_of(FIRST), FIRST)
        with pytest.raises(Invalid):
            upload.put(id_of(SECOND), FIRST)
        upload.close()
        assert blocks.get(id_of(FIRST)) == FIRST
        assert blocks.space.used_bytes == len(FIRST)


def test_open__upload_ended_by_a_crash__is_removed_and_not_counted(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        blocks.put(id_of(FIRST), FIRST)
        blocks.begin_upload().put(id_of(SECOND), SECOND)
    with DirectoryBlocks(tmp_path) as blocks:
        assert files_in(tmp_path) == [id_of(FIRST).digest.hex()]
        assert blocks.space.used_bytes == len(FIRST)


@pytest.mark.parametrize(("quota", "is_stored"), [(len(FIRST), True), (len(FIRST) - 1, False)])
def test_put__quota__is_the_last_byte_that_fits(tmp_path: Path, quota: int, is_stored: bool) -> None:
    with DirectoryBlocks(tmp_path, SpaceLimits(quota_bytes=quota, min_free_bytes=0)) as blocks:
        if is_stored:
            blocks.put(id_of(FIRST), FIRST)
        else:
            with pytest.raises(Retry) as caught:
                blocks.put(id_of(FIRST), FIRST)
            assert caught.value.reason is Reason.STORE_FULL
        assert blocks.space.used_bytes == (len(FIRST) if is_stored else 0)


def test_put__less_than_the_free_space_would_be_left__is_refused(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path, SpaceLimits(min_free_bytes=1 << 60)) as blocks:
        with pytest.raises(Retry) as caught:
            blocks.put(id_of(FIRST), FIRST)
        assert caught.value.reason is Reason.STORE_FULL
        assert blocks.space.is_full


def test_put__quota_used_up__still_accepts_a_block_that_is_here(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path, SpaceLimits(quota_bytes=len(FIRST), min_free_bytes=0)) as blocks:
        blocks.put(id_of(FIRST), FIRST)
        blocks.put(id_of(FIRST), FIRST)
        assert blocks.space.used_bytes == len(FIRST)


def test_put__damaged_block_is_repaired__counts_its_bytes_once(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        blocks.put(id_of(FIRST), FIRST)
        [path] = tmp_path.glob("blocks/*/*")
        path.write_bytes(b"x")
    with DirectoryBlocks(tmp_path) as blocks:
        blocks.put(id_of(FIRST), FIRST)
        assert blocks.space.used_bytes == len(FIRST)


def test_remove_given_before__given_again_meanwhile__stays(tmp_path: Path) -> None:
    with DirectoryBlocks(tmp_path) as blocks:
        blocks.put(id_of(FIRST), FIRST)
        [path] = tmp_path.glob("blocks/*/*")
        os.utime(path, (1000, 1000))
        blocks.put(id_of(FIRST), FIRST)
        assert not blocks.remove_given_before(id_of(FIRST).digest, time.time() - 60)
        assert blocks.get(id_of(FIRST)) == FIRST
