"""Waits for what a test expects, with one deadline for all of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

DEADLINE_S: Final = 30.0  # of any wait in a test; far more than any takes on a busy machine, so only a hang meets it
IDLE_TURNS: Final = 100  # of the event loop: more than any chain of callbacks between two waits here is long
POLL_S: Final = 0.002


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Return once `condition`, which may be a coroutine function, holds; fail when it does not in time.

    The first looks are one turn of the event loop apart, so that a test sees every step of code that waits for nothing
    else. Later looks are POLL_S apart, which leaves the processor to other processes.
    """
    async with asyncio.timeout(DEADLINE_S):
        for _ in range(IDLE_TURNS):
            if await _holds(condition):
                return
            await asyncio.sleep(0)
        while not await _holds(condition):
            await asyncio.sleep(POLL_S)


async def within(work: Awaitable[T]) -> T:
    """Return the result of `work`; fail when it does not end in time."""
    return await asyncio.wait_for(work, DEADLINE_S)


async def let_others_run() -> None:
    """Return once everything that waits for nothing but the event loop has had its turns."""
    for _ in range(IDLE_TURNS):
        await asyncio.sleep(0)


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return await answer if isinstance(answer, Awaitable) else answer
