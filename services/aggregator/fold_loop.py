"""The aggregator's loop: records in, one state per task, certificates out.

    delivery ─▶ intake ─▶ fold ─▶ perform effects ─▶ produce and flush ─▶ save state ─▶ (caller) commit
                  │         ▲            │
                  │         └─ changes ──┘
                  ├─ Retry ───▶ the same record again, after a growing delay; records behind it wait
                  └─ Invalid ─▶ dead letter

Guarantees: at least once. A crash at any point repeats outputs byte for byte and loses none, because effects follow
from the state and the timer asks for them again. The table of states is a parameter: Faust's table in production, and a
dict that is rebuilt from the log at each start where everything runs in one process.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from zarathustra.bus.dead_letters import build_dead_letter
from zarathustra.bus.records import Delivery, Record
from zarathustra.core.aggregation.changes import Change, TaskRead
from zarathustra.core.aggregation.effects import Effect
from zarathustra.core.aggregation.fold import fold
from zarathustra.core.aggregation.rules import Rules
from zarathustra.core.aggregation.state import TaskState
from zarathustra.core.errors import Invalid, Retry, ZarathustraError
from zarathustra.core.reasons import Reason
from zarathustra.core.task import TaskStatus
from zarathustra.core.types import BlockNumber, TaskId
from zarathustra.duty.blocks import BlockClock
from zarathustra.runtime.stopping import finishes_before, watch
from zarathustra.telemetry.log import get_logger
from zarathustra.telemetry.metrics import Metrics

FIRST_DELAY_S: Final = 0.25
MAX_DELAY_S: Final = 10.0

Intake = Callable[[Delivery], Awaitable[Sequence[Change]]]
ReadTask = Callable[[TaskId], Awaitable[TaskRead]]
Send = Callable[[Sequence[Record]], Awaitable[None]]


@dataclass(frozen=True)
class Performed:
    """The result of an effect: changes to fold and records to send."""

    changes: tuple[Change, ...] = ()
    records: tuple[Record, ...] = ()


Perform = Callable[[Effect], Awaitable[Performed]]


class StateTable(Protocol):
    """Stores the states. Only one fold at a time calls it."""

    def get(self, task_id: TaskId) -> TaskState | None: ...

    def put(self, task_id: TaskId, state: TaskState | None) -> None:
        """Store the state; None deletes it."""

    def list_tasks(self) -> list[TaskId]: ...


@dataclass(frozen=True)
class FoldPorts:
    """The functions that the loop uses. `intake` raises Retry and Invalid; `send` returns after the flush."""

    intake: Intake
    read_task: ReadTask  # raises Invalid(UNKNOWN_TASK) when our node does not know the task
    perform: Perform
    send: Send
    dead_letters: str  # topic


class FoldLoop:
    """Folds one record or one tick at a time into the given table."""

    def __init__(self, ports: FoldPorts, table: StateTable, rules: Rules, metrics: Metrics) -> None:
        self._ports = ports
        self._table = table
        self._rules = rules
        self._one_at_a_time = asyncio.Lock()  # records and ticks fold the same states
        self._log = get_logger(component="fold")
        self._handled = metrics.counter(
            "records", "Records by how folding them ended: `folded` or a reason", ["topic", "ending"]
        )
        self._retries = metrics.counter("retries", "Times a record or a tick had to wait", ["reason"])
        metrics.gauge("held_tasks", "Tasks with a state").set_function(lambda: len(table.list_tasks()))

    async def handle(self, delivery: Delivery) -> None:
        """Return once every effect of the record is acknowledged and its state saved.

        Waits for broken infrastructure without a time limit, because giving up a record would lose a vote.
        """
        delay_s = FIRST_DELAY_S
        while True:
            try:
                await self._handle_once(delivery)
            except Retry as error:
                self._note_wait(error, delivery.record.key)
                await asyncio.sleep(delay_s)
                delay_s = min(2 * delay_s, MAX_DELAY_S)
            else:
                return

    async def run_timer(self, clock: BlockClock, stop: asyncio.Event) -> None:
        """Run `tick` at each new block, until stopped."""
        async with watch(stop) as stopping:
            while await finishes_before(stopping, clock.wait_for_next()):
                await self.tick(clock.head)

    async def tick(self, head: BlockNumber) -> None:
        """Read every task in the table again and fold it.

        This ends the wait for more votes, repeats lost effects and deletes the states of final tasks.
        """
        for task_id in self._table.list_tasks():
            try:
                await self._tick_task(task_id, head)
            except (Retry, Invalid) as error:  # the next tick asks again
                self._note_wait(error, task_id)

    async def _tick_task(self, task_id: TaskId, head: BlockNumber) -> None:
        read = await self._read_again(task_id, head)
        async with self._one_at_a_time:
            if self._table.get(task_id) is not None:  # else deleted meanwhile: a timer must not create a state
                await self._advance(task_id, [read])

    async def _handle_once(self, delivery: Delivery) -> None:
        topic = delivery.record.topic
        try:
            changes = await self._ports.intake(delivery)
        except Invalid as error:
            await self._ports.send([build_dead_letter(delivery, error, topic=self._ports.dead_letters)])
            self._handled.labels(topic=topic, ending=error.reason.code).inc()
            self._log.warning("Record refused", topic=topic, reason=error.reason.code, error=str(error))
            return

        async with self._one_at_a_time:
            await self._advance(TaskId(delivery.record.key), changes)
        self._handled.labels(topic=topic, ending="folded").inc()

    async def _read_again(self, task_id: TaskId, head: BlockNumber) -> TaskRead:
        try:
            return await self._ports.read_task(task_id)
        except Invalid as error:
            state = self._table.get(task_id)
            if error.reason is not Reason.UNKNOWN_TASK or state is None:
                raise
            # A reorganisation removed the task. It may come back, so keep its state for a while, like a final task's.
            return TaskRead(replace(state.task, status=TaskStatus.NONE), state.operators, head)

    async def _advance(self, task_id: TaskId, changes: Sequence[Change]) -> None:
        """Fold the changes and those that their effects give; send the records, then save the state."""
        before = self._table.get(task_id)
        state = before
        records: list[Record] = []
        pending = deque(changes)
        while pending:
            transition = fold(state, pending.popleft(), self._rules)
            state = transition.state
            for effect in transition.effects:
                performed = await self._ports.perform(effect)
                pending.extendleft(reversed(performed.changes))
                records += performed.records

        if records:
            await self._ports.send(records)
        if _is_worth_saving(before, state):
            self._table.put(task_id, state)

    def _note_wait(self, error: ZarathustraError, task_id: bytes) -> None:
        self._retries.labels(reason=error.reason.code).inc()
        self._log.warning("Fold waits", task_id=task_id, reason=error.reason.code, error=str(error))


def _is_worth_saving(before: TaskState | None, after: TaskState | None) -> bool:
    """Return whether more than the block changed: a write per block and task would flood the changelog."""
    if before is None or after is None:
        return before is not after
    return replace(after, block=before.block) != before
