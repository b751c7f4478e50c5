"""All services in one process, on the memory bus, against a real chain, in simulated time.

    Stage    one anvil with the contracts deployed and operators registered; every test starts from that state
    Simnet   one run on a stage: bus, store, services, and a miner that mines a block every BLOCK_S simulated seconds

Services are built by their production wirings. Not here: Kafka, Faust (the fold runs over a dict), HTTP, torch and the
jail (see `simnet_evaluator`), IPFS nodes; each has a tier of its own.

Runs can be compared. Keys, block times and base fees are fixed, and within a block's time everything that can happen
does happen (`simnet_time`). So equal transactions in equal blocks give equal hashes, seeds, tasks and record ids.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar, cast

from devnet.anvil import Anvil
from services.aggregator.fold_loop import FoldLoop
from services.aggregator.settings import Settings as AggregatorSettings
from services.aggregator.stream import SOURCES
from services.aggregator.wiring import POSTER, build_fold_ports, build_poster_loop
from services.indexer import wiring as indexer
from services.indexer.settings import Settings as IndexerSettings
from services.notifier import wiring as notifier
from services.notifier.handlers import Notification
from services.notifier.settings import Settings as NotifierSettings
from services.performer import wiring as performer
from services.performer.settings import Settings as PerformerSettings
from services.validator import wiring as validator
from services.validator.settings import Settings as ValidatorSettings
from tests.kit.aggregation.dict_fold import DictTable, run_over_dict
from tests.kit.simnet import evaluator as simnet_evaluator
from tests.kit.simnet.lines import (
    CrashPoint,
    Executioner,
    Life,
    LifeRpc,
    OperatorStore,
    RealRpc,
    open_life,
)
from tests.kit.simnet.time import SimulatedLoop, now_ms
from zarathustra.bus.memory import MemoryBroker
from zarathustra.bus.records import Delivery, Header, Record
from zarathustra.bus.topics import Profile, TopicPlan, group_name, group_topics, load_catalogue, plan_topics
from zarathustra.chain.contracts import CenterContract, GovernanceContract, MarketContract
from zarathustra.chain.deploy import DeploymentParameters, deploy
from zarathustra.chain.market import MarketReader
from zarathustra.chain.port import Deployment
from zarathustra.chain.reader import ChainTaskReader
from zarathustra.chain.rpc import HttpRpc, Rpc
from zarathustra.chain.scan import ChainScanner
from zarathustra.chain.transactions import Sender
from zarathustra.core.digests import Domain, seed
from zarathustra.core.events import ChainEvent, Retracted
from zarathustra.core.messages import Message
from zarathustra.core.project import Project, Submission, SubmissionStatus
from zarathustra.core.task import Task, performer_of
from zarathustra.core.types import (
    ZERO_ADDRESS,
    Address,
    Attempt,
    BlockNumber,
    OperatorId,
    ProjectId,
    Seed,
    SubmissionIndex,
    TaskId,
    Topic,
    Wei,
)
from zarathustra.duty.assessment import Assess, Assessor
from zarathustra.duty.operator import OperatorChain, OperatorSettings, build_chain, follow_chain, load_operator_key
from zarathustra.duty.service import assemble
from zarathustra.runtime.lifecycle import Job
from zarathustra.runtime.records import build_record
from zarathustra.runtime.settings import Secret
from zarathustra.sdk.client import Client, Reader, log_intent
from zarathustra.sdk.network import Network
from zarathustra.sdk.operators import register_operator, seal_operator_set
from zarathustra.signing.backends import FAST, load_backend
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import BlsSecretKey, EcdsaSecretKey
from zarathustra.signing.keystore import KeystoreCost, save_bls_keystore, save_ecdsa_keystore
from zarathustra.signing.signer import EcdsaSigner
from zarathustra.store.memory import MemoryStore
from zarathustra.wire.codec import decode

F = TypeVar("F")

ETHER: Final = 10**18
STAKE: Final = Wei(10 * ETHER)
TREASURY: Final = Address(b"\x7e" * 20)
GENESIS_S: Final = 1_800_000_000  # any; fixed, so that the chain is the same in every run of the tests
CHAIN_BLOCK_S: Final = 12
BASE_FEE: Final = 10**9  # fixed: anvil's own moves on even when the chain is reset
SLOTS_IN_AN_EPOCH: Final = 4  # the newest 8 blocks can be reorganised
SEED_DELAY: Final = 2
MAX_ATTEMPTS: Final = 3

BLOCK_S: Final = 2.0
POLL_S: Final = 0.25  # a service that was killed and started again has caught up long before the next block
PATIENCE_BLOCKS: Final = 80  # twice what the longest story takes; then a test fails with what it saw
PASSWORD: Final = "development"
# Settings that only the real adapters read.
NOWHERE: Final[Mapping[str, Any]] = {
    "kafka_bootstrap_servers": "",
    "eth_rpc_urls": Secret(""),
    "deployment_file": Path(),
}
DUTY: Final[Mapping[str, Any]] = {"ipfs_api_url": "", "confirmations": 0}
RECORD_LIMIT_FACTOR: Final = 2  # the simulated bus takes larger records than Kafka: compressed batches unfold

OWNER_KEY: Final = EcdsaSecretKey.from_int(0x0DE0)
CONTRIBUTOR_KEYS: Final = tuple(EcdsaSecretKey.from_int(0xC0DE + number) for number in range(3))
STRANGER_KEY: Final = EcdsaSecretKey.from_int(0x57A6)


@dataclass(frozen=True)
class Operator:
    """One operator's keys, and the keystores that the services load them from."""

    number: int
    directory: Path

    @property
    def signing(self) -> EcdsaSecretKey:
        return EcdsaSecretKey.from_int(0x51_00 + self.number)

    @property
    def keeper(self) -> EcdsaSecretKey:
        return EcdsaSecretKey.from_int(0x52_00 + self.number)

    @property
    def voting(self) -> BlsSecretKey:
        return BlsSecretKey.from_int(0x53_00 + self.number)

    @property
    def operator_id(self) -> OperatorId:
        return OperatorId(compute_address(self.signing))

    def save(self) -> None:
        self.directory.mkdir()
        cost = KeystoreCost.DEVELOPMENT
        save_ecdsa_keystore(self.directory / "signing.json", self.signing, PASSWORD, cost=cost)
        save_ecdsa_keystore(self.directory / "keeper.json", self.keeper, PASSWORD, cost=cost)
        save_bls_keystore(self.directory / "voting.json", self.voting, PASSWORD, cost=cost)


@dataclass
class Stage:
    """A chain on which everything is deployed, and to which each run goes back."""

    anvil: Anvil
    deployment: Deployment
    operators: tuple[Operator, ...]
    snapshot: str

    async def keep(self, rpc: Rpc) -> None:
        """Make the chain as it is now what every run starts from."""
        self.snapshot = await rpc.call("evm_snapshot")


# ---- the stage


@asynccontextmanager
async def open_stage(directory: Path, *, operator_count: int = 3) -> AsyncIterator[Stage]:
    """Start a chain, deploy, register, seal. In real time: nothing else runs yet."""
    operators = tuple(Operator(number, directory / f"operator-{number}") for number in range(1, operator_count + 1))
    for operator in operators:
        operator.save()
    anvil = Anvil(
        slots_in_an_epoch=SLOTS_IN_AN_EPOCH, genesis_time_s=GENESIS_S, log_file=directory / "anvil" / "anvil.log"
    )
    async with anvil, HttpRpc([anvil.url]) as rpc:
        await rpc.call("evm_setAutomine", False)
        miner = asyncio.create_task(_mine_at_once(rpc))
        try:
            deployment = await _deploy(rpc, anvil.chain_id, operator_count)
            await _register(rpc, deployment, operators)
        finally:
            miner.cancel()
            await asyncio.gather(miner, return_exceptions=True)
        yield Stage(anvil, deployment, operators, await rpc.call("evm_snapshot"))


async def mine_block(rpc: Rpc) -> None:
    """One block whose hash depends on nothing but its parent and its transactions."""
    head = await rpc.call("eth_getBlockByNumber", "latest", False)
    await rpc.call("evm_setNextBlockTimestamp", int(head["timestamp"], 16) + CHAIN_BLOCK_S)
    await rpc.call("anvil_setNextBlockBaseFeePerGas", hex(BASE_FEE))
    await rpc.call("evm_mine")


async def _mine_at_once(rpc: Rpc) -> None:
    """A block as soon as a transaction waits: the number of blocks does not depend on how fast the machine is."""
    while True:
        pool = await rpc.call("txpool_status")
        if int(pool["pending"], 16):
            await mine_block(rpc)
        await asyncio.sleep(0.002)


async def _deploy(rpc: Rpc, chain_id: int, operator_count: int) -> Deployment:
    await _fund(rpc, compute_address(OWNER_KEY), *map(compute_address, CONTRIBUTOR_KEYS))
    parameters = DeploymentParameters(
        owner=compute_address(OWNER_KEY),
        treasury=TREASURY,
        min_stake=Wei(ETHER),
        seed_delay=SEED_DELAY,
        max_attempts=MAX_ATTEMPTS,
        min_operators=operator_count,
    )
    return await deploy(build_sender(rpc, OWNER_KEY, chain_id, poll_s=0.002), rpc, parameters, chain_id=chain_id)


async def _register(rpc: Rpc, deployment: Deployment, operators: Sequence[Operator]) -> None:
    client = build_client(rpc, deployment, OWNER_KEY, OperatorStore(MemoryStore()), poll_s=0.002)
    for operator in operators:
        await _fund(rpc, Address(operator.operator_id), compute_address(operator.keeper))
        await register_operator(
            client,
            load_backend(FAST),
            bls_key=operator.voting,
            signing_address=operator.operator_id,
            rewards_receiver=Address(operator.operator_id),
            stake=STAKE,
        )
    await seal_operator_set(client)


async def _fund(rpc: Rpc, *addresses: Address) -> None:
    for address in addresses:
        await rpc.call("anvil_setBalance", "0x" + address.hex(), hex(1_000 * ETHER))


def build_sender(rpc: Rpc, key: EcdsaSecretKey, chain_id: int, *, poll_s: float = POLL_S) -> Sender:
    return Sender(rpc, key.reveal(), chain_id=chain_id, on_intent=log_intent, poll_s=poll_s)


def build_client(
    rpc: Rpc, deployment: Deployment, key: EcdsaSecretKey, store: OperatorStore, *, poll_s: float = POLL_S
) -> Client:
    """An account for the SDK's calls."""
    sender = build_sender(rpc, key, deployment.chain_id, poll_s=poll_s)
    reader = Reader(
        network=Network((), "", deployment),
        rpc=rpc,
        market=MarketReader(rpc, deployment),
        tasks=ChainTaskReader(rpc, deployment),
        artefacts=store,
    )
    return Client(
        reader=reader,
        sender=sender,
        writer=store,
        governance=GovernanceContract(sender, deployment),
        center=CenterContract(sender, deployment),
        market=MarketContract(sender, deployment),
    )


# ---- services


class Service:
    """One service of a run: started, stopped, killed and started again as a test likes."""

    def __init__(self, name: str, net: "Simnet", run: "RunService") -> None:
        self.name = name
        self._net = net
        self._run = run
        self._task: asyncio.Task[None] | None = None
        self.life = open_life(name, net.broker, net.executioner)

    @property
    def is_running(self) -> bool:
        return self._task is not None

    def start(self) -> None:
        if self._task is not None:
            raise RuntimeError(f"{self.name} runs already")
        self.life = open_life(self.name, self._net.broker, self._net.executioner)
        self._task = asyncio.create_task(self._run(self._net, self.life), name=self.name)

    async def stop(self) -> None:
        """As by SIGTERM: drain, commit, end."""
        if self._task is not None:
            self.life.runtime.stop.set()
            await self._task
            self._task = None

    async def crash(self) -> None:
        """As by kill −9: what was not committed is lost."""
        if self._task is not None:
            await self.life.end()
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    def raise_failure(self) -> None:
        """A service that ended by itself has a bug, and so has its test."""
        if self._task is not None and self._task.done():
            self._task.result()
            raise RuntimeError(f"{self.name} ended by itself")

    def count(self, metric: str, **labels: str) -> float:
        """A sample of the service's metrics since its last start; 0 where there is none."""
        metrics = self.life.runtime.metrics
        name = f"zarathustra_{metrics.service}_{metric}"
        return metrics.registry.get_sample_value(name, labels) or 0.0


RunService = Callable[["Simnet", Life], Coroutine[Any, Any, None]]


async def run_indexer(net: "Simnet", life: Life) -> None:
    settings = IndexerSettings(**NOWHERE, confirmations=0, poll_interval_ms=int(POLL_S * 1_000))
    scanner = ChainScanner(net.open_rpc(life), net.deployment)
    async with life.open_consumer(indexer.group_of(net.deployment), [Topic.INDEXER_CHECKPOINT]) as consumer:
        await life.runtime.run_jobs(indexer.build_jobs(settings, life.runtime, scanner, consumer, life.producer()))


async def run_notifier(net: "Simnet", life: Life) -> None:
    settings = NotifierSettings("", Path())

    async def deliver(notification: Notification) -> None:
        net.notifications.append(notification)

    async with life.open_bus(settings.group, notifier.TOPICS) as bus:
        await life.runtime.run_jobs(notifier.build_jobs(settings, life.runtime, bus, deliver, net.domain))


def build_performer(operator: Operator, assess: Assess | None = None) -> RunService:
    """`assess`: another way to assess than the honest one."""

    async def run(net: "Simnet", life: Life) -> None:
        settings = PerformerSettings(
            **net.operator_settings(operator),
            **DUTY,
            keeper_key_file=operator.directory / "keeper.json",
            keeper_key_password=Secret(PASSWORD),
            sweep_seconds=5 * BLOCK_S,
            keeper_sweep_blocks=5,
        )
        chain = net.open_chain(settings, life)
        group = group_name("performer", operator.operator_id)
        async with life.open_bus(group, performer.ROLE.topics) as bus:
            store = net.stores[operator.number]
            parts = assemble(settings, chain, bus, assess=assess or net.build_assess(operator), artefacts=store)
            with performer.open_signer(settings, chain.domain) as signer:
                jobs = performer.build_jobs_with(settings, life.runtime, parts, signer, writer=store)
                await life.runtime.run_jobs(jobs)

    return run


def build_validator(operator: Operator, assess: Assess | None = None) -> RunService:
    """`assess`: another way to assess than the honest one."""

    async def run(net: "Simnet", life: Life) -> None:
        settings = ValidatorSettings(
            **net.operator_settings(operator),
            bls_key_file=operator.directory / "voting.json",
            bls_key_password=Secret(PASSWORD),
            vote_log_file=net.directory / f"votes-{operator.number}.sqlite",
            **DUTY,
        )
        chain = net.open_chain(settings, life)
        group = group_name("validator", operator.operator_id)
        with validator.open_signer(settings, chain.domain) as signer:
            async with life.open_bus(group, validator.ROLE.topics) as bus:
                store = net.stores[operator.number]
                parts = assemble(settings, chain, bus, assess=assess or net.build_assess(operator), artefacts=store)
                await life.runtime.run_jobs(validator.build_jobs(settings, life.runtime, parts, signer))

    return run


def build_aggregator(operator: Operator) -> RunService:
    """The fold over a dict, and the poster."""

    async def run(net: "Simnet", life: Life) -> None:
        runtime = life.runtime
        settings = AggregatorSettings(**net.operator_settings(operator), data_dir=net.directory, takeover_blocks=0)
        chain = net.open_chain(settings, life)
        key = load_operator_key(settings)
        async with (
            life.open_bus(group_name(POSTER, operator.operator_id), [Topic.CERTIFICATES]) as bus,
            life.open_consumer(group_name("aggregator", operator.operator_id), SOURCES) as consumer,
        ):
            signer = EcdsaSigner(key, chain.domain)
            ports = build_fold_ports(chain, bus, signer, load_backend(FAST), runtime)
            fold = FoldLoop(ports, DictTable(), settings.rules, runtime.metrics)
            poster = build_poster_loop(settings, runtime, chain, bus, key)
            jobs: Mapping[str, Job] = {
                "clock": lambda: follow_chain(chain, runtime),
                "fold": lambda: run_over_dict(fold, consumer, runtime.stop),
                "timer": lambda: fold.run_timer(chain.clock, runtime.stop),
                "poster": lambda: poster.run(runtime.stop),
            }
            await runtime.run_jobs(jobs)

    return run


# ---- a run


@dataclass
class Simnet:
    """One run. `services` by name: indexer, notifier, aggregator-1, performer-1 …, validator-1 …"""

    stage: Stage
    rpc: Rpc
    directory: Path
    executioner: Executioner
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

    # what services are built with

    def operator_settings(self, operator: Operator) -> dict[str, Any]:
        return {
            **NOWHERE,
            "operator_key_file": operator.directory / "signing.json",
            "operator_key_password": Secret(PASSWORD),
            "poll_seconds": POLL_S,
            "retry_delay_ms": self.retry_delay_ms,
        }

    def open_rpc(self, life: Life) -> Rpc:
        return LifeRpc(self.rpc, life, is_cut_off=lambda: life.name in self.cut_off)

    def open_chain(self, settings: OperatorSettings, life: Life) -> OperatorChain:
        return build_chain(settings, life.runtime, self.open_rpc(life), self.deployment)

    def build_assess(self, operator: Operator) -> Assess:
        return Assessor(self.stores[operator.number], simnet_evaluator.evaluate).assess

    # services

    def add(self, name: str, run: RunService) -> None:
        """Put a service in; one of that name is replaced. It is not started."""
        self.services[name] = Service(name, self, run)

    def start(self, *names: str) -> None:
        """Start the named services, by default all that do not run."""
        for name in names or [name for name, service in self.services.items() if not service.is_running]:
            self.services[name].start()

    async def stop_operator(self, number: int) -> None:
        """Everything of one operator, as by a power cut."""
        for name, service in self.services.items():
            if name.endswith(f"-{number}"):
                await service.crash()

    # people

    def open_client(self, key: EcdsaSecretKey) -> Client:
        return build_client(self.rpc, self.deployment, key, OperatorStore(self.artefacts))

    # the bus

    def read(self, topic: str) -> list[Delivery]:
        return self.broker.get_deliveries(topic)

    def messages(self, topic: str) -> list[Message | ChainEvent | Retracted]:
        """What a topic says, without what says nothing."""
        return [_decode(delivery.record) for delivery in self.read(topic) if Header.TYPE in delivery.record.headers]

    def facts(self, kind: type[F]) -> list[F]:
        """The contract events of one kind that the indexer published, and did not take back."""
        events = self.messages(Topic.CHAIN_EVENTS)
        retracted = [message.event for message in events if isinstance(message, Retracted)]
        kept = [message for message in events if isinstance(message, ChainEvent) and message not in retracted]
        return [event.fact for event in kept if isinstance(event.fact, kind)]

    def dead_letters(self, group: str) -> list[Record]:
        return [delivery.record for delivery in self.read(group_topics(group).dead_letters)]

    def list_groups(self) -> list[str]:
        groups = [indexer.group_of(self.deployment), NotifierSettings.group]
        services = ("performer", "validator", "aggregator", POSTER)
        return groups + [group_name(service, one.operator_id) for service in services for one in self.operators]

    def send_as(self, key: EcdsaSecretKey, topic: Topic, message: Message) -> Record:
        """Put a message on the bus in the envelope of `key`; returns its record."""
        record = build_record(topic, message, signer=EcdsaSigner(key, self.domain), time_ms=now_ms())
        self.broker.append(record)
        return record

    # the chain

    async def fetch_project(self, project_id: ProjectId) -> Project:
        return await self.market.fetch_project(project_id)

    async def fetch_submission(self, project_id: ProjectId, index: SubmissionIndex) -> Submission:
        return await self.market.fetch_submission(project_id, index)

    async def fetch_credit(self, key: EcdsaSecretKey) -> Wei:
        return await self.market.fetch_credit(compute_address(key), ZERO_ADDRESS)

    async def fetch_performer(self, task: Task, attempt: int) -> Operator:
        """Who performs an attempt; known from the seed block on."""
        operators = await self.reader.fetch_operator_set(task.set_version)
        chosen = performer_of(operators.operators, await self.fetch_seed(task), Attempt(attempt))
        return next(one for one in self.operators if one.operator_id == chosen.operator_id)

    async def fetch_seed(self, task: Task) -> Seed:
        block_hash = await self.reader.fetch_block_hash(task.seed_block)
        return seed(block_hash, self.deployment.chain_id, self.deployment.model_submission, task.task_id)

    async def fetch_open_task(self) -> Task:
        """The one open task."""
        (task_id,) = await self.reader.fetch_open_tasks()
        return await self.reader.fetch_task(TaskId(task_id))

    # time

    async def mine_for_ever(self) -> None:
        """The miner; a new block wakes those who wait for one."""
        while True:
            await asyncio.sleep(BLOCK_S)
            await mine_block(self.rpc)
            await self.note_head()

    async def wait_quiet(self) -> None:
        """Until everything that follows from the newest block has happened: the middle of a block's time."""
        await asyncio.sleep(max(0.0, self._mined_at_s + BLOCK_S / 2 - asyncio.get_running_loop().time()))
        self.raise_failures()

    async def note_head(self) -> None:
        async with self._mined:
            self.head = await self.reader.fetch_block_number()
            self._mined_at_s = asyncio.get_running_loop().time()
            self._mined.notify_all()

    async def wait_blocks(self, blocks: int) -> None:
        """Until `blocks` more were mined, and everything that follows from the last one has happened."""
        for _ in range(blocks):
            async with self._mined:
                await self._mined.wait()
        await self.wait_quiet()

    async def wait_until(self, is_met: Callable[[], Awaitable[bool]], *, blocks: int = PATIENCE_BLOCKS) -> None:
        """Until a condition holds, asked once a block when all that follows from it has happened."""
        for _ in range(blocks):
            self.raise_failures()
            if await is_met():
                return
            await self.wait_blocks(1)
        raise TimeoutError(f"not met after {blocks} blocks: {getattr(is_met, '__name__', is_met)}\n{self.describe()}")

    async def wait_for_outcome(self, project_id: ProjectId, index: SubmissionIndex) -> Submission:
        """The submission once it is final."""

        async def is_final() -> bool:
            return (await self.fetch_submission(project_id, index)).status is SubmissionStatus.FINAL

        await self.wait_until(is_final)
        return await self.fetch_submission(project_id, index)

    def raise_failures(self) -> None:
        """A service that ended by itself fails the test."""
        for service in self.services.values():
            service.raise_failure()

    def describe(self) -> str:
        """What is on the bus, for the message of a test that failed."""
        lines = [f"head {self.head}"]
        for topic in (Topic.CHAIN_EVENTS, Topic.EVALUATIONS, Topic.ATTESTATIONS, Topic.CERTIFICATES):
            lines += [f"{topic}: {message}" for message in self.messages(topic)]
        for group in self.list_groups():
            lines += [f"{group}: {record.headers}" for record in self.dead_letters(group)]
        return "\n".join(lines)


@asynccontextmanager
async def open_simnet(stage: Stage, *, crash: CrashPoint | None = None) -> AsyncIterator[Simnet]:
    """A fresh run on `stage` with every service added and none started. `crash`: kill and restart one at that point."""
    loop = cast(SimulatedLoop, asyncio.get_running_loop())
    with TemporaryDirectory() as directory:
        async with HttpRpc([stage.anvil.url]) as http:
            rpc = RealRpc(http, loop)
            await _reset(stage, rpc)
            net = Simnet(stage, rpc, Path(directory), Executioner(crash), MemoryBroker(now_ms=now_ms))
            net.broker.create_topics(_plan_topics(net))
            await net.note_head()
            _add_services(net)
            helpers = [asyncio.create_task(net.mine_for_ever()), asyncio.create_task(_kill_when_due(net))]
            try:
                yield net
                net.raise_failures()
                for helper in helpers:
                    if helper.done():
                        helper.result()
            finally:
                for helper in helpers:
                    helper.cancel()
                await asyncio.gather(*helpers, return_exceptions=True)
                for service in net.services.values():
                    await service.crash()


async def _reset(stage: Stage, rpc: Rpc) -> None:
    """Back to the stage's first state; a snapshot serves once."""
    await rpc.call("evm_revert", stage.snapshot)
    await rpc.call("anvil_dropAllTransactions")
    await stage.keep(rpc)


def _plan_topics(net: Simnet) -> list[TopicPlan]:
    plans = plan_topics(load_catalogue(), profile=Profile.TEST, groups=net.list_groups())
    return [replace(plan, configs={**plan.configs, "max.message.bytes": _double(plan)}) for plan in plans]


def _double(plan: TopicPlan) -> str:
    return str(RECORD_LIMIT_FACTOR * int(plan.configs["max.message.bytes"]))


def _add_services(net: Simnet) -> None:
    net.add("indexer", run_indexer)
    net.add("notifier", run_notifier)
    net.add("aggregator-1", build_aggregator(net.operators[0]))
    for operator in net.operators:
        net.add(f"performer-{operator.number}", build_performer(operator))
        net.add(f"validator-{operator.number}", build_validator(operator))


async def _kill_when_due(net: Simnet) -> None:
    service = net.services[await net.executioner.due]
    await service.crash()
    service.start()


def _decode(record: Record) -> Message | ChainEvent | Retracted:
    return decode(record.headers[Header.TYPE].decode(), record.value)
