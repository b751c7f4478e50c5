"""Waiting for a condition: no step of the event loop is missed, and a condition that never holds fails the test."""

import asyncio

import pytest

from tests.kit.simulated_time import simulate
from tests.kit.waiting import DEADLINE_S, until

pytestmark = pytest.mark.unit


async def test_until__condition_holds_for_one_turn_of_the_loop__is_seen() -> None:
    steps: list[int] = []

    async def count_up() -> None:
        for step in range(50):
            steps.append(step)
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_up())
    await until(lambda: len(steps) == 25)
    assert len(steps) == 25
    await counting


async def test_until__coroutine_function__is_awaited() -> None:
    answers = [False, False, True]

    async def answer() -> bool:
        await asyncio.sleep(0)
        return answers.pop(0)

    await until(answer)
    assert answers == []


def test_until__condition_never_holds__fails_at_the_deadline() -> None:
    async def wait() -> float:
        loop = asyncio.get_running_loop()
        before_s = loop.time()
        with pytest.raises(TimeoutError):
            await until(lambda: False)
        return loop.time() - before_s

    assert simulate(wait()) == pytest.approx(DEADLINE_S, abs=0.1)
