"""Waiting and working until the stop event is set."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Return after `seconds`, or as soon as `stop` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


@asynccontextmanager
async def watch(stop: asyncio.Event) -> AsyncIterator["asyncio.Task[bool]"]:
    """Yield an asyncio task that ends when `stop` is set, for `finishes_before`."""
    stopping = asyncio.create_task(stop.wait())
    try:
        yield stopping
    finally:
        stopping.cancel()
        with suppress(asyncio.CancelledError):
            await stopping


async def finishes_before(stopping: "asyncio.Task[bool]", work: Coroutine[Any, Any, Any]) -> bool:
    """Run `work` and return whether it finished. Cancel it if `stopping` ends first. Raises what `work` raises."""
    working = asyncio.create_task(work)
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
            return True
        return False
    finally:
        working.cancel()
        await asyncio.wait({working})
