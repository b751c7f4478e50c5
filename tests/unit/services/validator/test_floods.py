"""The validator behind its loop while others send far more than they should: the honest proposal gets its vote."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from services.validator.admission import MAX_REPEATS
from tests.kit.clock import FakeClock
from tests.kit.signing.operators import OperatorKeys
from tests.kit.validator import KEYS, STRANGER, Scene, Site, open_scene, seal
from tests.kit.waiting import until
from zarathustra.bus.memory import MemoryBroker
from zarathustra.bus.records import Partition, Record
from zarathustra.core.messages import AttestationSigned
from zarathustra.core.task import Task, attempt_end
from zarathustra.core.types import Attempt, Cid, Evaluation, Micro, TaskId, Topic
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.handling import Clock
from zarathustra.runtime.map_loop.letters import MAX_PER_SENDER
from zarathustra.runtime.map_loop.loop import MapLoop
from zarathustra.runtime.map_loop.routes import Route, list_topics, no_lane
from zarathustra.wire.codec import decode

pytestmark = pytest.mark.unit

GROUP = "validator.aa"
RETRY, DEAD = f"{GROUP}.retry.v1", f"{GROUP}.dlq.v1"
FLOOD = 200  # records in one block
SETTINGS = MapLoopSettings(group=GROUP, fetch_timeout_s=0.005, drain_grace_s=0.2)


@dataclass
class Line:
    """A validator's loop on a broker in memory."""

    scene: Scene
    site: Site
    broker: MemoryBroker
    clock: FakeClock

    @property
    def votes(self) -> list[AttestationSigned]:
        records = [delivery.record for delivery in self.broker.get_deliveries(Topic.ATTESTATIONS)]
        messages = [decode(one.headers["type"].decode(), one.value) for one in records]
        return [message for message in messages if isinstance(message, AttestationSigned)]

    def count(self, topic: str) -> int:
        return len(self.broker.get_deliveries(topic))

    async def handle_all(self) -> None:
        """Wait until every record so far is handled or put back."""
        source, end = Partition(Topic.EVALUATIONS, 0), self.count(Topic.EVALUATIONS)
        await until(lambda: self.broker.get_committed(GROUP).get(source) == end)


@asynccontextmanager
async def open_line(directory: Path) -> AsyncIterator[Line]:
    broker = MemoryBroker()
    for name in (Topic.EVALUATIONS, Topic.ATTESTATIONS, RETRY, DEAD):
        broker.create_topic(name, partitions=1)
    async with open_scene(directory) as scene:
        line = Line(scene, scene.open_site(), broker, FakeClock())
        route = Route(line.site.validator.on_evaluation, no_lane, has_foreign_writers=True)
        stop = asyncio.Event()
        async with broker.consumer(group=GROUP, topics=list_topics([Topic.EVALUATIONS], GROUP)) as consumer:
            loop = MapLoop(
                consumer,
                broker.producer(),
                {Topic.EVALUATIONS: route},
                SETTINGS,
                clock=Clock(line.clock.now_ms, line.clock.sleep),
                random=Random(1),
            )
            running = asyncio.create_task(loop.run(stop))
            yield line
            stop.set()
            await running


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with open_line(tmp_path) as opened:
        yield opened


Forge = Callable[[Evaluation, Cid, int], Record]


def another_operator(evaluation: Evaluation) -> OperatorKeys:
    return next(keys for keys in KEYS if keys.operator_id != evaluation.performer)


def forge_early(evaluation: Evaluation, report: Cid, number: int) -> Record:
    """A record of the next attempt by an operator that does not perform it."""
    villain = another_operator(evaluation)
    changes = {"attempt": Attempt(1), "performer": villain.operator_id, "gain_lower_bound": Micro(number)}
    return seal(replace(evaluation, **changes), report)


def forge_unknown_task(evaluation: Evaluation, report: Cid, number: int) -> Record:
    villain = another_operator(evaluation)
    task_id = TaskId(number.to_bytes(32, "big"))
    return seal(replace(evaluation, task_id=task_id, performer=villain.operator_id), report)


def forge_as_stranger(evaluation: Evaluation, report: Cid, number: int) -> Record:
    return seal(replace(evaluation, performer=STRANGER.operator_id, gain_lower_bound=Micro(number)), report)


def forge_own_attempt(evaluation: Evaluation, report: Cid, number: int) -> Record:
    """Another evaluation by the attempt's own performer."""
    return seal(replace(evaluation, gain_lower_bound=Micro(number)), report)


@pytest.mark.parametrize("forge", [forge_early, forge_unknown_task, forge_as_stranger])
async def test_flood__hundreds_of_false_records_a_block__honest_proposal_is_voted_on_at_once(
    line: Line, forge: Forge
) -> None:
    task = await line.scene.open_task()
    honest, report = await line.scene.evaluate(task)
    records = [forge(honest, report, number) for number in range(FLOOD)]
    for block in range(3):
        for record in records:
            line.broker.append(record)
        if block == 1:
            line.broker.append(seal(honest, report))
        await line.handle_all()
        if block == 1:
            assert [vote.approved for vote in line.votes] == [True]
        await line.scene.driver.mine()
    assert line.scene.chain.head <= attempt_end(task, Attempt(0))
    # What the flood leaves is bounded: dead letters per sender and minute, put-back records per sender and block.
    assert line.count(DEAD) <= 2 * MAX_PER_SENDER
    assert line.count(RETRY) < FLOOD


async def test_flood__performer_proposes_hundreds_of_times__is_evaluated_once(line: Line) -> None:
    task = await line.scene.open_task()
    honest, report = await line.scene.evaluate(task)
    line.broker.append(seal(honest, report))
    for number in range(1, FLOOD):
        line.broker.append(forge_own_attempt(honest, report, number))
    await line.handle_all()
    assert [vote.approved for vote in line.votes] == [True]
    assert len(line.site.evaluator.requests) == 1


async def test_flood__one_proposal_hundreds_of_times__is_evaluated_once_and_answered_a_few_times(line: Line) -> None:
    task = await line.scene.open_task()
    record = await line.scene.propose(task)
    for _ in range(FLOOD):
        line.broker.append(record)
    await line.handle_all()
    assert 1 <= len(line.votes) <= 1 + MAX_REPEATS
    assert len(set(line.votes)) == 1
    assert len(line.site.evaluator.requests) == 1
    assert line.count(DEAD) == 0


async def test_flood__strangers__cost_no_read_of_a_task(line: Line) -> None:
    task = await line.scene.open_task()
    honest, report = await line.scene.evaluate(task)
    reads = line.scene.chain.task_reads
    for number in range(FLOOD):
        line.broker.append(forge_as_stranger(honest, report, number))
    await line.handle_all()
    assert line.scene.chain.task_reads == reads


async def test_flood__one_task__is_read_once_a_block(line: Line) -> None:
    task: Task = await line.scene.open_task()
    honest, report = await line.scene.evaluate(task)
    reads = line.scene.chain.task_reads
    for number in range(FLOOD):
        line.broker.append(forge_early(honest, report, number))
    await line.handle_all()
    assert line.scene.chain.task_reads == reads + 1


async def test_early__our_node_is_behind__is_put_back_and_voted_on_later(line: Line) -> None:
    task = await line.scene.open_task()
    next_attempt = await line.scene.propose(task, attempt=1)
    line.broker.append(next_attempt)
    await line.handle_all()
    assert line.votes == []
    await line.scene.driver.mine_to(attempt_end(task, Attempt(0)) + 1)

    def is_voted_on() -> bool:
        line.clock.advance(1_000)
        return [vote.attempt for vote in line.votes] == [1]

    await until(is_voted_on)
