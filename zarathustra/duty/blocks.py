"""The head of the operator's own chain. A service polls it in one place; all code that waits for a block shares it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlockNumber
from zarathustra.runtime.stopping import pause
from zarathustra.telemetry.log import get_logger

T = TypeVar("T")


class BlockClock:
    """Keeps the head and wakes the coroutines that wait for a block. Run `run` as a job of the service."""

    def __init__(self, fetch_block_number: Callable[[], Awaitable[BlockNumber]], *, poll_seconds: float) -> None:
        self._fetch = fetch_block_number
        self._poll_seconds = poll_seconds
        self._head = BlockNumber(-1)
        self._moved = asyncio.Condition()
        self._log = get_logger(component="block-clock")

    @property
    def head(self) -> BlockNumber:
        """The head's number as of the last poll; −1 before the first answer."""
        return self._head

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set. A node that does not answer is asked again at the next poll."""
        while not stop.is_set():
            try:
                await self._set_head(await self._fetch())
            except Retry as error:
                self._log.warning("Block number not fetched", reason=error.reason.code)
            await pause(stop, self._poll_seconds)

    async def wait_for(self, number: int) -> BlockNumber:
        """Wait until the head is at least `number`, and return the head."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._head >= number)
            return self._head

    async def wait_for_next(self) -> BlockNumber:
        """Wait until the head changes, and return it. A reorganisation may lower it."""
        before = self._head
        async with self._moved:
            await self._moved.wait_for(lambda: self._head != before)
            return self._head

    async def run_until(self, number: int, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` returns. Cancels it and raises Retry(OUT_OF_TIME) once the head is at least `number`."""
        working = asyncio.ensure_future(work)
        passing = asyncio.ensure_future(self.wait_for(number))
        try:
            await asyncio.wait({working, passing}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise Retry(Reason.OUT_OF_TIME, "the work did not end before the block", block=number)
            return working.result()
        finally:
            for future in (working, passing):
                future.cancel()
            await asyncio.gather(working, passing, return_exceptions=True)

    async def _set_head(self, number: BlockNumber) -> None:
        async with self._moved:
            if number != self._head:
                self._head = number
                self._moved.notify_all()
