"""Inputs that are rebuilt from the logs of single blocks: what a node may leave out or change, and what is refused."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.kit.chain.contract_node import ContractNode
from tests.kit.chain.deployment import DEPLOYMENT
from tests.kit.chain.projects import (
    BASELINE_CID,
    CHALLENGER_CID,
    CREATED_AT,
    OPENED_AT,
    PROJECT,
    REVEALED_AT,
    TASK,
    TASK_INPUT,
    build_params,
    store_project,
    store_submission,
    store_task,
)
from zarathustra.chain.abi import MODEL_SUBMISSION
from zarathustra.chain.market import (
    RELEASE_MARGIN,
    MarketLimits,
    MarketReader,
    RewardStatus,
    WithheldPlace,
    WithheldReward,
)
from zarathustra.chain.reader import ChainTaskReader
from zarathustra.core.digests import cid_hash
from zarathustra.core.errors import Retry
from zarathustra.core.events import (
    Fact,
    ProjectCreated,
    RewardWithheld,
    SubmissionRevealed,
    SubmissionSettled,
    TaskOpened,
)
from zarathustra.core.outcomes import Outcome
from zarathustra.core.project import SubmissionStatus
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockNumber, Cid, Micro, ProjectId, SubmissionIndex, Wei

pytestmark = pytest.mark.unit

OTHER_CID = Cid("bafkanother")
FIRST = SubmissionIndex(1)
UNTIL = BlockNumber(95)  # when a withheld reward can be released
LIMITS = MarketLimits(
    max_pending=16,
    max_pending_per_account=2,
    open_timeout=7_200,
    min_attempt_blocks=10,
    min_dispute_blocks=0,
    max_dispute_blocks=300,
    resolve_blocks=200,
    dispute_bond=Wei(1),
    coin_min_fee=Wei(1),
)
LONGEST = LIMITS.max_dispute_blocks + LIMITS.resolve_blocks + RELEASE_MARGIN  # in blocks


@dataclass
class Scene:
    """A node with a project, its first submission and that submission's task; and fresh readers of it."""

    node: ContractNode
    tasks: ChainTaskReader
    market: MarketReader

    def change(self, kind: type[Fact], change: Callable[[Any], Fact]) -> None:
        """Let the node change each event of that kind."""
        self.node.events = [
            (block, change(fact) if isinstance(fact, kind) else fact) for block, fact in self.node.events
        ]

    def drop(self, kind: type[Fact]) -> None:
        """Let the node leave out each event of that kind."""
        self.node.events = [(block, fact) for block, fact in self.node.events if not isinstance(fact, kind)]


@pytest.fixture
def scene() -> Scene:
    node = ContractNode()
    store_project(node)
    store_submission(node)
    store_task(node)
    return Scene(node, ChainTaskReader(node.rpc, DEPLOYMENT), MarketReader(node.rpc, DEPLOYMENT))


# ---- a task's input


async def test_fetch_task__honest_node__input_is_rebuilt(scene: Scene) -> None:
    task = await scene.tasks.fetch_task(TASK)
    assert task.input == TASK_INPUT
    assert task.seed_block == OPENED_AT + build_params().seed_delay


async def test_fetch_task__every_event__is_asked_for_in_its_block_alone(scene: Scene) -> None:
    await scene.tasks.fetch_task(TASK)
    asked = [call.params[0] for call in scene.node.rpc.calls if call.method == "eth_getLogs"]
    assert [(query["fromBlock"], query["toBlock"]) for query in asked] == [
        (hex(block), hex(block)) for block in (CREATED_AT, OPENED_AT, REVEALED_AT)
    ]


async def test_fetch_task__twice__events_are_read_once(scene: Scene) -> None:
    first = await scene.tasks.fetch_task(TASK)
    asked = scene.node.count_calls("eth_getLogs")
    assert await scene.tasks.fetch_task(TASK) == first
    assert scene.node.count_calls("eth_getLogs") == asked


async def test_fetch_task__events_of_others_in_the_same_blocks__the_right_ones_are_chosen(scene: Scene) -> None:
    other = replace(build_params(), evaluator_cid=OTHER_CID)
    scene.node.events = [
        (CREATED_AT, ProjectCreated(ProjectId(PROJECT + 1), DEPLOYMENT.governance, build_params())),
        (CREATED_AT, ProjectCreated(PROJECT, DEPLOYMENT.governance, other)),
        (REVEALED_AT, SubmissionRevealed(PROJECT, SubmissionIndex(2), CHALLENGER_CID)),
        (REVEALED_AT, SubmissionRevealed(PROJECT, FIRST, OTHER_CID)),
        *scene.node.events,
    ]
    assert (await scene.tasks.fetch_task(TASK)).input == TASK_INPUT


@pytest.mark.parametrize("kind", [ProjectCreated, SubmissionRevealed, TaskOpened])
async def test_fetch_task__node_leaves_out_an_event__refused_by_its_name(scene: Scene, kind: type[Fact]) -> None:
    scene.drop(kind)
    with pytest.raises(Retry, match=kind.__name__) as caught:
        await scene.tasks.fetch_task(TASK)
    assert caught.value.reason is Reason.RPC_ERROR


@pytest.mark.parametrize("name", ["architecture_cid", "evaluator_cid", "parameters_cid"])
async def test_fetch_task__node_changes_a_cid_of_the_owner__refused(scene: Scene, name: str) -> None:
    scene.change(ProjectCreated, lambda fact: replace(fact, params=replace(fact.params, **{name: OTHER_CID})))
    with pytest.raises(Retry, match="ProjectCreated") as caught:
        await scene.tasks.fetch_task(TASK)
    assert caught.value.reason is Reason.RPC_ERROR


@pytest.mark.parametrize(
    "name", ["rounds", "alpha_ppm", "tolerance", "fee", "bond", "max_reward", "min_gain", "quorum_bps", "seed_delay"]
)
async def test_fetch_task__node_changes_a_number_of_the_owner__refused(scene: Scene, name: str) -> None:
    changed = replace(build_params(), **{name: getattr(build_params(), name) + 1})
    scene.change(ProjectCreated, lambda fact: replace(fact, params=changed))
    with pytest.raises(Retry, match="ProjectCreated") as caught:
        await scene.tasks.fetch_task(TASK)
    assert caught.value.reason is Reason.RPC_ERROR


async def test_fetch_task__node_changes_the_challengers_cid__refused(scene: Scene) -> None:
    scene.change(SubmissionRevealed, lambda fact: replace(fact, parameters_cid=OTHER_CID))
    with pytest.raises(Retry, match="SubmissionRevealed") as caught:
        await scene.tasks.fetch_task(TASK)
    assert caught.value.reason is Reason.RPC_ERROR


@pytest.mark.parametrize("changes", [{"k": 1}, {"champion_index": FIRST}])
async def test_fetch_task__node_changes_the_opening__refused_by_the_input_root(
    scene: Scene, changes: dict[str, Any]
) -> None:
    scene.change(TaskOpened, lambda fact: replace(fact, **changes))
    with pytest.raises(Retry, match="input root") as caught:
        await scene.tasks.fetch_task(TASK)
    assert caught.value.reason is Reason.RPC_ERROR


async def test_fetch_task__refused_before__read_again_once_the_node_is_honest(scene: Scene) -> None:
    honest = list(scene.node.events)
    scene.change(TaskOpened, lambda fact: replace(fact, k=1))
    with pytest.raises(Retry):
        await scene.tasks.fetch_task(TASK)
    scene.node.events = honest
    assert (await scene.tasks.fetch_task(TASK)).input == TASK_INPUT


async def test_fetch_task__reorganisation_makes_it_another_project__its_own_parameters_are_read(scene: Scene) -> None:
    """The project's number, block and terms stay, but not its baseline and its seed delay."""
    await scene.market.fetch_project(PROJECT)
    other = replace(build_params(), seed_delay=build_params().seed_delay + 1, parameters_cid=OTHER_CID)
    scene.node.events.clear()
    store_project(scene.node, other)
    assert (await scene.market.fetch_project(PROJECT)).params == other
    assert await scene.market.fetch_parameters_cid(PROJECT, SubmissionIndex(0)) == OTHER_CID


# ---- projects and submissions


async def test_fetch_project__honest_node__shows_what_the_owner_published(scene: Scene) -> None:
    assert (await scene.market.fetch_project(PROJECT)).params == build_params()


async def test_fetch_project__closed_by_its_owner__still_read(scene: Scene) -> None:
    """Closing moves the stored `open_until` back; what the owner published stays."""
    store_project(scene.node, open_until=BlockNumber(50))
    project = await scene.market.fetch_project(PROJECT)
    assert (project.open_until, project.params.open_until) == (50, build_params().open_until)


async def test_fetch_champion_cid__baseline_and_its_hash__agree(scene: Scene) -> None:
    assert await scene.market.fetch_champion_cid(PROJECT) == BASELINE_CID


async def test_fetch_parameters_cid__node_changes_the_baseline__refused(scene: Scene) -> None:
    scene.change(ProjectCreated, lambda fact: replace(fact, params=replace(fact.params, parameters_cid=OTHER_CID)))
    with pytest.raises(Retry, match="ProjectCreated") as caught:
        await scene.market.fetch_parameters_cid(PROJECT, SubmissionIndex(0))
    assert caught.value.reason is Reason.RPC_ERROR


async def test_fetch_submission__hidden__has_no_cid_and_asks_for_no_event(scene: Scene) -> None:
    store_submission(scene.node, status=SubmissionStatus.COMMITTED, content=b"\x77" * 32)
    submission = await scene.market.fetch_submission(PROJECT, FIRST)
    assert submission.parameters_cid == ""
    assert scene.node.count_calls("eth_getLogs") == 0


@pytest.mark.parametrize("outcome", [Outcome.UNREVEALED, Outcome.CANCELLED])
async def test_fetch_submission__ended_while_hidden__has_no_cid(scene: Scene, outcome: Outcome) -> None:
    store_submission(scene.node, status=SubmissionStatus.FINAL, outcome=outcome, opening=0, content=b"\x77" * 32)
    scene.node.events.append((REVEALED_AT + 1, build_end(outcome)))
    assert (await scene.market.fetch_submission(PROJECT, FIRST)).parameters_cid == ""


async def test_fetch_submission__final__has_the_scores_of_its_end(scene: Scene) -> None:
    store_submission(scene.node, status=SubmissionStatus.FINAL, outcome=Outcome.IMPROVED)
    scene.node.events.append((scene.node.head, build_end(Outcome.IMPROVED)))
    submission = await scene.market.fetch_submission(PROJECT, FIRST)
    assert (submission.champion_score, submission.challenger_score, submission.gain_lower_bound) == (1, 2, 3)
    assert submission.parameters_cid == CHALLENGER_CID


async def test_fetch_submission__node_leaves_out_the_end__refused(scene: Scene) -> None:
    store_submission(scene.node, status=SubmissionStatus.FINAL, outcome=Outcome.IMPROVED)
    with pytest.raises(Retry, match="SubmissionSettled") as caught:
        await scene.market.fetch_submission(PROJECT, FIRST)
    assert caught.value.reason is Reason.RPC_ERROR


async def test_fetch_submission__node_shows_another_cid__refused(scene: Scene) -> None:
    store_submission(scene.node, content=cid_hash(OTHER_CID))
    with pytest.raises(Retry, match="SubmissionRevealed") as caught:
        await scene.market.fetch_submission(PROJECT, FIRST)
    assert caught.value.reason is Reason.RPC_ERROR


def build_end(outcome: Outcome) -> SubmissionSettled:
    return SubmissionSettled(PROJECT, FIRST, TASK, outcome, Micro(1), Micro(2), Micro(3))


# ---- withheld rewards


async def test_fetch_withheld_rewards__released_meanwhile__is_left_out(scene: Scene) -> None:
    withhold(scene.node, FIRST, RewardStatus.WITHHELD)
    withhold(scene.node, SubmissionIndex(2), RewardStatus.NONE)
    withhold(scene.node, SubmissionIndex(3), RewardStatus.DISPUTED)
    found = await scene.market.fetch_withheld_rewards()
    assert found == [WithheldPlace(PROJECT, index, UNTIL) for index in (FIRST, SubmissionIndex(3))]


@pytest.mark.parametrize(("age", "is_found"), [(LONGEST, True), (LONGEST + 1, False)])
async def test_fetch_withheld_rewards__older_than_any_dispute__is_not_looked_for(
    scene: Scene, age: int, is_found: bool
) -> None:
    scene.node.head = 50_000
    withhold(scene.node, FIRST, RewardStatus.WITHHELD, block=scene.node.head - age)
    assert bool(await scene.market.fetch_withheld_rewards()) is is_found


def withhold(node: ContractNode, index: SubmissionIndex, status: RewardStatus, *, block: int = 90) -> None:
    """Withhold a reward in `block`; `status` is what the contract stores now."""
    node.events.append((block, RewardWithheld(PROJECT, index, Wei(1), UNTIL)))
    withheld = WithheldReward(status, Wei(1), UNTIL, SubmissionIndex(0), Micro(0), Address(bytes(20)))
    node.put_view(MODEL_SUBMISSION, "withheldReward", PROJECT, index, value=withheld)
    node.put_view(MODEL_SUBMISSION, "limits", value=LIMITS)
