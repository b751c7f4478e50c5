"""The store service: when it is ready, and which hosts count as loopback."""

import asyncio
from dataclasses import dataclass
from typing import cast

import pytest

from services.store.wiring import MIN_FREE_BYTES, is_loopback, watch_disk
from zarathustra.runtime.lifecycle import Runtime
from zarathustra.store.blocks import DirectoryBlocks

pytestmark = pytest.mark.unit


@dataclass
class Disk:
    """The part of a block directory that the watch sees; it stops the service after one look."""

    free: int
    stop: asyncio.Event

    def free_bytes(self) -> int:
        self.stop.set()
        return self.free


@pytest.mark.parametrize(("free", "waiting"), [(MIN_FREE_BYTES, {}), (MIN_FREE_BYTES - 1, {"disk": "disk_full"})])
async def test_watch_disk__free_space__decides_readiness(free: int, waiting: dict[str, str]) -> None:
    runtime = Runtime("store")
    runtime.health.wait_for("disk", "starting")
    # The thread that reads the disk only sets a flag: the event has no waiters before it returns.
    await watch_disk(cast(DirectoryBlocks, Disk(free, runtime.stop)), runtime)
    assert runtime.health.get_waiting() == waiting


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("192.0.2.1", False), ("store", False)],
)
def test_is_loopback__host__is_recognised(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
