"""Faust's recovery must not skip records: faust-streaming #596, and our guard against it.

After a table is recovered, Faust resumes the source partitions and only then seeks them. If its reader is in the middle
of a batch at that time, it continues after the seek and moves its mark past records that are then cleared from the
queue. They are fetched again, but they lie below the mark and are dropped. The test causes exactly this: the seek waits
until the queue is full and the reader waits to fill it, or until the flow is seen to be held. Chance plays no part.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from faust.tables.recovery import Recovery

from services.aggregator.fold_loop import FoldPorts
from services.aggregator.stream import BUFFERED_RECORDS, FaustFold
from tests.kit.aggregation.signed import sign_attestation
from tests.kit.aggregation.sites import RunFold, Site, build_faust_fold, open_site, running, wipe
from tests.kit.aggregation.votes import build_proposal, vote_on
from tests.kit.waiting import until
from zarathustra.bus.kafka import KafkaProducer
from zarathustra.bus.records import Delivery, Record
from zarathustra.core.aggregation.changes import Change
from zarathustra.core.messages import Message
from zarathustra.core.types import TaskId
from zarathustra.duty.blocks import BlockClock

pytestmark = pytest.mark.bus
pytest_plugins = ["tests.kit.bus.kafka_fixture"]

TASKS = 12  # some on each partition
RECORDS = 4 * BUFFERED_RECORDS
LAST = b"last"


@dataclass
class Witness:
    """An intake that keeps what it saw and gives each task a state, so that there is something to recover."""

    site: Site
    seen: list[bytes] = field(default_factory=list)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def intake(self, delivery: Delivery) -> Sequence[Change]:
        await self.may_go_on.wait()
        self.seen.append(delivery.record.value)
        return [await self.site.read_task(TaskId(delivery.record.key))]


@pytest.fixture
async def site(kafka_bootstrap: str, tmp_path: Path) -> Site:
    return await open_site(kafka_bootstrap, tmp_path / "aggregator")


async def send(site: Site, values: Sequence[bytes], keys: Sequence[TaskId]) -> None:
    records = [Record(site.attestations, keys[i % len(keys)], value) for i, value in enumerate(values)]
    async with KafkaProducer(site.bootstrap_servers, client_id="test") as producer:
        await producer.send(records)


def hold_seek(fold: FaustFold, witness: Witness) -> None:
    """Make the seek of this fold's consumer wait until the race is lost or can no longer be lost."""
    consumer = fold.app.consumer
    seek = consumer.perform_seek

    async def perform_seek() -> None:
        await until(lambda: not consumer.flow_active or is_full(fold))
        await seek()
        witness.may_go_on.set()

    consumer.perform_seek = perform_seek  # type: ignore[method-assign]  # of this object only


def is_full(fold: FaustFold) -> bool:
    """Return whether the agent's queue is full, so that the reader waits in the middle of a batch."""
    actors = [actor for agent in fold.app.agents.values() for actor in agent._actors]
    return bool(actors) and all(actor.stream.channel.queue.full() for actor in actors)


async def recover(site: Site, *, is_guarded: bool) -> set[bytes]:
    """Return what a fold sees of RECORDS records after it lost its disk."""
    keys = [site.open_task(number).task_id for number in range(TASKS)]
    before, after = Witness(site), Witness(site)

    async def run(
        site: Site, ports: FoldPorts, clock: BlockClock, stop: asyncio.Event, *, witness: Witness, holds: bool
    ) -> None:
        fold = build_faust_fold(site, replace(ports, intake=witness.intake))
        if holds:
            hold_seek(fold, witness)
        else:
            witness.may_go_on.set()
        if not is_guarded:
            tables = fold.app.tables
            tables._recovery = Recovery(fold.app, tables, beacon=tables.beacon, loop=tables.loop)
        await fold.run(clock, stop)

    async with running(site, lambda *args: run(*args, witness=before, holds=False)):
        await send(site, [b"first-%d" % number for number in range(TASKS)], keys)
        await until(lambda: len(set(before.seen)) == TASKS)
    wipe(site)
    await send(site, [b"%d" % number for number in range(RECORDS)], keys)
    async with running(site, lambda *args: run(*args, witness=after, holds=True)):
        await until(lambda: len(after.seen) > 0)
        await send(site, [LAST] * TASKS, keys)
        await until(lambda: after.seen.count(LAST) >= TASKS)
    return set(after.seen)


async def test_recovery__records_arrive_between_resume_and_seek__none_is_skipped(site: Site) -> None:
    assert await recover(site, is_guarded=True) >= {b"%d" % number for number in range(RECORDS)}


async def test_recovery__without_the_guard__faust_still_skips_records(site: Site) -> None:
    """If this test fails, Faust has fixed the fault and the guard can be removed."""
    missing = {b"%d" % number for number in range(RECORDS)} - await recover(site, is_guarded=False)
    assert missing


async def live_until_failure(site: Site, run: RunFold, message: Message) -> None:
    async with running(site, run):
        await site.send(message)
        await asyncio.get_running_loop().create_future()


async def test_fold__fails_on_a_record__record_comes_again_after_the_restart(site: Site) -> None:
    """Faust acknowledges a record on which its agent failed; our fold must not."""
    proposal = build_proposal(site.open_task("a"))
    witness = Witness(site)

    async def break_down(delivery: Delivery) -> Sequence[Change]:
        raise ZeroDivisionError

    async def run(site: Site, ports: FoldPorts, clock: BlockClock, stop: asyncio.Event) -> None:
        await build_faust_fold(site, replace(ports, intake=break_down)).run(clock, stop)

    witness.may_go_on.set()

    async def run_again(site: Site, ports: FoldPorts, clock: BlockClock, stop: asyncio.Event) -> None:
        await build_faust_fold(site, replace(ports, intake=witness.intake)).run(clock, stop)

    vote = sign_attestation(vote_on(proposal), 0)
    with pytest.raises(ExceptionGroup) as caught:
        await live_until_failure(site, run, vote)
    assert caught.group_contains(ZeroDivisionError)

    async with running(site, run_again):
        await until(lambda: len(witness.seen) == 1)
