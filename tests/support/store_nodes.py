"""The stores that the conformance suite runs on: in memory, embedded over HTTP, and a real Kubo where one is named."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from zarathustra.store.embedded import serve
from zarathustra.store.endpoints import rpc_endpoint
from zarathustra.store.fetch import Fetcher, FetchLimits
from zarathustra.store.memory import MemoryStore
from zarathustra.store.port import ArtefactReader, ArtefactWriter
from zarathustra.store.writer import Writer

KINDS = ("memory", "embedded", "kubo")
LIMITS = FetchLimits(block_seconds=10, total_seconds=60)


@dataclass(frozen=True)
class Store:
    """One operator's view: a reader that asks only the own node, and the writer to that node.

    `elsewhere` is another node, that the writer, and only it, may copy from.
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
    """The RPC address of a node of that kind; skips when it is Kubo and none is named."""
    if kind == "kubo":
        url = os.environ.get("IPFS_API_URL")
        if not url:
            pytest.skip("IPFS_API_URL names no Kubo; the suite ran on the other stores")
        yield url
        return
    async with serve(directory) as url:
        yield url
