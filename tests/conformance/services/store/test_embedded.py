"""The embedded store over HTTP: what it refuses, what it survives, how it starts and stops."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from services.store.handlers import MAX_FILE_BYTES
from tests.kit.store.samples import make_content
from tests.kit.store.stores import serve_store
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.store.cid import BlockId, Codec, compute_block_id, parse_cid
from zarathustra.store.endpoints import gateway_endpoint, rpc_endpoint
from zarathustra.store.fetch import Fetcher, FetchLimits
from zarathustra.store.memory import MemoryStore
from zarathustra.store.unixfs import CHUNK_BYTES, MAX_BLOCK_BYTES
from zarathustra.store.writer import Writer

pytestmark = pytest.mark.conformance

DATA = make_content(2 * CHUNK_BYTES + 1)
LIMITS = FetchLimits(block_seconds=5, total_seconds=20)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with serve_store(tmp_path) as opened:
        yield opened


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def block_path(root: Path, block_id: BlockId) -> Path:
    [path] = root.glob(f"blocks/*/{block_id.digest.hex()}")
    return path


def upload(data: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", data, filename="sample")
    return form


async def post(session: aiohttp.ClientSession, address: str, data: aiohttp.FormData | None = None) -> tuple[int, str]:
    async with session.post(address, data=data) as response:
        return response.status, await response.text()


@pytest.mark.parametrize(
    "query",
    [
        "trickle=true",
        "wrap-with-directory=true",
        "nocopy=true",
        "progress=true",
        "inline=true",
        "chunker=size-1024",
        "hash=blake3",
        "cid-version=2",
        "raw-leaves=perhaps",
        "to-files=/a",
    ],
)
async def test_add__option_that_is_not_implemented__is_refused_not_ignored(
    url: str, session: aiohttp.ClientSession, query: str
) -> None:
    status, body = await post(session, f"{url}/api/v0/add?{query}", upload(b"x"))
    assert status == 400
    assert query.partition("=")[0] in json.loads(body)["Message"]


@pytest.mark.parametrize(
    "address",
    [
        "block/get",
        "block/get?arg=nonsense",
        "block/get?arg=bafkreibnoelefnzgwbcacyt4vh52ymxvzbjq7mmqhtcnwarfq4lzegsiqe/path",
        "cat?arg=bafkreibnoelefnzgwbcacyt4vh52ymxvzbjq7mmqhtcnwarfq4lzegsiqe&offset=one",
        "pin/add?arg=bafkreibnoelefnzgwbcacyt4vh52ymxvzbjq7mmqhtcnwarfq4lzegsiqe&recursive=false",
        "pin/ls?type=indirect",
        "block/put?cid-codec=dag-cbor",
        "block/put?mhtype=sha1",
        "block/put?allow-big-block=true",
        "block/put",
        "add",
    ],
)
async def test_rpc__malformed_request__is_a_client_error(
    url: str, session: aiohttp.ClientSession, address: str
) -> None:
    status, body = await post(session, f"{url}/api/v0/{address}")
    assert status == 400
    assert json.loads(body)["Type"] == "error"


async def test_add__declared_larger_than_the_limit__is_refused_before_the_body(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = [
        "POST /api/v0/add HTTP/1.1",
        f"Host: {host}",
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {MAX_FILE_BYTES + (1 << 20)}",
    ]
    writer.write("\r\n".join(head).encode() + b"\r\n\r\n")
    async with asyncio.timeout(5):
        assert b"413" in await reader.readline()
    writer.close()


async def test_block_put__over_the_limit_in_chunks__is_refused(url: str, session: aiohttp.ClientSession) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n'
        for _ in range(MAX_BLOCK_BYTES // CHUNK_BYTES + 1):
            yield bytes(CHUNK_BYTES)
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with session.post(f"{url}/api/v0/block/put", data=body(), headers=headers) as response:
        assert response.status == 413
        assert "body is too large" in (await response.json())["Message"]  # the body was not read to its end


@pytest.mark.parametrize("header", ["Origin", "Referer"])
@pytest.mark.parametrize(
    "path", ["/api/v0/version", "/ipfs/bafkreibnoelefnzgwbcacyt4vh52ymxvzbjq7mmqhtcnwarfq4lzegsiqe"]
)
async def test_any_route__request_of_a_web_page__is_refused(
    url: str, session: aiohttp.ClientSession, header: str, path: str
) -> None:
    method = "POST" if path.startswith("/api") else "GET"
    async with session.request(method, url + path, headers={header: "http://evil.example/"}) as response:
        assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_gateway__raw_block__is_served_with_headers_that_keep_browsers_from_guessing(
    url: str, session: aiohttp.ClientSession
) -> None:
    cid = await Writer(url, source=MemoryStore()).add(b"<script>")
    async with session.get(f"{url}/ipfs/{cid}", headers={"Accept": "application/vnd.ipld.raw"}) as response:
        assert await response.read() == b"<script>"
        assert response.content_type == "application/vnd.ipld.raw"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("bafkreibnoelefnzgwbcacyt4vh52ymxvzbjq7mmqhtcnwarfq4lzegsiqe?format=raw", 404),
        ("bafkreibnoelefnzgwbcacyt4vh52ymxvzbjq7mmqhtcnwarfq4lzegsiqe", 406),
        ("nonsense?format=raw", 400),
        ("..%2f..%2flock?format=raw", 400),
    ],
)
async def test_gateway__request_that_it_does_not_serve__has_its_status(
    url: str, session: aiohttp.ClientSession, path: str, status: int
) -> None:
    async with session.get(f"{url}/ipfs/{path}") as response:
        assert response.status == status


async def test_fetch__through_the_gateway_route__gives_the_file(url: str) -> None:
    cid = await Writer(url, source=MemoryStore()).add(DATA)
    async with Fetcher([gateway_endpoint(url)], limits=LIMITS) as fetcher:
        assert await fetcher.fetch(cid, max_bytes=len(DATA)) == DATA


async def test_fetch__block_damaged_on_disk__is_never_served_and_comes_from_the_next_node(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    async with serve_store(tmp_path / "a") as first, serve_store(tmp_path / "b") as second:
        cid = await Writer(first, source=MemoryStore()).add(b"some bytes")
        await Writer(second, source=MemoryStore()).add(b"some bytes")
        block_path(tmp_path / "a", parse_cid(cid)).write_bytes(b"SOME bytes")

        status, _body = await post(session, f"{first}/api/v0/block/get?arg={cid}")
        assert status == 500
        async with Fetcher([rpc_endpoint(first)], limits=LIMITS) as alone:
            with pytest.raises(Retry) as caught:
                await alone.fetch(cid, max_bytes=100)
        assert caught.value.details["is_absent"] is False
        async with Fetcher([rpc_endpoint(first), rpc_endpoint(second)], limits=LIMITS) as both:
            assert await both.fetch(cid, max_bytes=100) == b"some bytes"


async def test_cat__later_block_missing__breaks_the_connection(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    async with serve_store(tmp_path) as url:
        cid = await Writer(url, source=MemoryStore()).add(DATA)
        last = compute_block_id(Codec.RAW, DATA[2 * CHUNK_BYTES :])
        block_path(tmp_path, last).unlink()
        with pytest.raises(aiohttp.ClientError):
            async with session.post(f"{url}/api/v0/cat?arg={cid}") as response:
                await response.read()


async def test_health__fresh_store__is_live_and_ready(url: str, session: aiohttp.ClientSession) -> None:
    for path in ("livez", "readyz"):
        async with session.get(f"{url}/{path}") as response:
            assert response.status == 200


async def start_process(root: Path) -> asyncio.subprocess.Process:
    settings = {"PATH": os.environ["PATH"], "DATA_DIR": str(root), "HTTP_LISTEN": "127.0.0.1:0"}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.store", stderr=asyncio.subprocess.PIPE, env=settings
    )


class StoreProcess:
    """`python -m services.store` as an operator runs it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.url = ""

    async def __aenter__(self) -> "StoreProcess":
        self._process = await start_process(self._root)
        assert self._process.stderr is not None
        async with asyncio.timeout(30):
            while "http_port" not in (line := json.loads(await self._process.stderr.readline())):
                pass
        self.url = f"http://127.0.0.1:{line['http_port']}"
        return self

    async def __aexit__(self, *_details: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        async with asyncio.timeout(30):
            return await self._process.wait()


async def test_process__sigterm__stops_cleanly_and_keeps_blocks_and_pins(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    async with StoreProcess(tmp_path) as process:
        cid = await Writer(process.url, source=MemoryStore()).add(DATA)
        assert await process.stop(signal.SIGTERM) == 0

    async with StoreProcess(tmp_path) as process, Fetcher([rpc_endpoint(process.url)], limits=LIMITS) as fetcher:
        assert await fetcher.fetch(cid, max_bytes=len(DATA)) == DATA
        _status, body = await post(session, f"{process.url}/api/v0/pin/ls")
        assert list(json.loads(body)["Keys"]) == [cid]


async def test_process__killed__keeps_what_it_had_acknowledged(tmp_path: Path) -> None:
    async with StoreProcess(tmp_path) as process:
        cid = await Writer(process.url, source=MemoryStore()).add(DATA)
        assert await process.stop(signal.SIGKILL) == -signal.SIGKILL

    async with StoreProcess(tmp_path) as process, Fetcher([rpc_endpoint(process.url)], limits=LIMITS) as fetcher:
        assert await fetcher.fetch(cid, max_bytes=len(DATA)) == DATA


async def test_process__directory_in_use__ends_with_status_2(tmp_path: Path) -> None:
    async with serve_store(tmp_path):
        process = await start_process(tmp_path)
        async with asyncio.timeout(30):
            _out, log = await process.communicate()
    assert process.returncode == 2
    assert Reason.BAD_SETTING.code in log.decode()
