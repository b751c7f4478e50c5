"""The embedded store against clients that bring too much, stop or leave: nothing stays behind, and reads go on."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import ipfshttpclient
import pytest

from services.store.handlers import MAX_FILE_BYTES
from tests.kit.store.samples import make_content
from tests.kit.store.stores import serve_store
from tests.kit.waiting import until
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.store.endpoints import format_multiaddr, rpc_endpoint
from zarathustra.store.fetch import Fetcher
from zarathustra.store.space import SpaceLimits
from zarathustra.store.unixfs import CHUNK_BYTES
from zarathustra.store.writer import Writer

pytestmark = pytest.mark.conformance

SMALL = SpaceLimits(quota_bytes=4 * CHUNK_BYTES, min_free_bytes=0)
START_OF_BODY = (
    b"POST /api/v0/add HTTP/1.1\r\nHost: store\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    b"Content-Length: 9000000\r\n\r\n--b\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n"
)
PART = b"--b\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\ncontent\r\n"
UNFINISHED, TWO_FILES = PART, PART + PART + b"--b--\r\n"


def count_files(directory: Path) -> int:
    return sum(1 for path in directory.rglob("*") if path.is_file() and path.name != "lock")


async def test_add__quota_used_up__is_store_full_and_leaves_nothing(tmp_path: Path) -> None:
    async with serve_store(tmp_path, SMALL) as url, Fetcher([rpc_endpoint(url)]) as reader:
        writer = Writer(url, source=reader)
        kept = await writer.add(make_content(CHUNK_BYTES))
        before = count_files(tmp_path)
        with pytest.raises(Retry) as caught:
            await writer.add(make_content(8 * CHUNK_BYTES))
        assert caught.value.reason is Reason.STORE_FULL
        assert count_files(tmp_path) == before
        assert await reader.fetch(kept, max_bytes=CHUNK_BYTES) == make_content(CHUNK_BYTES)
        await writer.add(make_content(2 * CHUNK_BYTES))  # what was refused takes no room


async def test_add__chunked_body_over_the_limit__is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_FILE_BYTES // (1 << 20) + 2):
            yield bytes(1 << 20)

    form = aiohttp.FormData()
    form.add_field("file", endless(), filename="f")
    async with serve_store(tmp_path) as url, aiohttp.ClientSession() as session:
        async with session.post(f"{url}/api/v0/add", data=form) as response:
            assert response.status == 413
        assert count_files(tmp_path) == 0


async def test_add__client_leaves_in_the_middle__leaves_nothing_and_logs_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    incoming = tmp_path / "incoming"
    with caplog.at_level(logging.WARNING):
        async with serve_store(tmp_path) as url:
            await send_part_of_a_body(url, incoming)
            await until(lambda: not any(incoming.iterdir()))
    assert count_files(tmp_path) == 0
    assert caplog.records == []


async def test_add__malformed_multipart__is_a_bad_request(tmp_path: Path) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with serve_store(tmp_path) as url, aiohttp.ClientSession(headers=headers) as session:
        for junk in (b"", b"junk", b"--b\r\n", b"--b\r\nno colon\r\n\r\n", UNFINISHED, TWO_FILES):
            async with session.post(f"{url}/api/v0/add", data=junk) as response:
                assert response.status in (400, 408)
        assert count_files(tmp_path) == 0


async def test_repo_gc__unpinned_and_old__is_removed_and_the_pinned_file_stays(tmp_path: Path) -> None:
    async with serve_store(tmp_path, keep_seconds=-60) as url, Fetcher([rpc_endpoint(url)]) as reader:
        cid = await Writer(url, source=reader).add(make_content(100))

        def use_client() -> tuple[list[str], int]:
            client = ipfshttpclient.Client(format_multiaddr(url))
            client.block.put(io.BytesIO(b"unpinned"))
            removed = [line["Key"]["/"] for line in client.repo.gc()]
            return removed, client.repo.stat()["NumObjects"]

        removed, left = await asyncio.to_thread(use_client)
        assert (len(removed), left) == (1, 1)
        assert await reader.fetch(cid, max_bytes=100) == make_content(100)


async def send_part_of_a_body(url: str, folder: Path) -> None:
    """Send some MiB, wait until the store has written part of it into `folder`, and reset the connection."""
    host, port = url.removeprefix("http://").split(":")
    _reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(START_OF_BODY + make_content(8 * CHUNK_BYTES))
    await until(lambda: any(folder.iterdir()))
    writer.transport.abort()
