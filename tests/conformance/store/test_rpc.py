"""What ipfshttpclient 0.7.0 may expect of a node: the embedded store, and Kubo where `IPFS_API_URL` names one."""

import asyncio
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import ipfshttpclient
import pytest

from tests.kit.store.stores import open_node
from zarathustra.store.cid import Codec, compute_block_id
from zarathustra.store.endpoints import format_multiaddr
from zarathustra.store.unixfs import CHUNK_BYTES, LAYOUT_V0, build_file, compute_cid

pytestmark = pytest.mark.conformance


@pytest.fixture(params=["embedded", "kubo"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    async with open_node(request.param, tmp_path) as opened:
        yield opened


async def ask(url: str, method: str, *arguments: object, **options: object) -> Any:
    """Call the client in a thread, because the embedded store runs in this loop."""

    def call() -> Any:
        bound: Any = ipfshttpclient.Client(format_multiaddr(url), timeout=20)
        for name in method.split("."):
            bound = getattr(bound, name)
        return bound(*arguments, **options)

    return await asyncio.to_thread(call)


def fresh(size: int) -> bytes:
    return os.urandom(size)


async def test_add__client_defaults__give_a_v0_name(url: str) -> None:
    data = fresh(CHUNK_BYTES + 1)
    expected = build_file(data, lambda _block_id, _block: None, layout=LAYOUT_V0)
    added = await ask(url, "add", io.BytesIO(data))
    assert (added["Hash"], added["Size"]) == (expected.block_id.v0_text, str(expected.dag_size))


async def test_add__only_hash__stores_nothing(url: str) -> None:
    data = fresh(100)
    added = await ask(url, "add", io.BytesIO(data), raw_leaves=True, cid_version=1, only_hash=True)
    assert added["Hash"] == compute_cid(data)
    with pytest.raises(ipfshttpclient.exceptions.ErrorResponse, match="could not find"):
        await ask(url, "block.get", added["Hash"], offline=True)


async def test_add__without_pin__is_stored_but_not_pinned(url: str) -> None:
    added = await ask(url, "add", io.BytesIO(fresh(100)), raw_leaves=True, cid_version=1, pin=False)
    assert len(await ask(url, "block.get", added["Hash"])) == 100
    with pytest.raises(ipfshttpclient.exceptions.ErrorResponse, match="not pinned"):
        await ask(url, "pin.ls", added["Hash"])


@pytest.mark.parametrize(
    ("offset", "length"),
    [(0, None), (0, 10), (5, 10), (CHUNK_BYTES - 3, 6), (CHUNK_BYTES, 1), (2 * CHUNK_BYTES + 9, 5), (10**7, 1)],
)
async def test_cat__part_of_a_file__is_those_bytes(url: str, offset: int, length: int | None) -> None:
    data = fresh(2 * CHUNK_BYTES + 10)
    added = await ask(url, "add", io.BytesIO(data), raw_leaves=True, cid_version=1)
    options = {"offset": offset} if length is None else {"offset": offset, "length": length}
    expected = data[offset:] if length is None else data[offset : offset + length]
    assert await ask(url, "cat", added["Hash"], **options) == expected


async def test_block__put_then_get_and_stat__are_the_block(url: str) -> None:
    block = fresh(50)
    put = await ask(url, "block.put", io.BytesIO(block))
    assert put["Key"] == compute_block_id(Codec.RAW, block).cid
    assert await ask(url, "block.get", put["Key"]) == block
    stat = await ask(url, "block.stat", put["Key"])
    assert (stat["Key"], stat["Size"]) == (put["Key"], 50)


async def test_block_put__over_two_mebibytes__is_refused(url: str) -> None:
    with pytest.raises(ipfshttpclient.exceptions.ErrorResponse):
        await ask(url, "block.put", io.BytesIO(bytes((2 << 20) + 1)))


async def test_pin__add_list_remove__change_the_list(url: str) -> None:
    added = await ask(url, "add", io.BytesIO(fresh(100)), raw_leaves=True, cid_version=1, pin=False)
    name = added["Hash"]
    assert (await ask(url, "pin.add", name))["Pins"] == [name]
    assert (await ask(url, "pin.ls", name))["Keys"][name]["Type"] == "recursive"
    assert name in (await ask(url, "pin.ls", type="recursive"))["Keys"]
    assert (await ask(url, "pin.rm", name))["Pins"] == [name]
    assert name not in (await ask(url, "pin.ls", type="recursive"))["Keys"]
    with pytest.raises(ipfshttpclient.exceptions.ErrorResponse, match="not pinned"):
        await ask(url, "pin.rm", name)


async def test_pin_add__block_missing__is_an_error(url: str) -> None:
    data = fresh(CHUNK_BYTES + 1)
    blocks: dict[object, bytes] = {}
    root = build_file(data, blocks.__setitem__).block_id
    await ask(url, "block.put", io.BytesIO(blocks[root]), opts={"cid-codec": "dag-pb"})
    with pytest.raises(ipfshttpclient.exceptions.ErrorResponse, match="could not find"):
        await ask(url, "pin.add", root.cid, offline=True)


async def test_version__asked__is_answered(url: str) -> None:
    assert (await ask(url, "version"))["Version"]


async def test_rpc__request_of_a_web_page__is_refused(url: str) -> None:
    headers = {"Origin": "http://evil.example", "User-Agent": "Mozilla/5.0"}
    async with aiohttp.ClientSession() as session, session.post(f"{url}/api/v0/version", headers=headers) as response:
        assert response.status == 403


async def test_rpc__get_request__is_refused(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v0/version") as response:
        assert response.status == 405
