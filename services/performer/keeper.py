"""The keeper, the performer's second job: calls functions that any account may call, so that no project waits.

`advance` opens the next revealed submission and finalises those whose time ran out; `expireTask` ends a task at its
deadline; `release` credits a reward that can no longer be disputed; `closeProject` and `withdrawEscrow` end a project
whose owner is gone. Every operator may run a keeper. With `advance` they take turns, so that only one of them sends a
transaction: the operator whose turn it is acts at once, the next one a block later, and so on. A simulation shows first
whether anything is left to do.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from zarathustra.chain.market import StoredProject, WithheldPlace
from zarathustra.chain.port import TaskReader, TaskSender
from zarathustra.core.errors import Invalid, Retry, ZarathustraError
from zarathustra.core.project import ProjectStatus
from zarathustra.core.task import turn_of
from zarathustra.core.types import BlockNumber, OperatorId, ProjectId, SetVersion, TaskId
from zarathustra.duty.blocks import BlockClock
from zarathustra.runtime.stopping import finishes_before, watch
from zarathustra.telemetry.log import get_logger
from zarathustra.telemetry.metrics import Metrics

ESCROW_GRACE_BLOCKS = 50_400  # the contract's ESCROW_GRACE
RANK_BLOCKS = 2  # so much later acts the next operator in the order of turns, if the one before it did not
MAX_STEPS = 8  # bounds the gas of one transaction; the next one does the rest


class Market(Protocol):
    """The part of the market that the keeper reads. `chain.market.MarketReader` implements it."""

    async def fetch_project_count(self) -> int: ...

    async def fetch_latest_set_version(self) -> SetVersion: ...

    async def fetch_stored_project(self, project_id: ProjectId) -> StoredProject: ...

    async def fetch_withheld_rewards(self) -> Sequence[WithheldPlace]: ...


@dataclass(frozen=True)
class KeeperPorts:
    """The adapters that the keeper uses. `operator_id` gives our place in the turns; `sender` may use another key."""

    reader: TaskReader
    market: Market
    clock: BlockClock
    sender: TaskSender
    operator_id: OperatorId


class Keeper:
    """Calls `advance` and `expireTask`. Chain events trigger it; a sweep finds what no event reported."""

    def __init__(self, ports: KeeperPorts, metrics: Metrics) -> None:
        self._ports = ports
        self._due: dict[ProjectId, BlockNumber] = {}
        self._log = get_logger(component="keeper")
        self._sent = metrics.counter("keeper_transactions", "Transactions sent as keeper", ["call"])
        self._failures = metrics.counter("keeper_failures", "Calls as keeper that failed", ["reason"])

    def poke(self, project_id: ProjectId) -> None:
        """Check a project from the next block on."""
        self._due.setdefault(project_id, BlockNumber(self._ports.clock.head + 1))

    async def run(self, stop: asyncio.Event, *, sweep_blocks: int) -> None:
        """Run until stopped."""
        last_sweep = BlockNumber(-sweep_blocks)
        async with watch(stop) as stopping:
            while await finishes_before(stopping, self._ports.clock.wait_for_next()):
                head = self._ports.clock.head
                if head - last_sweep >= sweep_blocks and await self._attempt(self._sweep()):
                    last_sweep = head
                for project_id, since in list(self._due.items()):
                    await self._attempt(self._keep(project_id, head, since))

    async def _attempt(self, work: Awaitable[None]) -> bool:
        """Do one piece of work; return False if it failed. A failure is counted, and a later block tries again."""
        try:
            await work
        except (Retry, Invalid) as error:
            self._note_failure(error)
            return False
        return True

    async def _keep(self, project_id: ProjectId, head: BlockNumber, since: BlockNumber) -> None:
        if head - since < await self._fetch_rank(head):
            return
        receipt = await self._ports.sender.advance(project_id, MAX_STEPS)
        if receipt is None:
            del self._due[project_id]
            return
        self._sent.labels(call="advance").inc()
        self._log.info("Project advanced", project_id=project_id, transaction_hash=receipt.transaction_hash)

    async def _sweep(self) -> None:
        for task_id in await self._ports.reader.fetch_open_tasks():
            await self._attempt(self._expire_if_overdue(task_id))
        rank = await self._fetch_rank(self._ports.clock.head)
        for place in await self._ports.market.fetch_withheld_rewards():
            await self._attempt(self._release_if_due(place, rank))
        for number in range(1, await self._ports.market.fetch_project_count() + 1):
            await self._attempt(self._end_if_abandoned(ProjectId(number), rank))
            self.poke(ProjectId(number))

    async def _release_if_due(self, place: WithheldPlace, rank: int) -> None:
        if self._ports.clock.head < place.until + rank * RANK_BLOCKS:
            return
        if await self._ports.sender.release(place.project_id, place.index) is not None:
            self._sent.labels(call="release").inc()
            self._log.info("Reward released", project_id=place.project_id, index=place.index)

    async def _end_if_abandoned(self, project_id: ProjectId, rank: int) -> None:
        """Close a project that takes no more commits; credit its escrow once its owner had time to do that."""
        project = await self._ports.market.fetch_stored_project(project_id)
        head = self._ports.clock.head - rank * RANK_BLOCKS
        is_idle = project.head == project.submission_count
        is_open = project.status is ProjectStatus.OPEN or (project.status is ProjectStatus.SUSPENDED and is_idle)
        if is_open and head >= project.open_until:
            if await self._ports.sender.close_project(project_id) is not None:
                self._sent.labels(call="closeProject").inc()
                self._log.info("Project closed", project_id=project_id)
            return
        is_left = project.status is ProjectStatus.CLOSED and is_idle and project.pool_free + project.budget_free > 0
        if not is_left or head < project.open_until + ESCROW_GRACE_BLOCKS:
            return
        if await self._ports.sender.withdraw_escrow(project_id) is not None:
            self._sent.labels(call="withdrawEscrow").inc()
            self._log.info("Escrow credited to the project's owner", project_id=project_id)

    async def _expire_if_overdue(self, task_id: TaskId) -> None:
        task = await self._ports.reader.fetch_task(task_id)
        if self._ports.clock.head < task.deadline:
            return
        if await self._ports.sender.expire_task(task_id) is not None:
            self._sent.labels(call="expireTask").inc()
            self._log.info("Task expired", task_id=task_id)
            self.poke(task.project_id)

    async def _fetch_rank(self, head: BlockNumber) -> int:
        """Return how many operators come before us in this turn; 0 if we are not in the latest set."""
        version = await self._ports.market.fetch_latest_set_version()
        operators = (await self._ports.reader.fetch_operator_set(version)).operators
        order = [operator.operator_id for operator in operators]
        if self._ports.operator_id not in order:
            return 0
        first = order.index(turn_of(operators, head, await self._ports.reader.fetch_turn_blocks()).operator_id)
        return (order.index(self._ports.operator_id) - first) % len(order)

    def _note_failure(self, error: ZarathustraError) -> None:
        self._failures.labels(reason=error.reason.code).inc()
        self._log.warning("Keeper call failed", reason=error.reason.code, error=str(error))
