"""The keeper: whose turn it is, what is left to do, and that no failure stops it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from services.performer.keeper import MAX_STEPS, RANK_BLOCKS, Keeper, KeeperPorts
from tests.kit.chain.fake import (
    ESCROW_GRACE_BLOCKS,
    ChainDriver,
    FakeChain,
    FakeSender,
    build_stored_project,
    open_task,
    running_clock,
)
from tests.kit.metrics import count
from tests.kit.signing.operators import OperatorKeys, make_keys, seal_operators
from tests.kit.waiting import let_others_run, within
from zarathustra.chain.market import StoredProject, WithheldPlace
from zarathustra.core.project import ProjectStatus
from zarathustra.core.task import Task, TaskStatus, turn_of
from zarathustra.core.types import BlockNumber, ProjectId, SubmissionIndex
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

    def withhold(self, *, until: int, project_id: ProjectId = PROJECT) -> WithheldPlace:
        """Withhold the reward of a project's first submission."""
        place = WithheldPlace(project_id, SubmissionIndex(1), BlockNumber(until))
        self.chain.withheld.add(place)
        return place

    def put_project(self, project: StoredProject) -> None:
        """Store the one project."""
        self.chain.project_count = 1
        self.chain.projects[PROJECT] = project

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


# ---- withheld rewards


@pytest.mark.parametrize("rank", [0, 1, 2])
async def test_sweep__reward_can_no_longer_be_disputed__released_by_rank_and_not_before(
    scene: Scene, rank: int
) -> None:
    place = scene.withhold(until=scene.chain.head + 3)
    site = await scene.start(scene.list_by_rank()[rank], sweep_blocks=1)
    await scene.driver.mine(2 + rank * RANK_BLOCKS)
    assert site.sender.ended == []
    await scene.driver.mine()
    assert site.sender.ended == [("release", place.project_id)]
    assert scene.chain.withheld == set()
    assert count(site.metrics, "keeper_transactions_total", call="release") == 1


async def test_sweep__reward_is_due_and_every_operator_keeps__one_releases(scene: Scene) -> None:
    scene.withhold(until=scene.chain.head + 3)
    sites = [await scene.start(keys, sweep_blocks=1) for keys in reversed(scene.list_by_rank())]
    await scene.driver.mine(3 + len(KEYS) * RANK_BLOCKS)
    assert [len(site.sender.ended) for site in sites] == [0, 0, 1]
    assert all(count(site.metrics, "keeper_failures_total", reason="reverted") == 0 for site in sites)


async def test_sweep__one_release_fails__the_others_are_released(scene: Scene) -> None:
    """The chain was reorganised after it was read: the contract knows a later block."""
    scene.withhold(until=scene.chain.head + 1, project_id=ProjectId(1))
    scene.chain.refused_calls.add(("release", ProjectId(1)))
    scene.withhold(until=scene.chain.head + 1, project_id=ProjectId(2))
    site = await scene.start(STRANGER, sweep_blocks=1)
    await scene.driver.mine()
    assert site.sender.ended == [("release", ProjectId(2))]
    assert count(site.metrics, "keeper_failures_total", reason="reverted") == 1


# ---- projects of absent owners


@pytest.mark.parametrize("status", [ProjectStatus.OPEN, ProjectStatus.SUSPENDED])
@pytest.mark.parametrize("rank", [0, 1, 2])
async def test_sweep__project_takes_no_more_commits__closed_by_rank_and_not_before(
    scene: Scene, rank: int, status: ProjectStatus
) -> None:
    scene.put_project(build_stored_project(status, open_until=scene.chain.head + 3))
    site = await scene.start(scene.list_by_rank()[rank], sweep_blocks=1)
    await scene.driver.mine(2 + rank * RANK_BLOCKS)
    assert site.sender.ended == []
    await scene.driver.mine()
    assert site.sender.ended == [("closeProject", PROJECT)]
    assert scene.chain.projects[PROJECT].status is ProjectStatus.CLOSED
    assert count(site.metrics, "keeper_transactions_total", call="closeProject") == 1


@pytest.mark.parametrize("status", [ProjectStatus.BASELINE, ProjectStatus.CLOSED, ProjectStatus.CANCELLED])
async def test_sweep__project_cannot_be_closed__nothing_is_sent(scene: Scene, status: ProjectStatus) -> None:
    scene.put_project(build_stored_project(status, open_until=0, pool_free=1))
    site = await scene.start(STRANGER, sweep_blocks=1)
    await scene.driver.mine(3)
    assert site.sender.ended == []


async def test_sweep__suspended_project_has_a_pending_submission__closed_only_after_it(scene: Scene) -> None:
    scene.put_project(build_stored_project(ProjectStatus.SUSPENDED, open_until=0, pending=1))
    site = await scene.start(STRANGER, sweep_blocks=1)
    await scene.driver.mine(2)
    assert site.sender.ended == []
    scene.put_project(build_stored_project(ProjectStatus.SUSPENDED, open_until=0))
    await scene.driver.mine()
    assert site.sender.ended == [("closeProject", PROJECT)]
    assert count(site.metrics, "keeper_failures_total", reason="reverted") == 0


@pytest.mark.parametrize("rank", [0, 1, 2])
async def test_sweep__owner_is_absent_for_the_grace__escrow_credited_by_rank_and_not_before(
    scene: Scene, rank: int
) -> None:
    closed_at = scene.chain.head + 3 - ESCROW_GRACE_BLOCKS
    scene.put_project(build_stored_project(ProjectStatus.CLOSED, open_until=closed_at, pool_free=7))
    site = await scene.start(scene.list_by_rank()[rank], sweep_blocks=1)
    await scene.driver.mine(2 + rank * RANK_BLOCKS)
    assert site.sender.ended == []
    await scene.driver.mine()
    assert site.sender.ended == [("withdrawEscrow", PROJECT)]
    assert scene.chain.projects[PROJECT].pool_free == 0
    assert count(site.metrics, "keeper_transactions_total", call="withdrawEscrow") == 1


@pytest.mark.parametrize(
    "project",
    [
        build_stored_project(ProjectStatus.CLOSED, open_until=-ESCROW_GRACE_BLOCKS, pool_free=7, pending=1),
        build_stored_project(ProjectStatus.CLOSED, open_until=-ESCROW_GRACE_BLOCKS, pool_free=0),
    ],
    ids=["submission_pending", "nothing_left"],
)
async def test_sweep__escrow_cannot_be_credited__nothing_is_sent(scene: Scene, project: StoredProject) -> None:
    scene.put_project(project)
    site = await scene.start(STRANGER, sweep_blocks=1)
    await scene.driver.mine(3)
    assert site.sender.ended == []
    assert count(site.metrics, "keeper_failures_total", reason="reverted") == 0


async def test_sweep__absent_owner_and_every_operator_keeps__each_call_is_sent_once(scene: Scene) -> None:
    scene.put_project(build_stored_project(open_until=scene.chain.head + 3, pool_free=7))
    sites = [await scene.start(keys, sweep_blocks=1) for keys in KEYS]
    await scene.driver.mine(3 + len(KEYS) * RANK_BLOCKS)
    assert [call for site in sites for call in site.sender.ended] == [("closeProject", PROJECT)]


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
