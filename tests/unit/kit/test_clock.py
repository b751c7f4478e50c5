"""The fake clock: a sleep ends when its time has come, whenever its coroutine first runs."""

import asyncio

import pytest

from tests.kit.clock import FakeClock
from tests.kit.waiting import let_others_run, within

pytestmark = pytest.mark.unit


async def test_now_ms__clock_is_advanced__moves_by_as_much() -> None:
    clock = FakeClock(5)
    assert clock.now_ms() == 5
    clock.advance(7)
    assert clock.now_ms() == 12


async def test_sleep__clock_advanced_before_the_task_first_runs__ends() -> None:
    """As in the map loop: the sleep is asked for, wrapped in a task, and time passes in the same turn of the loop."""
    clock = FakeClock()
    sleeping = asyncio.create_task(clock.sleep(1.0))
    clock.advance(1_000)
    await within(sleeping)


async def test_sleep__clock_advanced_after_the_task_first_runs__ends() -> None:
    clock = FakeClock()
    sleeping = asyncio.create_task(clock.sleep(1.0))
    await let_others_run()
    clock.advance(1_000)
    await within(sleeping)


async def test_sleep__too_little_time_passes__waits_for_the_rest() -> None:
    clock = FakeClock()
    sleeping = asyncio.create_task(clock.sleep(1.0))
    clock.advance(999)
    await let_others_run()
    assert not sleeping.done()
    clock.advance(1)
    await within(sleeping)


async def test_sleep__asked_for_after_an_advance__counts_from_then() -> None:
    clock = FakeClock()
    clock.advance(1_000)
    sleeping = asyncio.create_task(clock.sleep(1.0))
    await let_others_run()
    assert not sleeping.done()
    clock.advance(1_000)
    await within(sleeping)


async def test_sleep__no_time__ends_without_an_advance() -> None:
    await within(FakeClock().sleep(0))


async def test_advance__several_are_due__the_one_due_first_wakes_first() -> None:
    clock, woken = FakeClock(), list[float]()

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    sleeping = [asyncio.create_task(sleep(seconds)) for seconds in (3.0, 1.0, 2.0)]
    await let_others_run()
    clock.advance(3_000)
    await within(asyncio.gather(*sleeping))
    assert woken == [1.0, 2.0, 3.0]


async def test_advance__sleeper_was_cancelled__wakes_the_others() -> None:
    clock = FakeClock()
    cancelled, other = (asyncio.create_task(clock.sleep(1.0)) for _ in range(2))
    cancelled.cancel()
    clock.advance(1_000)
    await within(other)
    assert cancelled.cancelled()
