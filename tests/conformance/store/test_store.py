"""What every content store guarantees: in memory, embedded over HTTP, and Kubo where `IPFS_API_URL` names one."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.store.dags import encode_directory
from tests.kit.store.samples import GOLDEN_LAYOUTS
from tests.kit.store.stores import KINDS, Store, open_store
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.store.cid import Codec, compute_block_id, parse_cid
from zarathustra.store.unixfs import CHUNK_BYTES, MAX_ARTEFACT_BYTES, compute_cid

pytestmark = pytest.mark.conformance

SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 7)


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(request.param, tmp_path) as opened:
        yield opened


def fresh(size: int) -> bytes:
    """Return content that no node has yet: a real node keeps what earlier runs gave it."""
    return os.urandom(size)


@pytest.mark.parametrize("size", SIZES)
async def test_add__any_size__is_read_back_under_the_computed_name(store: Store, size: int) -> None:
    data = fresh(size)
    cid = await store.writer.add(data)
    assert cid == compute_cid(data)
    assert await store.reader.fetch(cid, max_bytes=size) == data


async def test_add__same_bytes_twice__gives_the_same_name(store: Store) -> None:
    data = fresh(100)
    assert await store.writer.add(data) == await store.writer.add(data)


async def test_add__larger_than_any_artefact__is_refused(store: Store) -> None:
    with pytest.raises(Invalid) as caught:
        await store.writer.add(bytes(MAX_ARTEFACT_BYTES + 1))
    assert caught.value.reason is Reason.OVERSIZE


async def test_fetch__other_text_of_the_same_cid__gives_the_same_file(store: Store) -> None:
    data = fresh(2 * CHUNK_BYTES)
    block_id = parse_cid(await store.writer.add(data))
    for text in (block_id.v0_text, "f" + block_id.to_bytes(version=1).hex()):
        assert await store.reader.fetch(text, max_bytes=len(data)) == data


@pytest.mark.parametrize("size", [1000, 2 * CHUNK_BYTES])
async def test_fetch__one_byte_over_the_limit__is_oversize(store: Store, size: int) -> None:
    cid = await store.writer.add(fresh(size))
    with pytest.raises(Invalid) as caught:
        await store.reader.fetch(cid, max_bytes=size - 1)
    assert caught.value.reason is Reason.OVERSIZE


async def test_fetch__no_node_has_it__is_unavailable_and_reported_as_absent(store: Store) -> None:
    with pytest.raises(Retry) as caught:
        await store.reader.fetch(compute_cid(fresh(32)), max_bytes=100)
    assert caught.value.reason is Reason.UNAVAILABLE
    assert caught.value.details["is_absent"] is True


async def test_fetch__text_that_is_not_a_cid__is_invalid(store: Store) -> None:
    with pytest.raises(Invalid) as caught:
        await store.reader.fetch("QmNotACid", max_bytes=100)
    assert caught.value.reason is Reason.BAD_CID


async def test_pin__own_file_twice__changes_nothing(store: Store) -> None:
    data = fresh(1000)
    cid = await store.writer.add(data)
    await store.writer.pin(cid)
    await store.writer.pin(cid)
    assert await store.reader.fetch(cid, max_bytes=1000) == data


@pytest.mark.parametrize("layout", GOLDEN_LAYOUTS)
async def test_pin__file_of_another_node__is_served_when_that_node_is_gone(store: Store, layout: str) -> None:
    data = fresh(2 * CHUNK_BYTES + 1)
    cid = store.elsewhere.add_as(data, GOLDEN_LAYOUTS[layout])
    with pytest.raises(Retry):
        await store.reader.fetch(cid, max_bytes=len(data))

    await store.writer.pin(cid)
    store.elsewhere.forget_everything()

    assert await store.reader.fetch(cid, max_bytes=len(data)) == data


async def test_pin__own_node_has_some_of_the_blocks__copies_the_others(store: Store) -> None:
    first, second = fresh(CHUNK_BYTES), fresh(10)
    await store.writer.add(first)
    cid = await store.elsewhere.add(first + second)
    await store.writer.pin(cid)
    assert await store.reader.fetch(cid, max_bytes=CHUNK_BYTES + 10) == first + second


async def test_pin__no_node_has_it__is_unavailable(store: Store) -> None:
    with pytest.raises(Retry) as caught:
        await store.writer.pin(compute_cid(fresh(32)))
    assert caught.value.reason is Reason.UNAVAILABLE


async def test_pin__file_over_the_limit__is_oversize(store: Store) -> None:
    cid = await store.elsewhere.add(fresh(2 * CHUNK_BYTES))
    with pytest.raises(Invalid) as caught:
        await store.writer.pin(cid, max_bytes=CHUNK_BYTES)
    assert caught.value.reason is Reason.OVERSIZE


async def test_pin__directory__is_refused(store: Store) -> None:
    block = encode_directory("readme", compute_block_id(Codec.RAW, fresh(10)))
    block_id = compute_block_id(Codec.DAG_PB, block)
    store.elsewhere.put_block(block_id, block)
    with pytest.raises(Invalid) as caught:
        await store.writer.pin(block_id.cid)
    assert caught.value.reason is Reason.BAD_DAG
