"""The keeper: whose turn it is, what is left to do, and that no failure stops it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from services.performer.keeper import MAX_STEPS, Keeper, KeeperPorts
from tests.kit.chain.fake import ChainDriver, FakeChain, FakeSender, open_task, running_clock
from tests.kit.metrics import count
from tests.kit.signing.operators import OperatorKeys, make_keys, seal_operators
from tests.kit.waiting import let_others_run, within
from zarathustra.core.task import Task, TaskStatus, turn_of
from zarathustra.core.types import BlockNumber, ProjectId
from zarathustra.store.memory import MemoryStore
from zarathustra.telemetry.metrics import Metrics

pytestmark = pytest.mark.unit

KEYS = tuple(make_keys(number) for number in range(3))
STRANGER = make_keys(9)
PROJECT = ProjectId(1)
TURN_BLOCKS = 30
SWEEP_BLOCKS = 20


@dataclass
class Site:
    """One operator's keeper, running."""

    keeper: Keeper
    sender: FakeSender
    metrics: Metrics
    stop: asyncio.Event
    running: "asyncio.Task[None]"


class Scene:
    def __init__(self, chain: FakeChain, driver: ChainDriver) -> None:
        self.chain = chain
        self.driver = driver
        self.sites: list[Site] = []

    async def start(self, keys: OperatorKeys, *, sweep_blocks: int = SWEEP_BLOCKS) -> Site:
        sender, metrics, stop = FakeSender(self.chain, keys.operator_id), Metrics("performer"), asyncio.Event()
        ports = KeeperPorts(
            reader=self.chain,
            market=self.chain,
            clock=self.driver.clock,
            sender=sender,
            operator_id=keys.operator_id,
        )
        keeper = Keeper(ports, metrics)
        running = asyncio.create_task(keeper.run(stop, sweep_blocks=sweep_blocks))
        self.sites.append(Site(keeper, sender, metrics, stop, running))
        await let_others_run()
        return self.sites[-1]

    def get_in_turn(self) -> OperatorKeys:
        """Return the operator that has the turn at the next block."""
        operators = self.chain.operators.operators
        chosen = turn_of(operators, BlockNumber(self.chain.head + 1), self.chain.turn_blocks).operator_id
        return next(keys for keys in KEYS if keys.operator_id == chosen)

    def list_by_rank(self) -> list[OperatorKeys]:
        """Return the operators in the order of their turns, starting at the next block."""
        first = KEYS.index(self.get_in_turn())
        return [KEYS[(first + rank) % len(KEYS)] for rank in range(len(KEYS))]

    async def open_overdue_task(self, *, number: int = 1) -> Task:
        """Open a task whose deadline has passed."""
        task = await open_task(self.chain, MemoryStore(), number=number)
        return self.chain.put_task(replace(task, deadline=BlockNumber(self.chain.head - 1)))


@asynccontextmanager
async def open_scene() -> AsyncIterator[Scene]:
    chain = FakeChain(seal_operators(*KEYS), head=TURN_BLOCKS, turn_blocks=TURN_BLOCKS)
    async with running_clock(chain) as driver:
        scene = Scene(chain, driver)
        try:
            yield scene
        finally:
            for site in scene.sites:
                site.running.cancel()
            await asyncio.gather(*(site.running for site in scene.sites), return_exceptions=True)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


# ---- turns


async def test_keep__own_turn__advances_at_the_next_block(scene: Scene) -> None:
    scene.chain.pending_steps[PROJECT] = 1
    site = await scene.start(scene.get_in_turn())
    site.keeper.poke(PROJECT)
    await scene.driver.mine()
    assert site.sender.advanced == [PROJECT]
    assert count(site.metrics, "keeper_transactions_total", call="advance") == 1


@pytest.mark.parametrize("rank", [1, 2])
async def test_keep__others_come_first_and_do_nothing__acts_one_block_later_for_each(scene: Scene, rank: int) -> None:
    scene.chain.pending_steps[PROJECT] = 1
    site = await scene.start(scene.list_by_rank()[rank])
    site.keeper.poke(PROJECT)
    await scene.driver.mine(rank)
    assert site.sender.advanced == []
    await scene.driver.mine()
    assert site.sender.advanced == [PROJECT]


async def test_keep__every_operator_keeps__one_transaction_is_sent(scene: Scene) -> None:
    scene.chain.pending_steps[PROJECT] = 1
    sites = [await scene.start(keys) for keys in reversed(scene.list_by_rank())]
    for site in sites:
        site.keeper.poke(PROJECT)
    await scene.driver.mine(4)
    assert [len(site.sender.advanced) for site in sites] == [0, 0, 1]


async def test_keep__in_no_set__acts_at_once(scene: Scene) -> None:
    scene.chain.pending_steps[PROJECT] = 1
    site = await scene.start(STRANGER)
    site.keeper.poke(PROJECT)
    await scene.driver.mine()
    assert site.sender.advanced == [PROJECT]


async def test_keep__turn_moves_on__next_operator_acts_at_once(scene: Scene) -> None:
    await scene.driver.mine(TURN_BLOCKS)
    scene.chain.pending_steps[PROJECT] = 1
    site = await scene.start(scene.get_in_turn())
    assert scene.get_in_turn() != KEYS[1]
    site.keeper.poke(PROJECT)
    await scene.driver.mine()
    assert site.sender.advanced == [PROJECT]


# ---- what is left to do


async def test_keep__nothing_to_do__sends_nothing_and_forgets_the_project(scene: Scene) -> None:
    site = await scene.start(scene.get_in_turn())
    site.keeper.poke(PROJECT)
    await scene.driver.mine()
    scene.chain.pending_steps[PROJECT] = 1
    await scene.driver.mine(3)
    assert site.sender.advanced == []  # until the next poke


async def test_keep__too_much_for_one_transaction__continues_until_nothing_is_left(scene: Scene) -> None:
    scene.chain.pending_steps[PROJECT] = 2 * MAX_STEPS + 1
    site = await scene.start(scene.get_in_turn())
    site.keeper.poke(PROJECT)
    await scene.driver.mine(6)
    assert site.sender.advanced == [PROJECT] * 3


async def test_keep__poked_again__wait_counts_from_the_first_poke(scene: Scene) -> None:
    scene.chain.pending_steps[PROJECT] = 1
    site = await scene.start(scene.list_by_rank()[2])
    for _ in range(3):
        site.keeper.poke(PROJECT)
        await scene.driver.mine()
    assert site.sender.advanced == [PROJECT]


async def test_sweep__no_poke__finds_every_project(scene: Scene) -> None:
    scene.chain.project_count = 3
    scene.chain.pending_steps = {ProjectId(2): 1, ProjectId(3): 1}
    site = await scene.start(scene.get_in_turn())
    await scene.driver.mine(2)
    assert sorted(site.sender.advanced) == [2, 3]


async def test_sweep__done__repeats_after_its_interval(scene: Scene) -> None:
    scene.chain.project_count = 1
    site = await scene.start(STRANGER)
    await scene.driver.mine(2)
    scene.chain.pending_steps[PROJECT] = 1
    await scene.driver.mine(SWEEP_BLOCKS - 2)
    assert site.sender.advanced == []
    await scene.driver.mine(2)
    assert site.sender.advanced == [PROJECT]


# ---- overdue tasks


async def test_sweep__task_past_its_deadline__is_expired(scene: Scene) -> None:
    task = await scene.open_overdue_task()
    site = await scene.start(KEYS[0])
    await scene.driver.mine()
    assert site.sender.expired == [task.task_id]
    assert scene.chain.get_task(task.task_id).status is TaskStatus.EXPIRED
    assert count(site.metrics, "keeper_transactions_total", call="expireTask") == 1


async def test_sweep__task_before_its_deadline__is_not_expired(scene: Scene) -> None:
    task = await open_task(scene.chain, MemoryStore())
    scene.chain.put_task(replace(task, deadline=BlockNumber(scene.chain.head + 2)))
    site = await scene.start(KEYS[0])
    await scene.driver.mine()
    assert site.sender.expired == []
    assert count(site.metrics, "keeper_failures_total", reason="reverted") == 0  # no transaction is tried either


async def test_sweep__expired_task__its_project_is_advanced(scene: Scene) -> None:
    await scene.open_overdue_task()
    scene.chain.pending_steps[PROJECT] = 1
    site = await scene.start(STRANGER)
    await scene.driver.mine(2)
    assert site.sender.advanced == [PROJECT]


async def test_sweep__one_task_cannot_be_read__the_others_are_expired(scene: Scene) -> None:
    broken = await scene.open_overdue_task(number=1)
    task = await scene.open_overdue_task(number=2)
    scene.chain.unreadable.add(broken.task_id)
    scene.chain.project_count = 1
    scene.chain.pending_steps[PROJECT] = 1
    site = await scene.start(STRANGER)
    await scene.driver.mine(2)
    assert site.sender.expired == [task.task_id]
    assert site.sender.advanced == [PROJECT]
    assert count(site.metrics, "keeper_failures_total", reason="rpc_error") > 0


# ---- failures


async def test_keep__node_becomes_unreachable__is_counted_and_project_is_advanced_later(scene: Scene) -> None:
    scene.chain.project_count = 1
    scene.chain.pending_steps[PROJECT] = 1
    site = await scene.start(STRANGER)
    scene.chain.is_reachable = False
    await scene.driver.mine(2)
    assert count(site.metrics, "keeper_failures_total", reason="rpc_unreachable") >= 2
    scene.chain.is_reachable = True
    await scene.driver.mine(2)
    assert site.sender.advanced == [PROJECT]


async def test_keep__transaction_fails__is_tried_again_at_the_next_block(scene: Scene) -> None:
    scene.chain.pending_steps[PROJECT] = 1
    site = await scene.start(STRANGER)
    site.sender.is_reachable = False
    site.keeper.poke(PROJECT)
    await scene.driver.mine()
    site.sender.is_reachable = True
    await scene.driver.mine()
    assert site.sender.advanced == [PROJECT]


# ---- stopping


async def test_run__stop__ends_without_another_transaction(scene: Scene) -> None:
    scene.chain.pending_steps[PROJECT] = 1
    site = await scene.start(STRANGER)
    site.keeper.poke(PROJECT)
    site.stop.set()
    await within(site.running)
    assert site.sender.advanced == []
