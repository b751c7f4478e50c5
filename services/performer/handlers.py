"""The performer's handler: follows an open task; in its operator's attempts it evaluates and proposes.

    TaskOpened ─▶ wait for the seed ─▶ each block: is the attempt ours and not yet proposed? ─▶ does it pay enough?
    ─▶ evaluate ─▶ pin inputs ─▶ add the report ─▶ publish EvaluationProposed ─▶ … until the task is final

One call to `perform` follows a task to its end, because after a rejected or silent attempt a later one may be ours. It
keeps no state that matters: after a restart it proposes the same bytes again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from zarathustra.bus.records import Delivery, Record
from zarathustra.chain.market import StoredProject
from zarathustra.chain.port import TaskReader
from zarathustra.core.digests import input_hash, report_hash
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.events import (
    ChainEvent,
    Retracted,
    SubmissionReopened,
    SubmissionRevealed,
    SubmissionSettled,
    TaskOpened,
)
from zarathustra.core.fees import FeeFloors
from zarathustra.core.messages import EvaluationProposed
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Task, TaskStatus, attempt_end, effective_attempt, is_half_over, performer_of
from zarathustra.core.types import Attempt, Evaluation, ProjectId, Seed, TaskId, Topic
from zarathustra.duty.assessment import Assess
from zarathustra.duty.blocks import BlockClock
from zarathustra.duty.seeds import SeedDeriver
from zarathustra.duty.tasks import fetch_announced_task
from zarathustra.runtime.records import GetTimeMs, build_record, read_chain_event
from zarathustra.runtime.stopping import pause
from zarathustra.signing.signer import RecordSigner
from zarathustra.store.port import ArtefactWriter
from zarathustra.telemetry.log import get_logger
from zarathustra.telemetry.metrics import Metrics

MAX_FOLLOWED_TASKS = 1_000  # each open task costs a stranger a bond; past this, new ones wait until a sweep finds room

Send = Callable[[Sequence[Record]], Awaitable[None]]


class Market(Protocol):
    """The part of the market that the performer reads. `chain.market.MarketReader` implements it."""

    async def fetch_stored_project(self, project_id: ProjectId) -> StoredProject: ...


@dataclass(frozen=True)
class Ports:
    """The adapters that the performer uses, and the least fees for which it works."""

    reader: TaskReader
    market: Market
    floors: FeeFloors
    clock: BlockClock
    seeds: SeedDeriver
    assess: Assess
    writer: ArtefactWriter
    signer: RecordSigner
    send: Send
    get_time_ms: GetTimeMs


class Performer:
    """Follows every open task. The same task may come twice, from the bus and from the sweep."""

    def __init__(self, ports: Ports, metrics: Metrics, *, on_project_moved: Callable[[ProjectId], None]) -> None:
        """`on_project_moved` is called with each project that may need `advance`; it pokes the keeper."""
        self._ports = ports
        self._on_project_moved = on_project_moved
        self._followed: set[TaskId] = set()
        self._log = get_logger(component="performer")
        self._proposals = metrics.counter("evaluations", "Evaluations proposed", ["code", "reason"])
        self._failures = metrics.counter("failures", "Attempts and tasks that failed here", ["reason"])
        self._seconds = metrics.histogram("evaluation_seconds", "Fetching and evaluating one attempt")
        metrics.gauge("followed_tasks", "Tasks being followed").set_function(lambda: len(self._followed))

    async def on_chain_event(self, delivery: Delivery) -> Sequence[Record]:
        """Handle a record of `chain-events.v1`. Proposals are sent at once, so it returns no records."""
        match read_chain_event(delivery):
            case ChainEvent(fact=TaskOpened(task_id=task_id)):
                await self.perform(task_id)
            case ChainEvent(
                fact=SubmissionRevealed() | SubmissionReopened() | SubmissionSettled(), project_id=project_id
            ):
                self._on_project_moved(project_id)
            case Retracted(event=ChainEvent(fact=TaskOpened(task_id=task_id))):
                # Our own node knows whether the task still exists; `perform` asks it at every block.
                self._note_failure(task_id, Reason.RETRACTED)
        return ()

    async def sweep(self, stop: asyncio.Event, *, every_seconds: float) -> None:
        """Follow open tasks of our own node that the bus did not report, until stopped."""
        running: set[asyncio.Task[None]] = set()
        try:
            while not stop.is_set():
                running = {task for task in running if not _is_over(task)}
                for task_id in await self._fetch_missing():
                    running.add(asyncio.create_task(self._perform_swept(task_id)))
                await pause(stop, every_seconds)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def perform(self, task_id: TaskId) -> None:
        """Follow a task until it is final and propose in the attempts that are ours.

        Returns at once if the task is already followed, or if MAX_FOLLOWED_TASKS are: a later sweep finds it again.
        Raises Retry when our node does not answer or does not know the task yet.
        """
        if task_id in self._followed or len(self._followed) >= MAX_FOLLOWED_TASKS:
            return
        self._followed.add(task_id)
        try:
            await self._follow(task_id)
        finally:
            self._followed.discard(task_id)

    async def _follow(self, task_id: TaskId) -> None:
        ports = self._ports
        handled: set[tuple[Attempt | None, bytes]] = set()  # proposed, or left out
        while True:
            task = await fetch_announced_task(self._ports.reader, task_id)
            if task.status is not TaskStatus.OPEN or ports.clock.head >= task.deadline:
                return
            if not ports.seeds.is_due(task):
                # Block by block: a reorganisation may give the task another seed block while we wait.
                await ports.clock.wait_for_next()
                continue
            seed = await ports.seeds.derive(task)
            attempt = effective_attempt(task, ports.clock.head)
            # By input and not by seed: on another branch the same task may have another champion.
            key = (attempt, input_hash(task.input_root, seed))
            if attempt is not None and key not in handled and await self._is_ours(task, seed, attempt):
                if not await self._pays_enough(task) or await self._propose(task, seed, attempt):
                    handled.add(key)
                continue
            await ports.clock.wait_for_next()

    async def _is_ours(self, task: Task, seed: Seed, attempt: Attempt) -> bool:
        operators = await self._ports.reader.fetch_operator_set(task.set_version)
        chosen = performer_of(operators.operators, seed, attempt)
        return chosen.operator_id == self._ports.signer.operator_id

    async def _pays_enough(self, task: Task) -> bool:
        """Return whether to work for the task's fee; note it if not. Its fee and token never change."""
        if not self._ports.floors.is_set:
            return True
        project = await self._ports.market.fetch_stored_project(task.project_id)
        if self._ports.floors.accept(project.token, project.fee):
            return True
        self._note_failure(task.task_id, Reason.LOW_FEE)
        return False

    async def _propose(self, task: Task, seed: Seed, attempt: Attempt) -> bool:
        """Evaluate and publish. Return False if this cannot be done now; the caller tries it again."""
        ports = self._ports
        is_late = is_half_over(task, attempt, ports.clock.head)
        try:
            with self._seconds.time():
                work = ports.assess(task, seed, gives_up_on_challenger=is_late)
                assessment = await ports.clock.run_until(attempt_end(task, attempt) + 1, work)
            await self._pin_inputs(task, assessment.scores.code)
            report_cid = await ports.writer.add(assessment.report)
        except Retry as error:
            self._note_failure(task.task_id, error.reason)
            await ports.clock.wait_for_next()
            return False
        evaluation = Evaluation(
            task_id=task.task_id,
            attempt=attempt,
            performer=ports.signer.operator_id,
            input_hash=input_hash(task.input_root, seed),
            code=assessment.scores.code,
            champion_score=assessment.scores.champion_score,
            challenger_score=assessment.scores.challenger_score,
            gain_lower_bound=assessment.scores.gain_lower_bound,
            report_hash=report_hash(report_cid),
        )
        message = EvaluationProposed(evaluation, report_cid, ports.signer.sign_evaluation(evaluation))
        await ports.send([build_record(Topic.EVALUATIONS, message, signer=ports.signer, time_ms=ports.get_time_ms())])
        reason = assessment.reason.code if assessment.reason else ""
        self._proposals.labels(code=evaluation.code.name, reason=reason).inc()
        self._log.info(
            "Evaluation proposed",
            task_id=task.task_id,
            attempt=attempt,
            code=evaluation.code.name,
            reason=reason,
            champion_score=evaluation.champion_score,
            challenger_score=evaluation.challenger_score,
            gain_lower_bound=evaluation.gain_lower_bound,
        )
        return True

    async def _pin_inputs(self, task: Task, code: Code) -> None:
        """Pin the evaluated artefacts, so that a contributor cannot serve them to some attesters only.

        Raises Retry while an artefact that the evaluation depends on cannot be pinned.
        """
        for cid in (task.input.architecture_cid, task.input.evaluator_cid, task.input.champion_cid):
            with suppress(Invalid):  # the artefact is invalid, as the evaluation says; there is nothing to pin
                await self._ports.writer.pin(cid)
        # Other codes do not depend on the challenger's parameters, which may be unavailable: no attester needs them.
        is_needed = code in (Code.VALID, Code.INVALID)
        with suppress(Invalid) if is_needed else suppress(Invalid, Retry):
            await self._ports.writer.pin(task.input.challenger_cid)

    async def _fetch_missing(self) -> list[TaskId]:
        try:
            tasks = await self._ports.reader.fetch_open_tasks()
        except Retry as error:
            self._failures.labels(reason=error.reason.code).inc()
            return []
        return [task_id for task_id in tasks if task_id not in self._followed][
            : MAX_FOLLOWED_TASKS - len(self._followed)
        ]

    async def _perform_swept(self, task_id: TaskId) -> None:
        try:
            await self.perform(task_id)
        except (Retry, Invalid) as error:
            self._note_failure(task_id, error.reason)

    def _note_failure(self, task_id: TaskId, reason: Reason) -> None:
        self._failures.labels(reason=reason.code).inc()
        self._log.warning("Attempt not performed", task_id=task_id, reason=reason.code)


def _is_over(task: "asyncio.Task[None]") -> bool:
    """Return whether the task ended. Raises its exception (a bug) here, where the service's lifecycle sees it."""
    if task.done() and not task.cancelled():
        task.result()
    return task.done()
