"""No acknowledged record is lost when a broker or a consumer is killed or partitions move during long work."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from devnet.kafka import KafkaBroker
from devnet.ports import find_free_port
from tests.kit.bus.buses import unique_name
from tests.kit.bus.records import fetching, numbered, read, values
from tests.kit.waiting import until
from zarathustra.bus.kafka import KafkaConsumer, KafkaProducer, create_topics, fetch_broker_count
from zarathustra.bus.records import Delivery, Header, Partition, Record
from zarathustra.bus.topics import Profile, group_topics, load_catalogue
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.handling import Clock
from zarathustra.runtime.map_loop.loop import MapLoop
from zarathustra.runtime.map_loop.observer import SilentObserver
from zarathustra.runtime.map_loop.routes import Handler, list_topics

pytestmark = pytest.mark.bus
pytest_plugins = ["tests.kit.bus.kafka_fixture"]

KEYS = [f"task-{i}" for i in range(64)]
SESSION_TIMEOUT_MS = 3_000


@pytest.fixture
async def own_broker(tmp_path: Path) -> AsyncIterator[KafkaBroker]:
    """A broker that the test may kill."""
    broker = KafkaBroker(tmp_path)
    await broker.start()
    yield broker
    await broker.stop()


async def create(bootstrap_servers: str, group: str = "", *names: str) -> None:
    catalogue = load_catalogue()
    topics = tuple(replace(catalogue.topics[0], name=name) for name in names)
    await create_topics(
        bootstrap_servers,
        profile=Profile.TEST,
        groups=[group] if group else [],
        catalogue=replace(catalogue, topics=topics),
    )


async def create_filled(bootstrap_servers: str, count: int) -> tuple[str, str, str]:
    """Create a source topic with `count` records and an empty topic; return their names and that of a group."""
    source, out, group = unique_name("in"), unique_name("out"), unique_name("group")
    await create(bootstrap_servers, group, source, out)
    async with KafkaProducer(bootstrap_servers, client_id="p") as producer:
        await producer.send(numbered(source, KEYS, count))
    return source, out, group


async def read_everything(bootstrap_servers: str, topic: str, enough: set[int]) -> list[int]:
    """Read from the start until all of `enough` are there; records after them may be missing."""
    found: list[int] = []
    async with KafkaConsumer(bootstrap_servers, group=unique_name("audit"), topics=[topic]) as consumer:
        async with asyncio.timeout(60):
            while not enough <= set(found):
                found += values(await consumer.fetch(max_records=5_000, timeout_s=0.2))
    return found


class Worker:
    """A map loop on Kafka in this process. By default its handler waits for `gate`, then copies to `out`."""

    def __init__(
        self, bootstrap_servers: str, group: str, source: str, out: str, handle: Handler | None = None
    ) -> None:
        self.begun: list[int] = []
        self.cancelled: list[int] = []
        self.gate = asyncio.Event()
        self.consumer = KafkaConsumer(
            bootstrap_servers,
            group=group,
            topics=list_topics([source], group),
            session_timeout_ms=SESSION_TIMEOUT_MS,
        )
        self._producer = KafkaProducer(bootstrap_servers, client_id="worker")
        self._source = source
        self._handle = handle or self._copy
        self._out = out
        self._settings = MapLoopSettings(group=group, revoke_grace_s=0.2, first_delay_ms=100)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Worker"]:
        stop = asyncio.Event()
        async with self._producer, self.consumer, asyncio.TaskGroup() as tasks:
            loop = MapLoop(
                self.consumer,
                self._producer,
                {self._source: self._handle},
                self._settings,
                clock=Clock(lambda: time.time_ns() // 1_000_000, asyncio.sleep),
                random=Random(1),
                observer=SilentObserver(),
            )
            tasks.create_task(loop.run(stop))
            yield self
            stop.set()

    async def _copy(self, delivery: Delivery) -> Sequence[Record]:
        number = int(delivery.record.value)
        self.begun.append(number)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        return [Record(self._out, delivery.record.key, delivery.record.value)]


async def test_broker__killed_while_producing__keeps_every_acknowledged_record(own_broker: KafkaBroker) -> None:
    total, batch = 20_000, 200
    topic = unique_name("topic")
    await create(own_broker.bootstrap_servers, "", topic)
    records = numbered(topic, KEYS, total)
    acknowledged: set[int] = set()

    async def produce() -> None:
        async with KafkaProducer(own_broker.bootstrap_servers, client_id="producer") as producer:
            for start in range(0, total, batch):
                chunk = records[start : start + batch]
                while True:
                    try:
                        await producer.send(chunk)
                        break
                    except Retry:
                        continue
                acknowledged.update(int(record.value) for record in chunk)

    producing = asyncio.create_task(produce())
    await until(lambda: len(acknowledged) >= total // 4)
    await own_broker.kill()
    survivors = set(acknowledged)
    assert len(survivors) < total
    await own_broker.start()
    async with asyncio.timeout(120):
        await producing

    found = await read_everything(own_broker.bootstrap_servers, topic, acknowledged)
    assert survivors <= set(found)
    assert set(found) == set(range(total))


async def test_broker__restarted_under_a_running_loop__loop_goes_on(own_broker: KafkaBroker) -> None:
    source, out, group = unique_name("in"), unique_name("out"), unique_name("group")
    await create(own_broker.bootstrap_servers, group, source, out)
    worker = Worker(own_broker.bootstrap_servers, group, source, out)

    async with worker.running():
        async with KafkaProducer(own_broker.bootstrap_servers, client_id="p") as producer:
            await producer.send(numbered(source, KEYS, 100))
        await until(lambda: len(set(worker.begun)) >= 64)
        await own_broker.kill()
        worker.gate.set()  # the results now go to a broker that is down
        await own_broker.start()
        found = await read_everything(own_broker.bootstrap_servers, out, set(range(100)))

    assert set(found) == set(range(100))


async def test_consumer__process_killed_during_work__next_one_resumes(kafka_bootstrap: str) -> None:
    total = 2_000
    source, out, group = await create_filled(kafka_bootstrap, total)

    command = [sys.executable, "-m", "tests.kit.bus.kafka_worker", kafka_bootstrap, group, source, out]
    audit = KafkaConsumer(kafka_bootstrap, group=unique_name("audit"), topics=[out])
    async with audit, fetching(audit) as copies:
        first = await asyncio.create_subprocess_exec(*command)
        await until(lambda: len(copies) >= total // 10)
        first.kill()
        await first.wait()
        seen_by_first = len(copies)

        second = await asyncio.create_subprocess_exec(*command)
        await until(lambda: len(set(values(copies))) == total)
        second.terminate()
        await second.wait()

    assert seen_by_first < total
    assert set(values(copies)) == set(range(total))
    # It resumed after the committed prefix and did not start over: 16 records and one fetch were in flight.
    assert len(copies) - total <= 200


async def test_group__member_joins_during_long_work__nothing_is_lost(kafka_bootstrap: str) -> None:
    total = 120
    source, out, group = await create_filled(kafka_bootstrap, total)

    first = Worker(kafka_bootstrap, group, source, out)
    second = Worker(kafka_bootstrap, group, source, out)
    async with first.running():
        await until(lambda: len(first.begun) == len(KEYS))  # one record of each key is handled, the rest wait
        async with second.running():
            await until(lambda: bool(second.begun and first.consumer.get_assignment()))
            assert first.cancelled
            first.gate.set()
            second.gate.set()
            found = await read_everything(kafka_bootstrap, out, set(range(total)))

    assert set(found) == set(range(total))
    async with KafkaConsumer(kafka_bootstrap, group=group, topics=[source]) as successor:
        committed = [await successor.fetch_committed(Partition(source, number)) for number in range(3)]
    assert sum(offset or 0 for offset in committed) == total


async def test_loop__retries_and_dead_letters__work_on_kafka_too(kafka_bootstrap: str) -> None:
    source, out, group = await create_filled(kafka_bootstrap, 3)
    failed: set[int] = set()

    async def handle(delivery: Delivery) -> Sequence[Record]:
        number = int(delivery.record.value)
        if number == 0:
            raise Invalid(Reason.BAD_SIGNATURE, "verify")
        if number == 1 and number not in failed:
            failed.add(number)
            raise Retry(Reason.EVALUATOR_BUSY, "evaluate")
        return [Record(out, delivery.record.key, delivery.record.value)]

    worker = Worker(kafka_bootstrap, group, source, out, handle)
    dead = KafkaConsumer(kafka_bootstrap, group=unique_name("audit"), topics=[group_topics(group).dead_letters])
    async with worker.running(), dead:
        assert set(await read_everything(kafka_bootstrap, out, {1, 2})) == {1, 2}
        [letter] = await read(dead, 1)

    assert failed == {1}
    assert letter.record.value == b"0"
    assert letter.record.headers[Header.REASON] == b"bad_signature"
    assert letter.record.headers[Header.SOURCE_TOPIC] == source.encode()


async def test_group__work_outlasts_the_session_timeout__member_stays(kafka_bootstrap: str) -> None:
    source, out, group = await create_filled(kafka_bootstrap, 30)

    worker = Worker(kafka_bootstrap, group, source, out)
    async with worker.running():
        await until(lambda: len(worker.begun) == 30)
        begun_s = time.monotonic()
        await until(lambda: time.monotonic() - begun_s > 1.5 * SESSION_TIMEOUT_MS / 1000)
        worker.gate.set()
        await read_everything(kafka_bootstrap, out, set(range(30)))

    assert not worker.cancelled
    assert len(worker.begun) == 30


async def test_group__static_member_restarts_in_time__others_keep_their_partitions(kafka_bootstrap: str) -> None:
    topic, group = unique_name("topic"), unique_name("group")
    await create(kafka_bootstrap, "", topic)
    revoked: list[frozenset[Partition]] = []

    async def on_revoke(partitions: frozenset[Partition]) -> None:
        revoked.append(partitions)

    def member(name: str) -> KafkaConsumer:
        return KafkaConsumer(kafka_bootstrap, group=group, topics=[topic], instance_id=name, session_timeout_ms=20_000)

    async with member("pod-0") as stays, fetching(stays) as got:
        async with member("pod-1") as leaves, fetching(leaves):
            await until(lambda: len(stays.get_assignment() | leaves.get_assignment()) == 3)
            await until(lambda: bool(leaves.get_assignment() and stays.get_assignment()))
            kept, given = stays.get_assignment(), leaves.get_assignment()
            stays.on_revoke(on_revoke)
        async with member("pod-1") as returns, fetching(returns) as got_too:
            await until(lambda: returns.get_assignment() == given)
            async with KafkaProducer(kafka_bootstrap, client_id="p") as producer:
                await producer.send(numbered(topic, KEYS, 100))
            await until(lambda: len(got) + len(got_too) == 100)

        assert stays.get_assignment() == kept
    assert not revoked


async def test_clients__nobody_listens__raise_retry(tmp_path: Path) -> None:
    address = f"127.0.0.1:{find_free_port()}"

    for client in (
        KafkaProducer(address, client_id="p"),
        KafkaConsumer(address, group="g", topics=["t"]),
    ):
        with pytest.raises(Retry) as caught:
            await client.__aenter__()
        assert caught.value.reason is Reason.BUS_UNREACHABLE
    with pytest.raises(Retry):
        await create(address, "", "t")


async def test_broker__its_parent_is_killed__it_ends_too(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys; from pathlib import Path; from devnet.kafka import KafkaBroker\n"
        "async def main():\n"
        "    broker = KafkaBroker(Path(sys.argv[1]))\n"
        "    await broker.start()\n"
        "    print(broker.pid, broker.bootstrap_servers, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid, address = (await parent.stdout.readline()).decode().split()
    assert await fetch_broker_count(address) == 1

    parent.send_signal(signal.SIGKILL)
    await parent.wait()

    await until(lambda: not is_running(int(pid)))


def is_running(pid: int) -> bool:
    """Return whether the process runs; a zombie does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
