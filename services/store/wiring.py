"""Joins the store's parts: the block directory, its API, a watch on the space, and the removal of garbage."""

import asyncio
import time
from ipaddress import ip_address

from services.store.handlers import MIDDLEWARES, build_routes
from services.store.settings import Settings
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.runtime.http import parse_listen
from zarathustra.runtime.lifecycle import Runtime, serve
from zarathustra.runtime.stopping import pause
from zarathustra.store.blocks import DirectoryBlocks
from zarathustra.store.garbage import collect_garbage
from zarathustra.store.space import Space, SpaceLimits
from zarathustra.store.unixfs import MAX_BLOCK_BYTES

SPACE_POLL_SECONDS = 5.0
GARBAGE_SECONDS = 60.0
SHORT_KEEP_SECONDS = 60.0  # when space is short; a client still has time to pin what it just stored
ALMOST_FULL = 0.9  # of the quota; above this, unpinned blocks stay only for SHORT_KEEP_SECONDS
SPACE = "space"


async def start(settings: Settings, runtime: Runtime) -> None:
    """Run until stopped. Raises Invalid(BAD_SETTING) when another process uses the directory."""
    host, _port = parse_listen(settings.http_listen)
    if not is_loopback(host):
        runtime.log.warning("Store listens beyond loopback: anyone who reaches it can write", host=host)
    runtime.health.wait_for(SPACE, "starting")
    limits = SpaceLimits(settings.quota_bytes, settings.min_free_bytes)
    with DirectoryBlocks(settings.data_dir, limits) as blocks:
        await serve(
            runtime,
            settings.http_listen,
            {
                "space": lambda: watch_space(blocks.space, runtime),
                "garbage": lambda: remove_garbage(blocks, settings.keep_seconds, runtime),
            },
            build_routes(blocks, keep_seconds=settings.keep_seconds),
            middlewares=MIDDLEWARES,
            max_body_bytes=MAX_BLOCK_BYTES,
        )


async def watch_space(space: Space, runtime: Runtime) -> None:
    """Update readiness from the space that is left until stopped: a job of the service."""
    free = runtime.metrics.gauge("free_bytes", "Free space on the disk.")
    used = runtime.metrics.gauge("used_bytes", "Bytes of blocks in the store.")
    used.set_function(lambda: space.used_bytes)
    while not runtime.stop.is_set():
        free.set(await asyncio.to_thread(space.free_bytes))
        if await asyncio.to_thread(lambda: space.is_full):
            runtime.health.wait_for(SPACE, Reason.STORE_FULL.code)
        else:
            runtime.health.fulfil(SPACE)
        await pause(runtime.stop, SPACE_POLL_SECONDS)


async def remove_garbage(blocks: DirectoryBlocks, keep_seconds: float, runtime: Runtime) -> None:
    """Remove what is neither pinned nor recent, again and again until stopped: a job of the service."""
    removed = runtime.metrics.counter("garbage_blocks", "Blocks removed that were neither pinned nor recent.")
    while not runtime.stop.is_set():
        before = time.time() - choose_keep_seconds(blocks.space, keep_seconds)
        try:
            digests = await asyncio.to_thread(collect_garbage, blocks, before=before)
        except Retry as error:
            runtime.log.error("Cannot remove garbage: a pinned file is damaged", reason=error.reason.code, error=error)
        else:
            removed.inc(len(digests))
        await pause(runtime.stop, GARBAGE_SECONDS)


def choose_keep_seconds(space: Space, keep_seconds: float) -> float:
    """Return how long unpinned blocks stay now."""
    is_almost_full = space.is_full or space.used_bytes > ALMOST_FULL * space.quota_bytes
    return min(keep_seconds, SHORT_KEEP_SECONDS) if is_almost_full else keep_seconds


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches `host`; a name other than localhost may resolve to any address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
