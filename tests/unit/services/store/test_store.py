"""The store service: when it is ready, and which hosts count as loopback."""

import asyncio
from dataclasses import dataclass
from typing import cast

import pytest

from services.store.wiring import SHORT_KEEP_SECONDS, choose_keep_seconds, is_loopback, watch_space
from zarathustra.runtime.lifecycle import Runtime
from zarathustra.store.space import Space

pytestmark = pytest.mark.unit


@dataclass
class FakeSpace:
    """The part of the space that the watch sees; it stops the service after one look."""

    is_full: bool
    stop: asyncio.Event
    used_bytes: int = 0
    quota_bytes: int = 100

    def free_bytes(self) -> int:
        self.stop.set()
        return 1


@pytest.mark.parametrize(("is_full", "waiting"), [(False, {}), (True, {"space": "store_full"})])
async def test_watch_space__room_left__decides_readiness(is_full: bool, waiting: dict[str, str]) -> None:
    runtime = Runtime("store")
    runtime.health.wait_for("space", "starting")
    # The thread that reads the disk only sets a flag: the event has no waiters before it returns.
    await watch_space(cast(Space, FakeSpace(is_full, runtime.stop)), runtime)
    assert runtime.health.get_waiting() == waiting


@pytest.mark.parametrize(
    ("is_full", "used", "expected"),
    [(False, 90, 3600), (False, 91, SHORT_KEEP_SECONDS), (True, 0, SHORT_KEEP_SECONDS)],
)
def test_choose_keep_seconds__little_room__is_short(is_full: bool, used: int, expected: float) -> None:
    space = cast(Space, FakeSpace(is_full, asyncio.Event(), used))
    assert choose_keep_seconds(space, 3600) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("192.0.2.1", False), ("store", False)],
)
def test_is_loopback__host__is_recognised(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
