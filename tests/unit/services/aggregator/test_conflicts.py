"""Filing proofs of conflicting votes: when, on which input, and how it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

import pytest

from services.aggregator.conflicts import ConflictFiler, FilerPorts
from tests.kit.aggregation.signed import TURN_BLOCKS, open_chain, sign_conflict, signer_of
from tests.kit.chain.deployment import DEPLOYMENT
from tests.kit.chain.fake import ChainDriver, FakeSender, running_clock
from tests.kit.chain.tasks import SEED_BLOCK, build_task
from tests.kit.metrics import count
from tests.kit.waiting import let_others_run, until, within
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.messages import ConflictFound
from zarathustra.core.reasons import Reason
from zarathustra.core.task import TaskStatus
from zarathustra.core.types import OperatorId, Slot
from zarathustra.telemetry.metrics import Metrics

pytestmark = pytest.mark.unit

US, CULPRIT = 0, 2
TAKEOVER_BLOCKS = 6
OUR_TURN = SEED_BLOCK + 3 * TURN_BLOCKS - SEED_BLOCK % (3 * TURN_BLOCKS) - 1  # the next block begins slot 0's turn
AFTER_OURS = OUR_TURN + TURN_BLOCKS
TASK = build_task()
FOUND = sign_conflict(TASK, CULPRIT)


@dataclass
class Scene:
    """A filer with its chain; `sender` keeps what it filed."""

    driver: ChainDriver
    sender: FakeSender
    metrics: Metrics
    filer: ConflictFiler

    async def file(self, found: ConflictFound = FOUND) -> None:
        await within(self.filer.file(found))

    def count_ending(self, ending: str) -> float:
        return count(self.metrics, "conflict_proofs_total", ending=ending)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    chain, metrics = open_chain(TASK, head=OUR_TURN), Metrics("aggregator")
    sender = FakeSender(chain, signer_of(US).operator_id)
    async with running_clock(chain) as driver:
        ports = FilerPorts(chain, sender, driver.clock, DEPLOYMENT)
        yield Scene(driver, sender, metrics, ConflictFiler(ports, metrics, takeover_blocks=TAKEOVER_BLOCKS))


# ---- when


async def test_file__our_turn__files_at_once_with_slot_and_header(scene: Scene) -> None:
    await scene.file()

    assert scene.sender.proven == [FOUND]
    header = await scene.driver.chain.fetch_seed_header(TASK.seed_block)
    assert scene.sender.proofs == [(Slot(CULPRIT), header)]
    assert scene.count_ending("filed") == 1


async def test_file__not_our_turn__waits_and_takes_over(scene: Scene) -> None:
    await scene.driver.mine_to(AFTER_OURS)
    filing = asyncio.create_task(scene.file())
    for waited in range(TAKEOVER_BLOCKS):
        await until(lambda waited=waited: scene.driver.chain.task_reads >= waited + 1)  # type: ignore[misc]
        assert scene.sender.proven == []
        await scene.driver.mine_to(AFTER_OURS + waited + 1)

    await filing
    assert scene.sender.proven == [FOUND]


async def test_file__another_aggregator_files_while_we_wait__nothing_is_sent(scene: Scene) -> None:
    await scene.driver.mine_to(AFTER_OURS)
    filing = asyncio.create_task(scene.file())
    await let_others_run()
    scene.driver.chain.slashed.add((TASK.task_id, FOUND.operator))
    await scene.driver.mine_to(AFTER_OURS + TAKEOVER_BLOCKS)

    await filing
    assert scene.sender.proven == []
    assert scene.count_ending("not_needed") == 1


async def test_file__task_is_settled_already__files_all_the_same(scene: Scene) -> None:
    scene.driver.chain.close_task(TASK.task_id)
    assert scene.driver.chain.get_task(TASK.task_id).status is TaskStatus.SETTLED
    await scene.file()
    assert scene.sender.proven == [FOUND]


# ---- never twice, never for another input


async def test_file__handled_again_after_a_crash__is_sent_once(scene: Scene) -> None:
    await scene.file()
    await scene.file()

    assert scene.sender.proven == [FOUND]
    assert (scene.count_ending("filed"), scene.count_ending("not_needed")) == (1, 1)


async def test_file__second_conflict_of_the_operator_in_the_task__is_not_sent(scene: Scene) -> None:
    await scene.file()
    await scene.file(replace(FOUND, first=FOUND.second, second=FOUND.first))

    assert scene.sender.proven == [FOUND]


async def test_file__two_operators__each_is_filed(scene: Scene) -> None:
    other = sign_conflict(TASK, 1)
    await scene.file()
    await scene.file(other)

    assert scene.sender.proven == [FOUND, other]


def change_first(found: ConflictFound) -> ConflictFound:
    other = replace(found.first.evaluation, input_hash=b"\x1f" * 32)
    return replace(found, first=replace(found.first, evaluation=other))


def change_second(found: ConflictFound) -> ConflictFound:
    other = replace(found.second.evaluation, input_hash=b"\x1f" * 32)
    return replace(found, second=replace(found.second, evaluation=other))


@pytest.mark.parametrize(
    "change",
    [change_first, change_second, lambda found: change_first(change_second(found))],
    ids=["first", "second", "both"],
)
async def test_file__a_vote_is_on_another_input__nothing_is_sent(
    scene: Scene, change: Callable[[ConflictFound], ConflictFound]
) -> None:
    await scene.file(change(FOUND))

    assert scene.sender.proven == []
    assert scene.count_ending("wrong_input") == 1


async def test_file__seed_block_is_reorganised_while_it_waits__nothing_is_sent(scene: Scene) -> None:
    await scene.driver.mine_to(AFTER_OURS)
    filing = asyncio.create_task(scene.file())
    await let_others_run()
    depth = AFTER_OURS - TASK.seed_block + 1
    await scene.driver.reorganise(depth, mined=depth + TAKEOVER_BLOCKS)

    await filing
    assert scene.sender.proven == []
    assert scene.count_ending("wrong_input") == 1


# ---- failures


async def test_file__contract_refuses__is_counted_and_the_next_one_is_filed(scene: Scene) -> None:
    scene.sender.refusal = Invalid(Reason.REVERTED, "send", error="BadAggregateSignature")
    await scene.file()
    assert scene.count_ending("reverted") == 1

    scene.sender.refusal = None
    other = sign_conflict(TASK, 1)
    await scene.file(other)
    assert scene.sender.proven == [other]


async def test_file__operator_is_not_in_the_tasks_set__nothing_is_sent(scene: Scene) -> None:
    await scene.file(replace(FOUND, operator=OperatorId(b"\x99" * 20)))
    assert scene.sender.proven == []
    assert scene.count_ending("unknown_operator") == 1


async def test_file__node_is_unreachable__raises_retry_and_is_filed_later(scene: Scene) -> None:
    scene.driver.chain.is_reachable = False
    with pytest.raises(Retry):
        await scene.file()
    scene.driver.chain.is_reachable = True
    await scene.file()
    assert scene.sender.proven == [FOUND]


async def test_file__task_was_reorganised_away__is_refused(scene: Scene) -> None:
    scene.driver.chain.remove_task(TASK.task_id)
    with pytest.raises(Invalid) as caught:
        await scene.file()
    assert caught.value.reason is Reason.UNKNOWN_TASK
