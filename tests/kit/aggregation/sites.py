"""The aggregator's fold on a real broker, over a dict and over Faust, behind one interface for one conformance suite.

Records carry no envelope here: the intake has tests of its own.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from services.aggregator.fold_loop import FoldLoop, FoldPorts
from services.aggregator.handlers import EffectPorts, Interpreter
from services.aggregator.stream import FaustFold, StreamSettings, changelog_catalogue
from tests.kit.aggregation.dict_fold import DictTable, run_over_dict
from tests.kit.aggregation.signed import BLS, OPERATORS, open_chain
from tests.kit.bus.buses import unique_name
from tests.kit.chain.deployment import DOMAIN
from tests.kit.chain.fake import FakeChain
from tests.kit.chain.tasks import build_task
from zarathustra.bus.kafka import KafkaConsumer, KafkaProducer, create_topics, fetch_layout
from zarathustra.bus.records import Delivery, Header, Record
from zarathustra.bus.topics import Cleanup, Profile, TopicCatalogue, TopicSpec, group_name, group_topics, load_catalogue
from zarathustra.core.aggregation.changes import (
    AbstentionAccepted,
    AttestationAccepted,
    Change,
    EvaluationAccepted,
    TaskRead,
)
from zarathustra.core.aggregation.rules import Rules
from zarathustra.core.digests import vote_digest
from zarathustra.core.errors import Invalid
from zarathustra.core.messages import (
    Abstained,
    AttestationSigned,
    CertificateIssued,
    EvaluationProposed,
    Message,
    message_record_id,
    task_of,
)
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Task
from zarathustra.core.types import TaskId
from zarathustra.core.vote import Vote
from zarathustra.duty.blocks import BlockClock
from zarathustra.runtime.lifecycle import now_ms
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.signing.signer import EcdsaSigner
from zarathustra.telemetry.metrics import Metrics
from zarathustra.wire.codec import decode, encode, record_type

PARTITIONS = 3  # the test profile's


@dataclass
class Site:
    """Topics, chain, key and data directory of one test's aggregator. They stay when the aggregator restarts."""

    bootstrap_servers: str
    data_dir: Path
    chain: FakeChain
    evaluations: str
    attestations: str
    certificates: str
    rules: Rules = field(default_factory=lambda: Rules(collect_blocks=5, reissue_blocks=20, forget_blocks=10))
    signer: EcdsaSigner = field(default_factory=lambda: EcdsaSigner(EcdsaSecretKey.generate(), DOMAIN))

    @property
    def group(self) -> str:
        return group_name("aggregator", self.signer.operator_id)

    async def create_topics(self) -> None:
        names = (self.evaluations, self.attestations, self.certificates)
        shared = load_catalogue()
        catalogue = TopicCatalogue(shared.profiles, tuple(map(_describe, names)), shared.group_topics)
        await create_topics(self.bootstrap_servers, profile=Profile.TEST, catalogue=catalogue, groups=[self.group])
        layout = await fetch_layout(self.bootstrap_servers, self.attestations)
        changelog = changelog_catalogue(self.signer.operator_id, layout)
        await create_topics(self.bootstrap_servers, profile=Profile.PRODUCTION, catalogue=changelog)

    def open_task(self, name: object) -> Task:
        return self.chain.put_task(build_task(name=name))

    def record(self, message: Message) -> Record:
        topic = self.evaluations if isinstance(message, EvaluationProposed) else self.attestations
        headers = {
            Header.TYPE: record_type(message).encode(),
            Header.ID: str(message_record_id(message, encode(message))).encode(),
        }
        return Record(topic, task_of(message), encode(message), headers)

    async def send(self, *messages: Message) -> None:
        async with KafkaProducer(self.bootstrap_servers, client_id="test") as producer:
            await producer.send([self.record(message) for message in messages])

    async def read_task(self, task_id: TaskId) -> TaskRead:
        """Return the task as the operator's node has it."""
        return TaskRead(await self.chain.fetch_task(task_id), OPERATORS, self.chain.head)

    async def intake(self, delivery: Delivery) -> Sequence[Change]:
        """Return what a record says, without checking its envelope."""
        message = decode(delivery.record.headers.get(Header.TYPE, b"").decode(), delivery.record.value)
        read = await self.read_task(TaskId(delivery.record.key))
        match message:
            case EvaluationProposed():
                return read, EvaluationAccepted(message)
            case AttestationSigned():
                return read, AttestationAccepted(message)
            case Abstained():
                return read, AbstentionAccepted(message)
        raise Invalid(Reason.UNKNOWN_TYPE, "read record")

    def build_ports(self, producer: KafkaProducer, metrics: Metrics) -> FoldPorts:
        interpreter = Interpreter(EffectPorts(BLS, self.signer, DOMAIN, now_ms), metrics)

        async def send(records: Sequence[Record]) -> None:
            own = group_topics(self.group).dead_letters
            await producer.send([one if one.topic == own else replace(one, topic=self.certificates) for one in records])

        return FoldPorts(
            intake=self.intake,
            read_task=self.read_task,
            perform=interpreter.perform,
            send=send,
            dead_letters=group_topics(self.group).dead_letters,
        )


class RunFold(Protocol):
    async def __call__(self, site: Site, ports: FoldPorts, clock: BlockClock, stop: asyncio.Event) -> None: ...


async def run_dict_fold(site: Site, ports: FoldPorts, clock: BlockClock, stop: asyncio.Event) -> None:
    loop = FoldLoop(ports, DictTable(), site.rules, Metrics("aggregator"))
    topics = (site.evaluations, site.attestations)
    async with KafkaConsumer(site.bootstrap_servers, group=unique_name("dict"), topics=topics) as consumer:
        await asyncio.gather(run_over_dict(loop, consumer, stop), loop.run_timer(clock, stop))


async def run_faust_fold(site: Site, ports: FoldPorts, clock: BlockClock, stop: asyncio.Event) -> None:
    await build_faust_fold(site, ports).run(clock, stop)


def build_faust_fold(site: Site, ports: FoldPorts) -> FaustFold:
    settings = StreamSettings(
        site.bootstrap_servers,
        site.signer.operator_id,
        site.data_dir,
        PARTITIONS,
        sources=(site.evaluations, site.attestations),
    )
    return FaustFold(settings, ports, site.rules, Metrics("aggregator"))


@asynccontextmanager
async def running(site: Site, run: RunFold) -> AsyncIterator[None]:
    """Run the aggregator within the block. An error of it fails the test."""
    stop = asyncio.Event()
    clock = BlockClock(site.chain.fetch_block_number, poll_seconds=0.02)
    async with KafkaProducer(site.bootstrap_servers, client_id="aggregator") as producer, asyncio.TaskGroup() as group:
        ports = site.build_ports(producer, Metrics("aggregator"))
        group.create_task(clock.run(stop))
        group.create_task(run(site, ports, clock, stop))
        try:
            yield
        finally:
            stop.set()


async def open_site(bootstrap_servers: str, data_dir: Path) -> Site:
    site = Site(
        bootstrap_servers,
        data_dir,
        open_chain(),
        evaluations=unique_name("evaluations"),
        attestations=unique_name("attestations"),
        certificates=unique_name("certificates"),
    )
    await site.create_topics()
    return site


def wipe(site: Site) -> None:
    """Delete the data directory, like the loss of a disk."""
    shutil.rmtree(site.data_dir, ignore_errors=True)


def certificates_of(deliveries: Sequence[Delivery]) -> list[CertificateIssued]:
    values = [decode(one.record.headers[Header.TYPE].decode(), one.record.value) for one in deliveries]
    return [value for value in values if isinstance(value, CertificateIssued)]


def verify_certificate(certificate: CertificateIssued, vote: Vote) -> None:
    """Raise unless the contract would accept the aggregate signature."""
    keys = [one.public_key for one in OPERATORS.operators if certificate.bitmap >> one.slot & 1]
    BLS.verify(BLS.aggregate_public_keys(keys), vote_digest(DOMAIN, vote), certificate.signature)


def _describe(name: str) -> TopicSpec:
    return TopicSpec(
        name=name,
        meaning="Test",
        key="task id",
        facts="test",
        producer="test",
        consumers=(),
        cleanup=Cleanup.DELETE,
        retention_ms=-1,
        max_record_bytes=262_144,
    )
