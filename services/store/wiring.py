"""Joins the store's parts: the block directory, its API, and a watch on the disk."""

import asyncio
from ipaddress import ip_address

from services.store.handlers import MIDDLEWARES, build_routes
from services.store.settings import Settings
from zarathustra.runtime.http import parse_listen
from zarathustra.runtime.lifecycle import Runtime, serve
from zarathustra.runtime.stopping import pause
from zarathustra.store.blocks import DirectoryBlocks
from zarathustra.store.unixfs import MAX_BLOCK_BYTES

MIN_FREE_BYTES = 512 << 20  # below this the store reports not ready: two of the largest files would not fit
DISK_POLL_SECONDS = 5.0
DISK = "disk"


async def start(settings: Settings, runtime: Runtime) -> None:
    """Run until stopped. Raises Invalid(BAD_SETTING) when another process uses the directory."""
    host, _port = parse_listen(settings.http_listen)
    if not is_loopback(host):
        runtime.log.warning("Store listens beyond loopback: anyone who reaches it can write", host=host)
    runtime.health.wait_for(DISK, "starting")
    with DirectoryBlocks(settings.data_dir) as blocks:
        await serve(
            runtime,
            settings.http_listen,
            {"disk": lambda: watch_disk(blocks, runtime)},
            build_routes(blocks),
            middlewares=MIDDLEWARES,
            max_body_bytes=MAX_BLOCK_BYTES,
        )


async def watch_disk(blocks: DirectoryBlocks, runtime: Runtime) -> None:
    """Update readiness from the free space until stopped: a job of the service."""
    free = runtime.metrics.gauge("free_bytes", "Free space on the disk")
    while not runtime.stop.is_set():
        free_bytes = await asyncio.to_thread(blocks.free_bytes)
        free.set(free_bytes)
        if free_bytes < MIN_FREE_BYTES:
            runtime.health.wait_for(DISK, "disk_full")
        else:
            runtime.health.fulfil(DISK)
        await pause(runtime.stop, DISK_POLL_SECONDS)


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches `host`; a name other than localhost may resolve to any address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
