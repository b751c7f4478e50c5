"""The view reads each fact once a block, and shares the answer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.kit.chain.fake import ChainDriver, FakeChain, open_task, running_clock
from tests.kit.signing.operators import make_keys, seal_operators
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Task, TaskStatus
from zarathustra.core.types import SetVersion, TaskId
from zarathustra.duty.view import FINAL_BLOCKS, ChainView
from zarathustra.store.memory import MemoryStore

pytestmark = pytest.mark.unit

KEYS = tuple(make_keys(number) for number in range(4))


@dataclass
class Scene:
    chain: FakeChain
    driver: ChainDriver
    view: ChainView
    task: Task


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    chain = FakeChain(seal_operators(*KEYS[:2]), head=10)
    async with running_clock(chain) as driver:
        task = await open_task(chain, MemoryStore())
        await driver.mine()
        yield Scene(chain, driver, ChainView(chain, driver.clock, driver.build_seeds(confirmations=1)), task)


async def test_fetch_task__many_ask_in_one_block__is_read_once(scene: Scene) -> None:
    answers = await asyncio.gather(*(scene.view.fetch_task(scene.task.task_id) for _ in range(50)))
    assert set(answers) == {scene.task}
    assert scene.chain.task_reads == 1
    await scene.driver.mine()
    await scene.view.fetch_task(scene.task.task_id)
    assert scene.chain.task_reads == 2


async def test_fetch_task__asker_is_cancelled__others_get_the_answer(scene: Scene) -> None:
    first = asyncio.create_task(scene.view.fetch_task(scene.task.task_id))
    second = asyncio.create_task(scene.view.fetch_task(scene.task.task_id))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == scene.task


async def test_fetch_task__final__is_not_read_again_until_a_reorganisation_is_out_of_the_question(scene: Scene) -> None:
    scene.chain.close_task(scene.task.task_id)
    for _ in range(3):
        assert (await scene.view.fetch_task(scene.task.task_id)).status is TaskStatus.SETTLED
        await scene.driver.mine()
    assert scene.chain.task_reads == 1
    await scene.driver.mine(FINAL_BLOCKS)
    await scene.view.fetch_task(scene.task.task_id)
    assert scene.chain.task_reads == 2


async def test_fetch_task__unknown__is_asked_once_a_block(scene: Scene) -> None:
    for _ in range(3):
        with pytest.raises(Retry) as caught:
            await scene.view.fetch_task(TaskId(bytes(32)))
        assert caught.value.reason is Reason.UNKNOWN_TASK
    assert scene.chain.task_reads == 1


async def test_fetch_task__node_did_not_answer__is_asked_again(scene: Scene) -> None:
    scene.chain.is_reachable = False
    with pytest.raises(Retry):
        await scene.view.fetch_task(scene.task.task_id)
    scene.chain.is_reachable = True
    assert await scene.view.fetch_task(scene.task.task_id) == scene.task


async def test_is_listed__newest_two_sets__count(scene: Scene) -> None:
    def seal(version: int, *numbers: int) -> None:
        scene.chain.seal(seal_operators(*(KEYS[number] for number in numbers), version=SetVersion(version)))

    seal(2, 1, 2)
    seal(3, 2, 3)
    await scene.driver.mine()
    listed = [await scene.view.is_listed(keys.operator_id) for keys in KEYS]
    assert listed == [False, True, True, True]


async def test_is_listed__node_does_not_answer__the_last_answer_counts(scene: Scene) -> None:
    scene.chain.is_reachable = False
    with pytest.raises(Retry):
        await scene.view.is_listed(KEYS[0].operator_id)
    scene.chain.is_reachable = True
    assert await scene.view.is_listed(KEYS[0].operator_id)
    scene.chain.is_reachable = False
    await scene.driver.mine()
    assert await scene.view.is_listed(KEYS[0].operator_id)
