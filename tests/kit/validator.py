"""One operator's validator on a chain in memory, and proposals for it to judge."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.validator.handlers import Ports, Validator
from tests.kit.bus.records import deliver
from tests.kit.chain.deployment import DOMAIN
from tests.kit.chain.fake import ChainDriver, FakeChain, open_task, running_clock
from tests.kit.clock import FakeClock
from tests.kit.scoring.fake_models import Artefacts, ArtefactStore, ModelEvaluator
from tests.kit.signing.operators import OperatorKeys, make_keys, seal_operators
from tests.kit.waiting import within
from zarathustra.bus.records import Record
from zarathustra.core.digests import (
    evaluation_digest,
    input_hash,
    report_hash,
)
from zarathustra.core.errors import TooEarly
from zarathustra.core.messages import EvaluationProposed, Message
from zarathustra.core.outcomes import Code
from zarathustra.core.task import Task
from zarathustra.core.types import Attempt, Cid, Evaluation, OperatorId, Topic
from zarathustra.duty.assessment import Assessor
from zarathustra.duty.view import ChainView
from zarathustra.runtime.records import build_record, read_message
from zarathustra.signing.bls_fast import FastBls
from zarathustra.signing.ecdsa import sign_digest
from zarathustra.signing.signer import EcdsaSigner, LocalSigner
from zarathustra.signing.vote_log import VoteLog
from zarathustra.store.memory import MemoryStore
from zarathustra.telemetry.metrics import Metrics

BLS = FastBls()
KEYS = tuple(make_keys(number) for number in range(3))
STRANGER = make_keys(9)
CONFIRMATIONS = 2
TOLERANCE = 2


@dataclass
class Site:
    """One operator's validator, with its own view of the store and its own machine."""

    keys: OperatorKeys
    validator: Validator
    metrics: Metrics
    artefacts: ArtefactStore
    evaluator: ModelEvaluator


@dataclass
class Scene:
    chain: FakeChain
    driver: ChainDriver
    files: MemoryStore
    directory: Path
    logs: list[tuple[VoteLog, Path]] = field(default_factory=list)
    running: list["asyncio.Task[Any]"] = field(default_factory=list)

    def open_site(self, keys: OperatorKeys = KEYS[0]) -> Site:
        artefacts, evaluator, metrics = ArtefactStore(self.files), ModelEvaluator(), Metrics("validator")
        path = self.directory / f"votes-{len(self.logs)}"
        log = VoteLog(path, BLS.public_key(keys.bls))
        self.logs.append((log, path))
        return self.build_site(keys, artefacts, evaluator, metrics, log)

    def restart(self, site: Site) -> Site:
        """Start the operator's validator again; it keeps its vote log."""
        log, _ = self.logs[-1]
        return self.build_site(site.keys, site.artefacts, site.evaluator, Metrics("validator"), log)

    def build_site(
        self, keys: OperatorKeys, artefacts: ArtefactStore, evaluator: ModelEvaluator, metrics: Metrics, log: VoteLog
    ) -> Site:
        seeds = self.driver.build_seeds(confirmations=CONFIRMATIONS)
        ports = Ports(
            view=ChainView(self.chain, self.driver.clock, seeds),
            clock=self.driver.clock,
            seeds=seeds,
            assess=Assessor(artefacts, evaluator.evaluate, busy_seconds=0).assess,
            artefacts=artefacts,
            signer=LocalSigner(bls_key=keys.bls, ecdsa_key=keys.ecdsa, domain=DOMAIN, backend=BLS, vote_log=log),
            domain=DOMAIN,
            get_time_ms=FakeClock().now_ms,
        )
        return Site(keys, Validator(ports, metrics), metrics, artefacts, evaluator)

    async def open_task(self, artefacts: Artefacts | None = None, **changes: Any) -> Task:
        """Open a task and mine until its seed block is deep enough."""
        task = await open_task(self.chain, self.files, artefacts, tolerance=TOLERANCE, **changes)
        await self.driver.mine_to(task.seed_block + CONFIRMATIONS)
        return task

    async def evaluate(
        self, task: Task, *, attempt: int = 0, drift: int = 0, code: Code | None = None
    ) -> tuple[Evaluation, Cid]:
        """Evaluate as the attempt's performer, `drift` off on both scores; store the report."""
        seed = self.chain.get_seed(task)
        artefacts = ArtefactStore(self.files)
        if code is Code.UNAVAILABLE:
            artefacts.missing.add(task.input.challenger_cid)
        assessor = Assessor(artefacts, ModelEvaluator(drift=drift).evaluate)
        assessment = await assessor.assess(task, seed, gives_up_on_challenger=code is Code.UNAVAILABLE)
        report = await self.files.add(assessment.report)
        evaluation = Evaluation(
            task_id=task.task_id,
            attempt=Attempt(attempt),
            performer=self.chain.get_performer(task, attempt).operator_id,
            input_hash=input_hash(task.input_root, seed),
            code=assessment.scores.code,
            champion_score=assessment.scores.champion_score,
            challenger_score=assessment.scores.challenger_score,
            gain_lower_bound=assessment.scores.gain_lower_bound,
            report_hash=report_hash(report),
        )
        return evaluation, report

    async def propose(self, task: Task, **how: Any) -> Record:
        """Return the record of the performer's proposal."""
        return seal(*await self.evaluate(task, **how))

    async def vote(self, site: Site, record: Record) -> Message:
        """Return the one message of the validator's answer, opened as every reader opens it."""
        (answer,) = await within(self.handle(site, record))
        assert answer.topic == Topic.ATTESTATIONS
        sender, message = read_message(deliver(answer), DOMAIN)
        assert sender == site.keys.operator_id
        return message

    async def handle(self, site: Site, record: Record) -> Sequence[Record]:
        """Handle a record as the map loop does: one that is early comes again."""
        while True:
            try:
                return await site.validator.on_evaluation(deliver(record))
            except TooEarly:
                await self.driver.clock.wait_for_next()

    def start(self, site: Site, record: Record) -> "asyncio.Task[Any]":
        """Handle the record in the background, at most until the scene closes."""
        self.running.append(asyncio.create_task(self.vote(site, record)))
        return self.running[-1]


@asynccontextmanager
async def open_scene(directory: Path) -> AsyncIterator[Scene]:
    chain = FakeChain(seal_operators(*KEYS), head=10)
    async with running_clock(chain) as driver:
        scene = Scene(chain, driver, MemoryStore(), directory)
        try:
            yield scene
        finally:
            for task in scene.running:
                task.cancel()
            await asyncio.gather(*scene.running, return_exceptions=True)
            for log, _ in scene.logs:
                log.close()


def keys_of(operator: OperatorId) -> OperatorKeys:
    return next(keys for keys in (*KEYS, STRANGER) if keys.operator_id == operator)


def seal(
    evaluation: Evaluation, report: Cid, *, sender: OperatorKeys | None = None, signer: OperatorKeys | None = None
) -> Record:
    """Return the record of a proposal; by default its performer sends and signs it."""
    performer = keys_of(evaluation.performer)
    signature = sign_digest((signer or performer).ecdsa, evaluation_digest(DOMAIN, evaluation))
    message = EvaluationProposed(evaluation, report, signature)
    return build_record(Topic.EVALUATIONS, message, signer=EcdsaSigner((sender or performer).ecdsa, DOMAIN), time_ms=1)
