"""The performer during a whole task: when it proposes, what, how often, and when it stops."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from services.performer.handlers import MAX_FOLLOWED_TASKS, Performer, Ports
from tests.kit.bus.records import RecordingProducer, deliver
from tests.kit.chain.deployment import DOMAIN
from tests.kit.chain.fake import ChainDriver, FakeChain, build_stored_project, open_task, running_clock
from tests.kit.clock import FakeClock
from tests.kit.metrics import count
from tests.kit.scoring.fake_models import BROKEN_MODEL, Artefacts, ArtefactStore, ModelEvaluator, make_model
from tests.kit.signing.operators import OperatorKeys, make_keys, seal_operators
from tests.kit.waiting import let_others_run, until, within
from zarathustra.bus.records import Header, Record
from zarathustra.core.digests import evaluation_digest, input_root, report_hash
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.events import (
    ChainEvent,
    Fact,
    ProjectClosed,
    Retracted,
    SubmissionReopened,
    SubmissionRevealed,
    SubmissionSettled,
    TaskOpened,
)
from zarathustra.core.fees import FeeFloors
from zarathustra.core.messages import EvaluationProposed
from zarathustra.core.outcomes import Code, Outcome
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Task, TaskStatus, attempt_begin, attempt_end
from zarathustra.core.types import (
    ZERO32,
    ZERO_ADDRESS,
    Address,
    Attempt,
    BlockHash,
    BlockNumber,
    Cid,
    Micro,
    OperatorId,
    ProjectId,
    SubmissionIndex,
    TaskId,
    Topic,
    Wei,
)
from zarathustra.duty.assessment import Assessor
from zarathustra.formats.limits import MAX_REPORT_BYTES
from zarathustra.formats.report import check_report
from zarathustra.runtime.records import read_message
from zarathustra.signing.ecdsa import recover_address
from zarathustra.signing.signer import EcdsaSigner
from zarathustra.store.memory import MemoryStore
from zarathustra.telemetry.metrics import Metrics
from zarathustra.wire.codec import encode

pytestmark = pytest.mark.unit

KEYS = tuple(make_keys(number) for number in range(3))
CONFIRMATIONS = 2
NO_FLOORS = FeeFloors({})
COIN, TOKEN = ZERO_ADDRESS, Address(b"\x70" * 20)
FEE = Wei(100)


@dataclass
class Site:
    """One operator's performer, and what it acts on."""

    keys: OperatorKeys
    performer: Performer
    metrics: Metrics
    node: MemoryStore
    producer: RecordingProducer
    pinned_when_sent: list[bool] = field(default_factory=list)
    poked: list[ProjectId] = field(default_factory=list)


@dataclass
class Scene:
    """A chain, a store that all performers read, and the performers of this test."""

    chain: FakeChain
    driver: ChainDriver
    files: MemoryStore
    artefacts: ArtefactStore
    evaluator: ModelEvaluator
    running: list["asyncio.Task[Any]"] = field(default_factory=list)

    def open_site(self, keys: OperatorKeys, floors: FeeFloors = NO_FLOORS) -> Site:
        metrics, producer = Metrics("performer"), RecordingProducer()
        node = MemoryStore(source=self.artefacts)
        pinned: list[bool] = []
        poked: list[ProjectId] = []

        async def send(records: Sequence[Record]) -> None:
            for record in records:
                task = self.chain.get_task(TaskId(record.key))
                pinned.append(all(is_pinned(node, cid) for cid in list_inputs(task)))
            await producer.send(records)

        ports = Ports(
            reader=self.chain,
            market=self.chain,
            floors=floors,
            clock=self.driver.clock,
            seeds=self.driver.build_seeds(confirmations=CONFIRMATIONS),
            assess=Assessor(self.artefacts, self.evaluator.evaluate, busy_seconds=0).assess,
            writer=node,
            signer=EcdsaSigner(keys.ecdsa, DOMAIN),
            send=send,
            get_time_ms=FakeClock().now_ms,
        )
        performer = Performer(ports, metrics, on_project_moved=poked.append)
        return Site(keys, performer, metrics, node, producer, pinned, poked)

    def start(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Run `work` in the background, at most until the scene closes."""
        self.running.append(asyncio.create_task(work))
        return self.running[-1]

    async def open_task(self, artefacts: Artefacts | None = None, **changes: Any) -> Task:
        return await open_task(self.chain, self.files, artefacts, **changes)

    def find_site(self, task: Task, attempt: int = 0, *, floors: FeeFloors = NO_FLOORS) -> Site:
        """Open a site of the attempt's performer. The chain must have the seed block."""
        chosen = self.chain.get_performer(task, attempt)
        return self.open_site(next(keys for keys in KEYS if keys.operator_id == chosen.operator_id), floors)

    async def open_attempt(
        self, artefacts: Artefacts | None = None, *, attempt: int = 0, **changes: Any
    ) -> tuple[Task, Site]:
        """Open a task whose seed is known, and a site of the attempt's performer."""
        task = await self.open_task(artefacts, **changes)
        await self.mine_to_seed(task)
        return task, self.find_site(task, attempt)

    def pay(self, token: Address, fee: Wei) -> None:
        """Let the project pay that fee for each evaluation."""
        self.chain.projects[ProjectId(1)] = replace(build_stored_project(), token=token, fee=fee)

    async def mine_to_seed(self, task: Task) -> None:
        await self.driver.mine_to(task.seed_block + CONFIRMATIONS)


@asynccontextmanager
async def open_scene() -> AsyncIterator[Scene]:
    chain, files = FakeChain(seal_operators(*KEYS), head=10), MemoryStore()
    async with running_clock(chain) as driver:
        scene = Scene(chain, driver, files, ArtefactStore(files), ModelEvaluator())
        try:
            yield scene
        finally:
            for task in scene.running:
                task.cancel()
            await asyncio.gather(*scene.running, return_exceptions=True)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with open_scene() as opened:
        yield opened


def list_inputs(task: Task) -> list[Cid]:
    given = task.input
    return [given.architecture_cid, given.evaluator_cid, given.champion_cid, given.challenger_cid]


def is_pinned(node: MemoryStore, cid: Cid) -> bool:
    """Return whether the node has pinned `cid`; False also for text that is not a CID."""
    try:
        return node.is_pinned(cid)
    except Invalid:
        return False


def list_proposals(site: Site) -> list[EvaluationProposed]:
    """Return the proposals that the site sent, opened as every reader opens them."""
    proposals: list[EvaluationProposed] = []
    for record in site.producer.records:
        sender, message = read_message(deliver(record), DOMAIN)
        assert sender == site.keys.operator_id
        assert isinstance(message, EvaluationProposed)
        proposals.append(message)
    return proposals


def list_attempts(site: Site) -> list[int]:
    return [proposal.evaluation.attempt for proposal in list_proposals(site)]


def event_of(fact: Fact, *, is_retracted: bool = False) -> Record:
    event = ChainEvent(31_337, BlockNumber(7), BlockHash(b"\xb1" * 32), ZERO32, 3, ProjectId(9), fact)
    value = Retracted(event) if is_retracted else event
    return Record(Topic.CHAIN_EVENTS, b"\x09", encode(value), {str(Header.TYPE): type(value).__name__.encode()})


def opening_of(task: Task) -> TaskOpened:
    return TaskOpened(
        task_id=task.task_id,
        project_id=task.project_id,
        submission_index=task.submission_index,
        opening=0,
        input_root=task.input_root,
        k=0,
        champion_index=SubmissionIndex(0),
        set_version=task.set_version,
        seed_block=task.seed_block,
        deadline=task.deadline,
    )


# ---- what it proposes


async def test_perform__own_attempt__proposes_a_signed_evaluation_with_its_report(scene: Scene) -> None:
    task, site = await scene.open_attempt()
    scene.start(site.performer.perform(task.task_id))
    await until(lambda: len(site.producer.records) == 1)

    (proposal,) = list_proposals(site)
    evaluation = proposal.evaluation
    assert (evaluation.task_id, evaluation.attempt, evaluation.code) == (task.task_id, 0, Code.VALID)
    assert evaluation.performer == site.keys.operator_id
    assert evaluation.input_hash == scene.chain.get_input_hash(task)
    assert evaluation.challenger_score - evaluation.champion_score == 400_000
    signer = recover_address(evaluation_digest(DOMAIN, evaluation), proposal.performer_signature)
    assert OperatorId(signer) == site.keys.operator_id
    assert evaluation.report_hash == report_hash(proposal.proof_of_task)
    check_report(await site.node.fetch(proposal.proof_of_task, max_bytes=MAX_REPORT_BYTES), evaluation)
    await until(lambda: count(site.metrics, "evaluations_total", code="VALID", reason="") == 1)


async def test_perform__own_attempt__pins_inputs_before_it_proposes(scene: Scene) -> None:
    task, site = await scene.open_attempt()
    scene.start(site.performer.perform(task.task_id))
    await until(lambda: len(site.producer.records) == 1)
    assert site.pinned_when_sent == [True]
    assert site.node.is_pinned(list_proposals(site)[0].proof_of_task)


async def test_perform__wrong_challenger__proposes_invalid_with_the_reason(scene: Scene) -> None:
    task, site = await scene.open_attempt(Artefacts(challenger=BROKEN_MODEL))
    scene.start(site.performer.perform(task.task_id))
    await until(lambda: len(site.producer.records) == 1)
    assert list_proposals(site)[0].evaluation.code is Code.INVALID
    await until(lambda: count(site.metrics, "evaluations_total", code="INVALID", reason="bad_header") == 1)


# ---- when it proposes


async def test_perform__task_without_votes__each_performer_proposes_once_in_each_of_its_attempts(scene: Scene) -> None:
    task = await scene.open_task()
    sites = [scene.open_site(keys) for keys in KEYS]
    following = [scene.start(site.performer.perform(task.task_id)) for site in sites]
    await scene.driver.mine_to(task.deadline + 1)
    await within(asyncio.gather(*following))

    proposed = sorted((attempt, site.keys.operator_id) for site in sites for attempt in list_attempts(site))
    expected = [(attempt, scene.chain.get_performer(task, attempt).operator_id) for attempt in range(3)]
    assert [one for one in proposed if one[0] < task.max_attempts] == expected


async def test_perform__before_the_seed_is_deep_enough__proposes_nothing(scene: Scene) -> None:
    task = await scene.open_task()
    sites = [scene.open_site(keys) for keys in KEYS]
    for site in sites:
        scene.start(site.performer.perform(task.task_id))
    await scene.driver.mine_to(task.seed_block + CONFIRMATIONS - 1)
    assert sum(len(site.producer.records) for site in sites) == 0
    await scene.driver.mine()
    await until(lambda: sum(len(site.producer.records) for site in sites) == 1)


async def test_perform__attempt_is_rejected__next_performer_proposes_at_once(scene: Scene) -> None:
    task, site = await scene.open_attempt(attempt=1)
    scene.start(site.performer.perform(task.task_id))
    await let_others_run()
    assert list_attempts(site) == []

    scene.chain.mine()
    scene.chain.reject_attempt(task.task_id)
    await scene.driver.settle()
    await until(lambda: len(site.producer.records) == 1)
    assert list_attempts(site) == [1]
    assert scene.chain.head < attempt_end(task, Attempt(0))


async def test_perform__every_attempt_is_rejected__proposes_in_its_next_attempt(scene: Scene) -> None:
    task, site = await scene.open_attempt(max_attempts=6)
    scene.start(site.performer.perform(task.task_id))
    await until(lambda: len(site.producer.records) == 1)
    for _ in KEYS:
        scene.chain.mine()
        scene.chain.reject_attempt(task.task_id)
        await scene.driver.settle()
    await until(lambda: len(site.producer.records) == 2)
    assert list_attempts(site) == [0, 3]


async def test_perform__restarted__proposes_the_same_bytes_again(scene: Scene) -> None:
    task = await scene.open_task()
    await scene.mine_to_seed(task)
    sites = [scene.find_site(task) for _ in range(2)]
    for site in sites:
        running = scene.start(site.performer.perform(task.task_id))
        await until(lambda site=site: len(site.producer.records) == 1)  # type: ignore[misc]
        running.cancel()
    assert sites[0].producer.records == sites[1].producer.records


async def test_perform__seed_block_is_reorganised__proposes_again_for_the_new_seed(scene: Scene) -> None:
    task = await scene.open_task()
    sites = [scene.open_site(keys) for keys in KEYS]
    for site in sites:
        scene.start(site.performer.perform(task.task_id))
    await scene.mine_to_seed(task)
    before = scene.chain.get_input_hash(task)
    await until(lambda: sum(len(site.producer.records) for site in sites) == 1)

    await scene.driver.reorganise(CONFIRMATIONS + 1, mined=CONFIRMATIONS + 2)
    after = scene.chain.get_input_hash(task)
    assert after != before
    await until(lambda: sum(len(site.producer.records) for site in sites) == 2)
    hashes = {proposal.evaluation.input_hash for site in sites for proposal in list_proposals(site)}
    assert hashes == {before, after}


async def test_perform__opening_block_is_reorganised_while_it_waits__proposes_for_the_new_input(scene: Scene) -> None:
    """Another branch may open the same task with another champion; the task read before the wait is then outdated."""
    task = await scene.open_task()
    sites = [scene.open_site(keys) for keys in KEYS]
    for site in sites:
        scene.start(site.performer.perform(task.task_id))
    await let_others_run()
    champion = await scene.files.add(make_model(100_000))
    task_input = replace(task.input, champion_cid=champion)
    task = scene.chain.put_task(replace(task, input=task_input, input_root=input_root(task_input)))
    await scene.driver.mine_to(attempt_end(task, Attempt(0)))

    expected = scene.chain.get_input_hash(task)
    assert expected in {proposal.evaluation.input_hash for site in sites for proposal in list_proposals(site)}


async def test_perform__task_comes_twice__is_followed_once(scene: Scene) -> None:
    task, site = await scene.open_attempt()
    scene.start(site.performer.perform(task.task_id))
    await until(lambda: len(site.producer.records) == 1)
    await within(site.performer.perform(task.task_id))  # returns at once
    await scene.driver.mine()
    assert len(site.producer.records) == 1


# ---- what pays too little


@pytest.mark.parametrize(("token", "floor"), [(COIN, FEE), (COIN, FEE - 1), (COIN, 0), (TOKEN, FEE), (TOKEN, 0)])
async def test_perform__fee_is_not_below_the_floor__proposes(scene: Scene, token: Address, floor: int) -> None:
    scene.pay(token, FEE)
    task = await scene.open_task()
    await scene.mine_to_seed(task)
    site = scene.find_site(task, floors=FeeFloors({token: Wei(floor)}))
    scene.start(site.performer.perform(task.task_id))
    await scene.driver.mine()
    assert list_attempts(site) == [0]
    assert count(site.metrics, "failures_total", reason="low_fee") == 0


@pytest.mark.parametrize("token", [COIN, TOKEN], ids=["coin", "token"])
async def test_perform__fee_is_below_the_floor__attempt_is_left_out_and_noted_once(
    scene: Scene, token: Address
) -> None:
    scene.pay(token, FEE)
    task = await scene.open_task()
    await scene.mine_to_seed(task)
    site = scene.find_site(task, floors=FeeFloors({token: Wei(FEE + 1)}))
    scene.start(site.performer.perform(task.task_id))
    await scene.driver.mine_to(attempt_end(task, Attempt(0)))
    assert site.producer.records == []
    assert not any(is_pinned(site.node, cid) for cid in list_inputs(task))
    assert count(site.metrics, "failures_total", reason="low_fee") == 1


async def test_perform__floor_of_another_token__does_not_count(scene: Scene) -> None:
    scene.pay(TOKEN, FEE)
    task = await scene.open_task()
    await scene.mine_to_seed(task)
    site = scene.find_site(task, floors=FeeFloors({COIN: Wei(FEE + 1)}))
    scene.start(site.performer.perform(task.task_id))
    await scene.driver.mine()
    assert list_attempts(site) == [0]


async def test_perform__first_performer_leaves_its_attempt_out__the_next_one_proposes(scene: Scene) -> None:
    scene.pay(COIN, FEE)
    task = await scene.open_task()
    await scene.mine_to_seed(task)
    first, second = scene.find_site(task, floors=FeeFloors({COIN: Wei(FEE + 1)})), scene.find_site(task, attempt=1)
    for site in (first, second):
        scene.start(site.performer.perform(task.task_id))
    await scene.driver.mine_to(attempt_begin(task, Attempt(1)) + 1)
    assert (list_attempts(first), list_attempts(second)) == ([], [1])


# ---- when it stops


@pytest.mark.parametrize("status", [TaskStatus.SETTLED, TaskStatus.EXPIRED])
async def test_perform__task_becomes_final__ends(scene: Scene, status: TaskStatus) -> None:
    task = await scene.open_task()
    site = scene.open_site(KEYS[0])
    following = scene.start(site.performer.perform(task.task_id))
    await scene.mine_to_seed(task)
    scene.chain.close_task(task.task_id, status)
    await scene.driver.mine()
    await within(following)
    assert count(site.metrics, "followed_tasks") == 0


async def test_perform__deadline_passes__ends(scene: Scene) -> None:
    task = await scene.open_task()
    following = scene.start(scene.open_site(KEYS[0]).performer.perform(task.task_id))
    await scene.driver.mine_to(task.deadline - 1)
    assert not following.done()
    await scene.driver.mine()
    await within(following)


async def test_perform__task_is_unknown__raises_retry(scene: Scene) -> None:
    """Our node may be behind the indexer's node: the record is put back, and dead-lettered in the end."""
    site = scene.open_site(KEYS[0])
    with pytest.raises(Retry) as caught:
        await within(site.performer.perform(TaskId(b"\x77" * 32)))
    assert caught.value.reason is Reason.UNKNOWN_TASK
    assert count(site.metrics, "followed_tasks") == 0


async def test_perform__task_is_reorganised_away__raises_retry_with_the_reason(scene: Scene) -> None:
    task = await scene.open_task()
    site = scene.open_site(KEYS[0])
    following = scene.start(site.performer.perform(task.task_id))
    await scene.mine_to_seed(task)
    scene.chain.remove_task(task.task_id)
    await scene.driver.mine()
    with pytest.raises(Retry) as caught:
        await within(following)
    assert caught.value.reason is Reason.UNKNOWN_TASK


async def test_perform__node_becomes_unreachable__raises_retry_and_the_task_can_be_followed_again(scene: Scene) -> None:
    task, site = await scene.open_attempt()
    scene.chain.is_reachable = False
    with pytest.raises(Retry):
        await within(site.performer.perform(task.task_id))
    scene.chain.is_reachable = True
    scene.start(site.performer.perform(task.task_id))
    await until(lambda: len(site.producer.records) == 1)


async def test_perform__bus_becomes_unreachable__raises_retry_and_the_proposal_is_sent_later(scene: Scene) -> None:
    task, site = await scene.open_attempt()
    site.producer.is_reachable = False
    with pytest.raises(Retry) as caught:
        await within(site.performer.perform(task.task_id))
    assert caught.value.reason is Reason.BUS_UNREACHABLE
    site.producer.is_reachable = True
    scene.start(site.performer.perform(task.task_id))
    await until(lambda: len(site.producer.records) == 1)


# ---- what cannot be fetched


async def test_perform__store_is_unreachable__tries_again_each_block(scene: Scene) -> None:
    task, site = await scene.open_attempt()
    scene.artefacts.is_reachable = False
    scene.start(site.performer.perform(task.task_id))
    await let_others_run()
    await scene.driver.mine(2)
    assert count(site.metrics, "failures_total", reason="unavailable") == 3
    scene.artefacts.is_reachable = True
    await scene.driver.mine()
    await until(lambda: len(site.producer.records) == 1)
    assert list_proposals(site)[0].evaluation.code is Code.VALID


async def test_perform__evaluator_is_busy__comes_back_in_the_same_block(scene: Scene) -> None:
    task, site = await scene.open_attempt()
    scene.evaluator.busy = 2
    scene.start(site.performer.perform(task.task_id))
    await until(lambda: len(site.producer.records) == 1)
    assert scene.artefacts.fetched.count(task.input.champion_cid) == 1


async def test_perform__evaluator_stays_busy__leaves_the_attempt_when_it_ends(scene: Scene) -> None:
    task, site = await scene.open_attempt()
    scene.evaluator.busy = 10**9
    scene.start(site.performer.perform(task.task_id))
    await scene.driver.mine_to(attempt_end(task, Attempt(0)))
    assert count(site.metrics, "failures_total", reason="out_of_time") == 0
    await scene.driver.mine()
    await until(lambda: count(site.metrics, "failures_total", reason="out_of_time") == 1)
    assert list_attempts(site) == []


async def test_perform__challenger_stays_unavailable__proposes_unavailable_from_the_middle_on(scene: Scene) -> None:
    task, site = await scene.open_attempt(attempt_blocks=20)
    scene.artefacts.missing.add(task.input.challenger_cid)
    scene.start(site.performer.perform(task.task_id))
    middle = (attempt_begin(task, Attempt(0)) + attempt_end(task, Attempt(0)) + 1) // 2
    await scene.driver.mine_to(middle - 1)
    assert list_attempts(site) == []
    await scene.driver.mine()
    await until(lambda: len(site.producer.records) == 1)
    assert list_proposals(site)[0].evaluation.code is Code.UNAVAILABLE


async def test_perform__challenger_unavailable_at_the_start_of_a_later_attempt__is_waited_for_too(scene: Scene) -> None:
    task, site = await scene.open_attempt(attempt_blocks=20, attempt=1)
    scene.artefacts.missing.add(task.input.challenger_cid)
    scene.start(site.performer.perform(task.task_id))
    await scene.driver.mine_to(attempt_begin(task, Attempt(1)) + 3)
    assert list_attempts(site) == []
    scene.artefacts.missing.clear()
    await scene.driver.mine()
    await until(lambda: len(site.producer.records) == 1)
    assert list_proposals(site)[0].evaluation.code is Code.VALID


async def test_perform__champion_stays_unavailable__proposes_nothing(scene: Scene) -> None:
    task, site = await scene.open_attempt()
    scene.artefacts.missing.add(task.input.champion_cid)
    following = scene.start(site.performer.perform(task.task_id))
    await scene.driver.mine_to(task.deadline + 1)
    await within(following)
    assert site.producer.records == []


async def test_perform__challenger_vanishes_before_it_is_pinned__is_not_proposed(scene: Scene) -> None:
    """A contributor must not serve only the performer: what the performer cannot serve, others cannot check."""
    task, site = await scene.open_attempt(attempt_blocks=20)
    scene.evaluator.on_evaluated = lambda: scene.artefacts.missing.add(task.input.challenger_cid)
    scene.start(site.performer.perform(task.task_id))
    await let_others_run()
    assert site.producer.records == []
    assert count(site.metrics, "failures_total", reason="unavailable") == 1


async def test_perform__wrong_owner_artefact__is_proposed_even_if_it_cannot_be_pinned(scene: Scene) -> None:
    task = await scene.open_task()
    task_input = replace(task.input, evaluator_cid=Cid("bafkno-such-thing"))
    task = scene.chain.put_task(replace(task, input=task_input, input_root=input_root(task_input)))
    await scene.mine_to_seed(task)
    site = scene.find_site(task)
    scene.start(site.performer.perform(task.task_id))
    await let_others_run()
    assert count(site.metrics, "evaluations_total", code="EVALUATOR_FAILED", reason="bad_cid") == 1


# ---- chain events


async def test_on_chain_event__task_opened__follows_it_and_returns_nothing(scene: Scene) -> None:
    task, site = await scene.open_attempt()
    handling = scene.start(site.performer.on_chain_event(deliver(event_of(opening_of(task)))))
    await until(lambda: len(site.producer.records) == 1)
    scene.chain.close_task(task.task_id)
    await scene.driver.mine()
    assert await within(handling) == ()


@pytest.mark.parametrize(
    "fact",
    [
        SubmissionRevealed(ProjectId(9), SubmissionIndex(1), "bafk"),
        SubmissionReopened(ProjectId(9), SubmissionIndex(1)),
        SubmissionSettled(
            ProjectId(9), SubmissionIndex(1), TaskId(ZERO32), Outcome.WORSE, Micro(0), Micro(0), Micro(0)
        ),
    ],
    ids=lambda fact: type(fact).__name__,
)
async def test_on_chain_event__project_moved__pokes_the_keeper(scene: Scene, fact: Fact) -> None:
    site = scene.open_site(KEYS[0])
    assert await within(site.performer.on_chain_event(deliver(event_of(fact)))) == ()
    assert site.poked == [ProjectId(9)]


async def test_on_chain_event__irrelevant_fact__does_nothing(scene: Scene) -> None:
    site = scene.open_site(KEYS[0])
    assert await within(site.performer.on_chain_event(deliver(event_of(ProjectClosed(ProjectId(9)))))) == ()
    assert site.poked == []


async def test_on_chain_event__opening_retracted__is_counted_with_its_reason(scene: Scene) -> None:
    task = await scene.open_task()
    site = scene.open_site(KEYS[0])
    record = event_of(opening_of(task), is_retracted=True)
    assert await within(site.performer.on_chain_event(deliver(record))) == ()
    assert count(site.metrics, "failures_total", reason="retracted") == 1


async def test_on_chain_event__malformed__is_refused(scene: Scene) -> None:
    record = replace(event_of(ProjectClosed(ProjectId(9))), value=b"\xff\xff")
    with pytest.raises(Invalid):
        await within(scene.open_site(KEYS[0]).performer.on_chain_event(deliver(record)))


# ---- sweep


async def test_sweep__no_record_on_the_bus__open_tasks_are_found_and_performed(scene: Scene) -> None:
    _, site = await scene.open_attempt()
    scene.start(site.performer.sweep(asyncio.Event(), every_seconds=0))
    await until(lambda: len(site.producer.records) == 1)


async def test_sweep__task_is_followed_already__is_not_followed_twice(scene: Scene) -> None:
    task, site = await scene.open_attempt()
    scene.start(site.performer.perform(task.task_id))
    scene.start(site.performer.sweep(asyncio.Event(), every_seconds=0))
    await until(lambda: len(site.producer.records) == 1)
    await scene.driver.mine(3)
    assert len(site.producer.records) == 1


async def test_sweep__task_came_from_the_sweep__bus_record_is_done_at_once(scene: Scene) -> None:
    task, site = await scene.open_attempt()
    scene.start(site.performer.sweep(asyncio.Event(), every_seconds=0))
    await until(lambda: len(site.producer.records) == 1)
    assert await within(site.performer.on_chain_event(deliver(event_of(opening_of(task))))) == ()
    assert len(site.producer.records) == 1


async def test_sweep__node_is_unreachable__continues_when_it_is_reachable_again(scene: Scene) -> None:
    _, site = await scene.open_attempt()
    scene.chain.is_reachable = False
    scene.start(site.performer.sweep(asyncio.Event(), every_seconds=0))
    await until(lambda: count(site.metrics, "failures_total", reason="rpc_unreachable") >= 2)
    scene.chain.is_reachable = True
    await until(lambda: len(site.producer.records) == 1)


async def test_sweep__one_task_cannot_be_read__others_are_performed(scene: Scene) -> None:
    tasks = [await scene.open_task(number=number) for number in (1, 2)]
    await scene.mine_to_seed(tasks[1])
    site = scene.find_site(tasks[1])
    scene.chain.unreadable.add(tasks[0].task_id)
    scene.start(site.performer.sweep(asyncio.Event(), every_seconds=0))
    await until(lambda: tasks[1].task_id in {record.key for record in site.producer.records})
    assert count(site.metrics, "failures_total", reason="rpc_error") > 0


async def test_sweep__stop__ends_and_cancels_what_it_started(scene: Scene) -> None:
    await scene.open_task()
    site, stop = scene.open_site(KEYS[0]), asyncio.Event()
    sweeping = scene.start(site.performer.sweep(stop, every_seconds=0))
    await until(lambda: count(site.metrics, "followed_tasks") == 1)
    stop.set()
    await within(sweeping)
    assert count(site.metrics, "followed_tasks") == 0


async def test_sweep__bug_in_a_task__reaches_the_service(scene: Scene) -> None:
    class BrokenError(Exception):
        pass

    def fail() -> None:
        raise BrokenError

    _, site = await scene.open_attempt()
    scene.evaluator.on_evaluated = fail
    with pytest.raises(BrokenError):
        await within(site.performer.sweep(asyncio.Event(), every_seconds=0))


async def test_sweep__more_tasks_than_the_bound__follows_that_many_and_the_rest_later(scene: Scene) -> None:
    """Also when the bus brings more tasks: each followed task uses memory, and strangers decide how many they open."""
    first = await scene.open_task()
    tasks = [
        scene.chain.put_task(replace(first, task_id=TaskId(number.to_bytes(32, "big"))))
        for number in range(1, MAX_FOLLOWED_TASKS + 40)
    ]
    site = scene.open_site(KEYS[0])
    scene.start(site.performer.sweep(asyncio.Event(), every_seconds=0))
    for task in reversed(tasks[-30:]):
        scene.start(site.performer.on_chain_event(deliver(event_of(opening_of(task)))))
    await until(lambda: count(site.metrics, "followed_tasks") >= MAX_FOLLOWED_TASKS)
    await let_others_run()
    assert count(site.metrics, "followed_tasks") == MAX_FOLLOWED_TASKS
