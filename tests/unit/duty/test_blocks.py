"""The clock that shares the head, and seeds that wait for it."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.kit.chain.fake import FakeChain, open_task, running_clock
from tests.kit.signing.operators import make_keys, seal_operators
from tests.kit.waiting import let_others_run, until, within
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlockNumber
from zarathustra.duty.blocks import BlockClock
from zarathustra.store.memory import MemoryStore

pytestmark = pytest.mark.unit

OPERATORS = seal_operators(make_keys(0), make_keys(1), make_keys(2))


class Node:
    """A node that gives its answers in order, then repeats the last one."""

    def __init__(self, *answers: int | Exception) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def fetch_block_number(self) -> BlockNumber:
        self.asked += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return BlockNumber(answer)


async def test_clock__before_the_first_answer__head_is_minus_one() -> None:
    assert BlockClock(Node(5).fetch_block_number, poll_seconds=0).head == -1


async def test_clock__waited_for_block_is_there__returns_at_once() -> None:
    async with running_clock(FakeChain(OPERATORS, head=10)) as driver:
        assert await within(driver.clock.wait_for(10)) == 10
        assert await within(driver.clock.wait_for(3)) == 10


async def test_clock__waited_for_block_is_ahead__returns_when_it_comes_and_not_before() -> None:
    async with running_clock(FakeChain(OPERATORS, head=10)) as driver:
        waiting = asyncio.create_task(driver.clock.wait_for(13))
        await driver.mine_to(12)
        assert not waiting.done()
        await driver.mine()
        assert await within(waiting) == 13


async def test_clock__many_wait__all_are_woken() -> None:
    async with running_clock(FakeChain(OPERATORS, head=1)) as driver:
        waiting = [asyncio.create_task(driver.clock.wait_for_next()) for _ in range(50)]
        await let_others_run()
        await driver.mine()
        assert await within(asyncio.gather(*waiting)) == [2] * 50


async def test_wait_for_next__reorganisation_moves_the_head_down__returns_the_lower_head() -> None:
    async with running_clock(FakeChain(OPERATORS, head=10)) as driver:
        waiting = asyncio.create_task(driver.clock.wait_for_next())
        await let_others_run()
        await driver.reorganise(4, mined=2)
        assert await within(waiting) == 8
        assert driver.clock.head == 8


async def test_wait_for__head_moves_down_before_the_block__keeps_waiting() -> None:
    async with running_clock(FakeChain(OPERATORS, head=10)) as driver:
        waiting = asyncio.create_task(driver.clock.wait_for(11))
        await driver.reorganise(4, mined=2)
        await driver.mine_to(10)
        assert not waiting.done()
        await driver.mine()
        assert await within(waiting) == 11


async def test_clock__node_does_not_answer__asks_again() -> None:
    away = Retry(Reason.RPC_UNREACHABLE, "ask node")
    node = Node(4, away, away, 5)
    clock, stop = BlockClock(node.fetch_block_number, poll_seconds=0), asyncio.Event()
    running = asyncio.create_task(clock.run(stop))
    assert await within(clock.wait_for(5)) == 5
    stop.set()
    await within(running)


async def test_clock__bug_in_the_reader__is_raised() -> None:
    clock = BlockClock(Node(Invalid(Reason.REVERTED, "no such call")).fetch_block_number, poll_seconds=0)
    with pytest.raises(Invalid):
        await within(clock.run(asyncio.Event()))


async def test_clock__stop_while_it_waits_for_the_next_poll__ends_at_once() -> None:
    node, stop = Node(4), asyncio.Event()
    clock = BlockClock(node.fetch_block_number, poll_seconds=3_600)
    running = asyncio.create_task(clock.run(stop))
    await until(lambda: clock.head == 4)
    stop.set()
    await within(running)
    assert node.asked == 1


# ---- seeds


@pytest.mark.parametrize(("confirmations", "depth"), [(0, 1), (1, 1), (2, 2), (5, 5)])
async def test_derive__seed_block_is_new__waits_for_its_confirmations(confirmations: int, depth: int) -> None:
    """At least one confirmation: the contract can read the hash of a block below the head only."""
    chain = FakeChain(OPERATORS, head=10)
    task = await open_task(chain, MemoryStore())
    async with running_clock(chain) as driver:
        deriving = asyncio.create_task(driver.build_seeds(confirmations=confirmations).derive(task))
        await driver.mine_to(task.seed_block + depth - 1)
        assert not deriving.done()
        await driver.mine()
        assert await within(deriving) == chain.get_seed(task)


async def test_derive__seed_block_is_reorganised__gives_another_seed() -> None:
    chain = FakeChain(OPERATORS, head=10)
    task = await open_task(chain, MemoryStore())
    async with running_clock(chain) as driver:
        deriver = driver.build_seeds(confirmations=2)
        await driver.mine_to(task.seed_block + 2)
        before = await within(deriver.derive(task))
        assert await within(deriver.derive(task)) == before
        await driver.reorganise(4, mined=5)
        after = await within(deriver.derive(task))
        assert after != before
        assert after == chain.get_seed(task)


async def test_derive__two_tasks_of_one_block__have_different_seeds() -> None:
    chain = FakeChain(OPERATORS, head=10)
    tasks = [await open_task(chain, MemoryStore(), number=number) for number in (1, 2)]
    async with running_clock(chain) as driver:
        await driver.mine_to(tasks[0].seed_block + 2)
        deriver = driver.build_seeds(confirmations=2)
        seeds: Sequence[bytes] = [await within(deriver.derive(task)) for task in tasks]
        assert seeds[0] != seeds[1]


async def test_derive__node_is_unreachable__raises_retry() -> None:
    chain = FakeChain(OPERATORS, head=10)
    task = await open_task(chain, MemoryStore())
    async with running_clock(chain) as driver:
        await driver.mine_to(task.seed_block + 2)
        chain.is_reachable = False
        with pytest.raises(Retry):
            await within(driver.build_seeds(confirmations=2).derive(task))
