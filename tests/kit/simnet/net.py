"""One run of all services in one process, on the memory bus, against a real chain, in simulated time.

    stage.py      the chain: one anvil with the contracts deployed and operators registered; every run starts from it
    services.py   how each service is built for a run
    net.py        a run: services that start and stop, the bus and the chain as a test reads them, and time
    run.py        opens a run, with a miner that mines a block every BLOCK_S simulated seconds

Runs can be compared. The stage is the same each time, and within a block's time everything that can happen does happen
(`simulated_time`). So equal transactions in equal blocks give equal hashes, seeds, tasks and record ids.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from services.aggregator.wiring import POSTER
from services.indexer.wiring import group_of
from services.notifier.handlers import Notification
from services.notifier.settings import Settings as NotifierSettings
from tests.kit.metrics import count
from tests.kit.simnet.accounts import build_client
from tests.kit.simnet.connections import CrashPlan, Lifetime, OperatorStore, open_lifetime
from tests.kit.simnet.stage import Operator, Stage, mine_block
from tests.kit.simulated_time import now_ms
from zarathustra.bus.memory import MemoryBroker
from zarathustra.bus.records import Delivery, Header, Record
from zarathustra.bus.topics import group_name, group_topics
from zarathustra.chain.market import MarketReader
from zarathustra.chain.reader import ChainTaskReader
from zarathustra.chain.rpc import Rpc
from zarathustra.core.aggregation.effects import Fault
from zarathustra.core.digests import Domain, seed
from zarathustra.core.events import ChainEvent, Retracted
from zarathustra.core.messages import Message
from zarathustra.core.project import Project, Submission, SubmissionStatus
from zarathustra.core.task import Task, performer_of
from zarathustra.core.types import (
    ZERO_ADDRESS,
    Attempt,
    BlockNumber,
    ProjectId,
    Seed,
    SubmissionIndex,
    TaskId,
    Topic,
    Wei,
)
from zarathustra.runtime.records import build_record
from zarathustra.sdk.client import Client
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.signing.signer import EcdsaSigner
from zarathustra.store.memory import MemoryStore
from zarathustra.wire.codec import decode

F = TypeVar("F")

BLOCK_S: Final = 2.0
POLL_S: Final = 0.25  # a service that was killed and started again has caught up long before the next block
PATIENCE_BLOCKS: Final = 80  # twice what the longest test waits for; then a test fails with what it saw


class Service:
    """One service of a run. A test can start, stop and kill it, and start it again."""

    def __init__(self, name: str, net: "Simnet", run: "RunService") -> None:
        self.name = name
        self._net = net
        self._run = run
        self._task: asyncio.Task[None] | None = None
        self.lifetime = open_lifetime(name, net.broker, net.crash_plan)

    @property
    def is_running(self) -> bool:
        return self._task is not None

    def start(self) -> None:
        if self._task is not None:
            raise RuntimeError(f"{self.name} runs already")
        self.lifetime = open_lifetime(self.name, self._net.broker, self._net.crash_plan)
        self._task = asyncio.create_task(self._run(self._net, self.lifetime), name=self.name)

    async def stop(self) -> None:
        """Stop as by SIGTERM: drain, commit, end."""
        if self._task is not None:
            self.lifetime.runtime.stop.set()
            await self._task
            self._task = None

    async def crash(self) -> None:
        """Kill as by SIGKILL: what was not committed is lost."""
        if self._task is not None:
            await self.lifetime.end()
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    def raise_failure(self) -> None:
        """Raise when the service ended by itself: that is a bug."""
        if self._task is not None and self._task.done():
            self._task.result()
            raise RuntimeError(f"{self.name} ended by itself")

    def count(self, metric: str, **labels: str) -> float:
        """Return a sample of the service's metrics since its last start; 0 where there is none."""
        return count(self.lifetime.runtime.metrics, metric, **labels)


RunService = Callable[["Simnet", Lifetime], Coroutine[Any, Any, None]]


@dataclass
class Simnet:
    """One run. `services` by name: indexer, notifier, aggregator-1, performer-1 …, validator-1 …"""

    stage: Stage
    rpc: Rpc
    directory: Path
    crash_plan: CrashPlan
    broker: MemoryBroker
    artefacts: MemoryStore = field(default_factory=MemoryStore)
    notifications: list[Notification] = field(default_factory=list)
    services: dict[str, Service] = field(default_factory=dict)
    retry_delay_ms: int = 1_000  # before a record is tried again for the first time
    cut_off: set[str] = field(default_factory=set)  # services whose node does not answer
    head: BlockNumber = field(default=BlockNumber(0))

    def __post_init__(self) -> None:
        self.deployment = self.stage.deployment
        self.operators = self.stage.operators
        self.domain = Domain(self.deployment.chain_id, self.deployment.attestation_center)
        self.stores = {operator.number: OperatorStore(self.artefacts) for operator in self.operators}
        self.reader = ChainTaskReader(self.rpc, self.deployment)
        self.market = MarketReader(self.rpc, self.deployment)
        self._mined = asyncio.Condition()
        self._mined_at_s = asyncio.get_running_loop().time()

    # services

    def add(self, name: str, run: RunService) -> None:
        """Add a service, or replace the one of that name. It is not started."""
        self.services[name] = Service(name, self, run)

    def start(self, *names: str) -> None:
        """Start the named services, by default all that do not run."""
        for name in names or [name for name, service in self.services.items() if not service.is_running]:
            self.services[name].start()

    async def stop_operator(self, number: int) -> None:
        """Kill every service of one operator."""
        for name, service in self.services.items():
            if name.endswith(f"-{number}"):
                await service.crash()

    # accounts

    def open_client(self, key: EcdsaSecretKey) -> Client:
        """Open the account of `key`, for the SDK's calls."""
        return build_client(self.rpc, self.deployment, key, OperatorStore(self.artefacts), poll_s=POLL_S)

    # the bus

    def read(self, topic: str) -> list[Delivery]:
        return self.broker.get_deliveries(topic)

    def messages(self, topic: str) -> list[Message | ChainEvent | Retracted]:
        """Return the messages on a topic. Records without a type, which attackers send, are left out."""
        return [_decode(delivery.record) for delivery in self.read(topic) if Header.TYPE in delivery.record.headers]

    def facts(self, kind: type[F]) -> list[F]:
        """Return the contract events of one kind that the indexer published and did not retract."""
        events = self.messages(Topic.CHAIN_EVENTS)
        retracted = [message.event for message in events if isinstance(message, Retracted)]
        kept = [message for message in events if isinstance(message, ChainEvent) and message not in retracted]
        return [event.fact for event in kept if isinstance(event.fact, kind)]

    def dead_letters(self, group: str) -> list[Record]:
        return [delivery.record for delivery in self.read(group_topics(group).dead_letters)]

    def list_groups(self) -> list[str]:
        groups = [group_of(self.deployment), NotifierSettings.group]
        services = ("performer", "validator", "aggregator", POSTER)
        return groups + [group_name(service, one.operator_id) for service in services for one in self.operators]

    def send_as(self, key: EcdsaSecretKey, topic: Topic, message: Message) -> Record:
        """Put a message on the bus in the envelope of `key`; returns its record."""
        record = build_record(topic, message, signer=EcdsaSigner(key, self.domain), time_ms=now_ms())
        self.broker.append(record)
        return record

    def count_faults(self, operator: Operator) -> dict[Fault, float]:
        """Return how often the aggregator found the operator at fault, by fault."""
        counter, labels = self.services["aggregator-1"].count, {"operator": operator.operator_id.hex()}
        counts = {fault: counter("faults_total", **labels, fault=fault) for fault in Fault}
        return {fault: times for fault, times in counts.items() if times}

    # the chain

    async def fetch_project(self, project_id: ProjectId) -> Project:
        return await self.market.fetch_project(project_id)

    async def fetch_submission(self, project_id: ProjectId, index: SubmissionIndex) -> Submission:
        return await self.market.fetch_submission(project_id, index)

    async def fetch_credit(self, key: EcdsaSecretKey) -> Wei:
        return await self.market.fetch_credit(compute_address(key), ZERO_ADDRESS)

    async def fetch_performer(self, task: Task, attempt: int) -> Operator:
        """Return the operator that performs an attempt; known from the seed block on."""
        operators = await self.reader.fetch_operator_set(task.set_version)
        chosen = performer_of(operators.operators, await self.fetch_seed(task), Attempt(attempt))
        return next(one for one in self.operators if one.operator_id == chosen.operator_id)

    async def wait_for_performer(self) -> tuple[Task, Operator]:
        """Wait for the seed block of the one open task; return the task and the performer of its first attempt."""
        task = await self.fetch_open_task()
        await self.wait_blocks(task.seed_block - self.head)
        return task, await self.fetch_performer(task, attempt=0)

    async def fetch_seed(self, task: Task) -> Seed:
        header = await self.reader.fetch_seed_header(task.seed_block)
        return seed(header.prev_randao, self.deployment.chain_id, self.deployment.model_submission, task.task_id)

    async def fetch_open_task(self) -> Task:
        """Return the one open task."""
        (task_id,) = await self.reader.fetch_open_tasks()
        return await self.reader.fetch_task(TaskId(task_id))

    # time

    async def keep_mining(self) -> None:
        """Mine a block every BLOCK_S, and wake what waits for one."""
        while True:
            await asyncio.sleep(BLOCK_S)
            await mine_block(self.rpc)
            await self.note_head()

    async def wait_quiet(self) -> None:
        """Return in the middle of a block's time, when everything that follows from the newest block has happened."""
        await asyncio.sleep(max(0.0, self._mined_at_s + BLOCK_S / 2 - asyncio.get_running_loop().time()))
        self.raise_failures()

    async def note_head(self) -> None:
        async with self._mined:
            self.head = await self.reader.fetch_block_number()
            self._mined_at_s = asyncio.get_running_loop().time()
            self._mined.notify_all()

    async def wait_blocks(self, blocks: int) -> None:
        """Return once `blocks` more are mined and everything that follows from the last one has happened."""
        for _ in range(blocks):
            async with self._mined:
                await self._mined.wait()
        await self.wait_quiet()

    async def wait_until(self, is_met: Callable[[], Awaitable[bool]], *, blocks: int = PATIENCE_BLOCKS) -> None:
        """Return once a condition holds. It is asked once a block, when all that follows from that has happened."""
        for _ in range(blocks):
            self.raise_failures()
            if await is_met():
                return
            await self.wait_blocks(1)
        raise TimeoutError(f"not met after {blocks} blocks: {getattr(is_met, '__name__', is_met)}\n{self.describe()}")

    async def wait_for_outcome(self, project_id: ProjectId, index: SubmissionIndex) -> Submission:
        """Return the submission once it is final."""

        async def is_final() -> bool:
            return (await self.fetch_submission(project_id, index)).status is SubmissionStatus.FINAL

        await self.wait_until(is_final)
        return await self.fetch_submission(project_id, index)

    def raise_failures(self) -> None:
        """Fail the test when a service ended by itself."""
        for service in self.services.values():
            service.raise_failure()

    def describe(self) -> str:
        """Return what is on the bus, for the message of a test that failed."""
        lines = [f"head {self.head}"]
        for topic in (Topic.CHAIN_EVENTS, Topic.EVALUATIONS, Topic.ATTESTATIONS, Topic.CERTIFICATES):
            lines += [f"{topic}: {message}" for message in self.messages(topic)]
        for group in self.list_groups():
            lines += [f"{group}: {record.headers}" for record in self.dead_letters(group)]
        return "\n".join(lines)


def _decode(record: Record) -> Message | ChainEvent | Retracted:
    return decode(record.headers[Header.TYPE].decode(), record.value)
