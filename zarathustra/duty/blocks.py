"""The head of the operator's own chain, polled once per service and shared by everyone who waits for a block."""

import asyncio
from collections.abc import Awaitable, Callable

from zarathustra.core.errors import Retry
from zarathustra.core.types import BlockNumber
from zarathustra.runtime.stopping import pause
from zarathustra.telemetry.log import get_logger


class BlockClock:
    """Knows the head and wakes those who wait for it. Run `run` as a job of the service."""

    def __init__(self, fetch_block_number: Callable[[], Awaitable[BlockNumber]], *, poll_seconds: float) -> None:
        self._fetch = fetch_block_number
        self._poll_seconds = poll_seconds
        self._head = BlockNumber(-1)
        self._moved = asyncio.Condition()
        self._log = get_logger(component="block-clock")

    @property
    def head(self) -> BlockNumber:
        """The latest block number seen; −1 before the first."""
        return self._head

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until stopped. A node that does not answer is asked again: waiting is all that can be done."""
        while not stop.is_set():
            try:
                await self._set_head(await self._fetch())
            except Retry as error:
                self._log.warning("Block number not fetched", reason=error.reason.code)
            await pause(stop, self._poll_seconds)

    async def wait_for(self, number: int) -> BlockNumber:
        """Return the head once it is at least `number`."""
        async with self._moved:
            await self._moved.wait_for(lambda: self._head >= number)
            return self._head

    async def wait_for_next(self) -> BlockNumber:
        """Return the head once it moves; a reorganisation may move it down."""
        before = self._head
        async with self._moved:
            await self._moved.wait_for(lambda: self._head != before)
            return self._head

    async def _set_head(self, number: BlockNumber) -> None:
        async with self._moved:
            if number != self._head:
                self._head = number
                self._moved.notify_all()
