"""The fetcher against servers that refuse, hang, send slowly, redirect, compress or send wrong bytes. Loopback."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.store.dags import Dag
from tests.kit.store.hostile import (
    Behaviour,
    answering,
    cut_short,
    drip,
    fail_without_end,
    gzip_bomb,
    hang_up,
    hostile_server,
    send_without_end,
    stay_silent,
    talk_nonsense,
)
from tests.kit.store.samples import make_content
from tests.kit.store.stores import serve_store
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.store.blocks import DirectoryBlocks
from zarathustra.store.cid import BlockId
from zarathustra.store.endpoints import Endpoint, EndpointKind, rpc_endpoint
from zarathustra.store.fetch import Fetcher, FetchLimits
from zarathustra.store.unixfs import CHUNK_BYTES, MAX_BLOCK_BYTES, build_file

pytestmark = pytest.mark.conformance

LIMITS = FetchLimits(block_seconds=0.5, total_seconds=20)
DATA = make_content(3 * CHUNK_BYTES + 1)
SOCKET_BUFFERS = 16 << 20  # what the kernel may accept from an endless sender after the client stopped reading
MISSING = b'{"Message":"block was not found locally (offline): ipld: could not find b","Code":0,"Type":"error"}'

FAILURES = {
    "not_found by status": (answering("404 Not Found"), "not_found"),
    "gone": (answering("410 Gone"), "not_found"),
    "not_found by Kubo's words": (answering("500 Internal Server Error", MISSING), "not_found"),
    "compressed error": (answering("500 No", gzip.compress(MISSING), "Content-Encoding: gzip"), "refused"),
    "another error": (answering("500 Internal Server Error", b'{"Message":"disk on fire"}'), "refused"),
    "endless error": (fail_without_end, "refused"),
    "forbidden": (answering("403 Forbidden"), "refused"),
    "redirect": (answering("302 Found", b"", "Location: http://127.0.0.1:1/"), "refused"),
    "gzip": (gzip_bomb, "refused"),
    "partial content": (answering("206 Partial Content", b"x"), "refused"),
    "wrong bytes": (answering("200 OK", b"other bytes"), "wrong_bytes"),
    "nothing": (answering("200 OK"), "wrong_bytes"),
    "endless": (send_without_end, "too_large"),
    "drip": (drip, "timed_out"),
    "silence": (stay_silent, "timed_out"),
    "hang up": (hang_up, "unreachable"),
    "nonsense": (talk_nonsense, "unreachable"),
    "cut short": (cut_short, "unreachable"),
}
failing = pytest.mark.parametrize(("behaviour", "word"), FAILURES.values(), ids=FAILURES.keys())


@pytest.fixture
async def honest(tmp_path: Path) -> AsyncIterator[tuple[str, BlockId]]:
    """An honest node and the file that it has."""
    with DirectoryBlocks(tmp_path) as blocks:
        root = build_file(DATA, blocks.put).block_id
    async with serve_store(tmp_path) as url:
        yield url, root


@failing
@pytest.mark.parametrize("kind", EndpointKind)
async def test_fetch__only_a_bad_endpoint__is_unavailable_and_says_why(
    behaviour: Behaviour, word: str, kind: EndpointKind
) -> None:
    root = build_file(DATA, lambda _block_id, _block: None).block_id
    async with hostile_server(behaviour) as hostile, Fetcher([Endpoint(kind, hostile.url)], limits=LIMITS) as fetcher:
        with pytest.raises(Retry) as caught:
            await fetcher.fetch(root.cid, max_bytes=len(DATA))
    assert caught.value.reason is Reason.UNAVAILABLE
    assert str(caught.value.details["answers"]).endswith(f" {word}")
    assert caught.value.details["is_absent"] is (word == "not_found")
    assert hostile.sent < MAX_BLOCK_BYTES + SOCKET_BUFFERS


@failing
async def test_fetch__bad_endpoint_first__is_left_after_one_block(
    honest: tuple[str, BlockId], behaviour: Behaviour, word: str
) -> None:
    url, root = honest
    async with hostile_server(behaviour) as hostile:
        endpoints = [rpc_endpoint(hostile.url), Endpoint(EndpointKind.GATEWAY, url)]
        async with Fetcher(endpoints, limits=LIMITS) as fetcher:
            assert await fetcher.fetch(root.cid, max_bytes=len(DATA)) == DATA
    assert len(hostile.requests) == 1


async def test_fetch__nobody_listens__is_unreachable_not_absent() -> None:
    root = build_file(DATA, lambda _block_id, _block: None).block_id
    async with hostile_server(hang_up) as gone:
        pass
    async with Fetcher([rpc_endpoint(gone.url)], limits=LIMITS) as fetcher:
        with pytest.raises(Retry) as caught:
            await fetcher.fetch(root.cid, max_bytes=len(DATA))
    assert str(caught.value.details["answers"]).endswith(" unreachable")
    assert caught.value.details["is_absent"] is False


async def test_fetch__one_absent_one_silent__is_not_reported_as_absent() -> None:
    root = build_file(DATA, lambda _block_id, _block: None).block_id
    async with (
        hostile_server(answering("404 Not Found")) as absent,
        hostile_server(stay_silent) as silent,
        Fetcher([rpc_endpoint(absent.url), rpc_endpoint(silent.url)], limits=LIMITS) as fetcher,
    ):
        with pytest.raises(Retry) as caught:
            await fetcher.fetch(root.cid, max_bytes=len(DATA))
    assert caught.value.details["is_absent"] is False


async def test_fetch__every_endpoint_stalls__ends_at_the_total_deadline() -> None:
    root = build_file(DATA, lambda _block_id, _block: None).block_id
    limits = FetchLimits(block_seconds=30, total_seconds=0.3)
    async with hostile_server(stay_silent) as hostile, Fetcher([rpc_endpoint(hostile.url)], limits=limits) as fetcher:
        async with asyncio.timeout(5):
            with pytest.raises(Retry) as caught:
                await fetcher.fetch(root.cid, max_bytes=len(DATA))
    assert caught.value.details["seconds"] == 0.3


async def test_fetch__redirect__is_not_followed(honest: tuple[str, BlockId]) -> None:
    url, root = honest
    location = f"Location: {url}/ipfs/{root.cid}?format=raw"
    async with (
        hostile_server(answering("302 Found", b"", location)) as hostile,
        Fetcher([Endpoint(EndpointKind.GATEWAY, hostile.url)], limits=LIMITS) as fetcher,
    ):
        with pytest.raises(Retry):
            await fetcher.fetch(root.cid, max_bytes=len(DATA))


async def test_fetch__server_sets_a_cookie__gets_none_back_and_is_asked_for_plain_bytes() -> None:
    root = build_file(DATA, lambda _block_id, _block: None).block_id
    behaviour = answering("404 Not Found", b"", "Set-Cookie: track=me")
    async with hostile_server(behaviour) as hostile:
        named = hostile.url.replace("127.0.0.1", "localhost")  # clients keep no cookies of an IP address
        async with Fetcher([rpc_endpoint(named)], limits=LIMITS) as fetcher:
            for _ in range(2):
                with pytest.raises(Retry):
                    await fetcher.fetch(root.cid, max_bytes=len(DATA))
    assert len(hostile.requests) == 2
    assert not any("\ncookie:" in head.lower() for head in hostile.requests)
    assert all("\naccept-encoding: identity" in head.lower() for head in hostile.requests)


async def test_fetch__proxy_in_the_environment__is_not_used(
    honest: tuple[str, BlockId], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, root = honest
    async with hostile_server(hang_up) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with Fetcher([rpc_endpoint(url)], limits=LIMITS) as fetcher:
            assert await fetcher.fetch(root.cid, max_bytes=len(DATA)) == DATA
    assert proxy.requests == []


async def test_fetch__small_dag_that_declares_terabytes__is_refused_after_its_root(tmp_path: Path) -> None:
    dag = Dag()
    leaf = dag.leaf(b"ab")
    branch = dag.branch([leaf] * 4000, [60 << 30] * 4000)
    assert len(dag.blocks[branch]) < 300_000
    del dag.blocks[leaf]  # a fetch of the leaf would end as unavailable
    assert await fetch_refusal(dag, branch, tmp_path) is Reason.OVERSIZE


async def test_fetch__deep_and_wide_dags__are_refused(tmp_path: Path) -> None:
    dag = Dag()
    deep = dag.leaf(b"ab")
    for _ in range(30):
        deep = dag.branch([deep], [2])
    assert await fetch_refusal(dag, deep, tmp_path / "deep") is Reason.BAD_DAG

    dag = Dag()
    wide = dag.leaf(b"")
    for _ in range(3):
        wide = dag.branch([wide] * 100, [0] * 100)
    assert await fetch_refusal(dag, wide, tmp_path / "wide") is Reason.BAD_DAG


async def test_fetch__one_block_a_thousand_times__is_there_each_time(tmp_path: Path) -> None:
    dag = Dag()
    leaf = dag.leaf(make_content(64))
    root = dag.branch([leaf] * 1000, [64] * 1000)
    with DirectoryBlocks(tmp_path) as blocks:
        for block_id, block in dag.blocks.items():
            blocks.put(block_id, block)
    async with serve_store(tmp_path) as url, Fetcher([rpc_endpoint(url)], limits=LIMITS) as fetcher:
        assert await fetcher.fetch(root.cid, max_bytes=64_000) == make_content(64) * 1000


async def fetch_refusal(dag: Dag, root: BlockId, directory: Path) -> Reason:
    with DirectoryBlocks(directory) as blocks:
        for block_id, block in dag.blocks.items():
            blocks.put(block_id, block)
    async with serve_store(directory) as url, Fetcher([rpc_endpoint(url)], limits=LIMITS) as fetcher:
        with pytest.raises(Invalid) as caught:
            await fetcher.fetch(root.cid, max_bytes=64 << 20)
    return caught.value.reason
