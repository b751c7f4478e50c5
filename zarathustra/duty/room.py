"""A bound on the bytes that all assessments of a service hold at one time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ByteRoom:
    """Room for a number of bytes, given in the order in which it was asked for."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def held_bytes(self) -> int:
        return self._held_bytes

    @asynccontextmanager
    async def take(self, size: int) -> AsyncIterator[None]:
        """Hold `size` bytes within the block; wait until they are free. More than the room holds has it alone."""
        size = min(size, self._max_bytes)
        if self._waiting or not self._fits(size):
            await self._wait(size)
        else:
            self._held_bytes += size
        try:
            yield
        finally:
            self._release(size)

    async def _wait(self, size: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release(size)  # its turn had come in the same moment
            else:
                self._waiting.remove((size, turn))
                self._let_in()
            raise

    def _release(self, size: int) -> None:
        self._held_bytes -= size
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size, turn = self._waiting.popleft()
            self._held_bytes += size
            turn.set_result(None)

    def _fits(self, size: int) -> bool:
        return self._held_bytes + size <= self._max_bytes
