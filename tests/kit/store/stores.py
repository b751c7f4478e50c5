"""The stores that the conformance suite runs on: in memory, embedded over HTTP, and a real Kubo if one is named."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.store.handlers import DEFAULT_KEEP_SECONDS, MIDDLEWARES, build_routes
from zarathustra.runtime.health import Health
from zarathustra.runtime.http import build_app, serve_http
from zarathustra.store.blocks import DEFAULT_LIMITS, DirectoryBlocks
from zarathustra.store.endpoints import rpc_endpoint
from zarathustra.store.fetch import Fetcher, FetchLimits
from zarathustra.store.memory import MemoryStore
from zarathustra.store.port import ArtefactReader, ArtefactWriter
from zarathustra.store.space import SpaceLimits
from zarathustra.store.unixfs import MAX_BLOCK_BYTES
from zarathustra.store.writer import Writer
from zarathustra.telemetry.metrics import Metrics

KINDS = ("memory", "embedded", "kubo")
LIMITS = FetchLimits(block_seconds=10, total_seconds=60)


@dataclass(frozen=True)
class Store:
    """One operator's view: a reader that asks only the own node, and the writer to that node.

    `elsewhere` is another node, from which only the writer may copy.
    """

    reader: ArtefactReader
    writer: ArtefactWriter
    elsewhere: MemoryStore


OpenStore = Callable[[Path], AbstractAsyncContextManager[Store]]


@asynccontextmanager
async def open_store(kind: str, directory: Path) -> AsyncIterator[Store]:
    if kind == "memory":
        elsewhere = MemoryStore()
        own = MemoryStore(source=elsewhere)
        yield Store(own, own, elsewhere)
        return
    async with open_node(kind, directory) as url, Fetcher([rpc_endpoint(url)], limits=LIMITS) as reader:
        elsewhere = MemoryStore()
        yield Store(reader, Writer(url, source=elsewhere), elsewhere)


@asynccontextmanager
async def open_node(kind: str, directory: Path) -> AsyncIterator[str]:
    """Open a node of that kind; gives its RPC address. Skips the test if the kind is Kubo and none is named."""
    if kind == "kubo":
        url = os.environ.get("IPFS_API_URL")
        if not url:
            pytest.skip("IPFS_API_URL names no Kubo; the suite ran on the other stores")
        yield url
        return
    async with serve_store(directory) as url:
        yield url


@asynccontextmanager
async def serve_store(
    directory: Path, limits: SpaceLimits = DEFAULT_LIMITS, *, keep_seconds: float = DEFAULT_KEEP_SECONDS
) -> AsyncIterator[str]:
    """Run the embedded store in this event loop, with its production handlers; gives its URL."""
    with DirectoryBlocks(directory, limits) as blocks:
        app = build_app(
            Health(),
            Metrics("store"),
            build_routes(blocks, keep_seconds=keep_seconds),
            middlewares=MIDDLEWARES,
            max_body_bytes=MAX_BLOCK_BYTES,
        )
        async with serve_http(app, "127.0.0.1:0") as port:
            yield f"http://127.0.0.1:{port}"
