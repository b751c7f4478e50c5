"""The bound on held bytes: first come, first served, and nothing is lost when a waiter leaves."""

import asyncio

import pytest

from tests.kit.waiting import let_others_run
from zarathustra.duty.room import ByteRoom

pytestmark = pytest.mark.unit


class Holder:
    """Takes room in the background until it is told to leave."""

    def __init__(self, room: ByteRoom, size: int) -> None:
        self.is_in = False
        self._leaving = asyncio.Event()
        self.task = asyncio.create_task(self._hold(room, size))

    async def _hold(self, room: ByteRoom, size: int) -> None:
        async with room.take(size):
            self.is_in = True
            await self._leaving.wait()
        self.is_in = False

    async def leave(self) -> None:
        self._leaving.set()
        await self.task


async def hold(room: ByteRoom, *sizes: int) -> list[Holder]:
    holders = [Holder(room, size) for size in sizes]
    await let_others_run()
    return holders


async def test_take__full__waits_until_bytes_are_free() -> None:
    first, second, third = await hold(ByteRoom(10), 6, 4, 5)
    assert (first.is_in, second.is_in, third.is_in) == (True, True, False)
    await second.leave()
    await let_others_run()
    assert not third.is_in
    await first.leave()
    await let_others_run()
    assert third.is_in
    await third.leave()


async def test_take__small_one_behind_a_large_one__does_not_overtake_it() -> None:
    first, large, small = await hold(ByteRoom(10), 6, 8, 1)
    assert (large.is_in, small.is_in) == (False, False)
    await first.leave()
    await let_others_run()
    assert (large.is_in, small.is_in) == (True, True)
    await large.leave()
    await small.leave()


async def test_take__more_than_the_room__has_it_alone() -> None:
    room = ByteRoom(10)
    huge, small = await hold(room, 1_000, 1)
    assert (huge.is_in, small.is_in, room.held_bytes) == (True, False, 10)
    await huge.leave()
    await let_others_run()
    assert (small.is_in, room.held_bytes) == (True, 1)
    await small.leave()
    assert room.held_bytes == 0


async def test_take__waiter_is_cancelled__lets_the_next_in() -> None:
    room = ByteRoom(10)
    first, waiter, next_one = await hold(room, 6, 8, 4)
    waiter.task.cancel()
    await let_others_run()
    assert next_one.is_in
    await first.leave()
    await next_one.leave()
    assert room.held_bytes == 0


async def test_take__cancelled_in_the_moment_of_its_turn__frees_its_bytes() -> None:
    room = ByteRoom(10)
    first, waiter = await hold(room, 10, 10)
    leaving = asyncio.create_task(first.leave())
    while room.held_bytes == 10 and not leaving.done():
        await asyncio.sleep(0)
    waiter.task.cancel()
    await asyncio.gather(leaving, waiter.task, return_exceptions=True)
    assert room.held_bytes == 0
