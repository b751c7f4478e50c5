"""What an operator's own node says at the present head, each fact read once a block.

Records of strangers ask for these facts. However many records come, the node is asked as often as there are facts.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Final, TypeVar

from zarathustra.chain.port import TaskReader
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.task import OperatorSet, Task, TaskStatus
from zarathustra.core.types import OperatorId, Seed, SetVersion, TaskId
from zarathustra.duty.blocks import BlockClock
from zarathustra.duty.seeds import SeedDeriver
from zarathustra.duty.tasks import fetch_announced_task

# A final task can become open again only if the block that ended it is reorganised.
FINAL_BLOCKS: Final = 64
MAX_FINAL_TASKS: Final = 10_000  # a stranger can replay every old record; past this, the oldest are read again
LISTED_SETS: Final = 2  # an operator that has just left may still perform tasks that opened under the set before

T = TypeVar("T")


class ChainView:
    """Answers from memory until the head changes. Safe for concurrent use within one event loop."""

    def __init__(self, reader: TaskReader, clock: BlockClock, seeds: SeedDeriver) -> None:
        self._reader = reader
        self._clock = clock
        self._seeds = seeds
        self._head = clock.head
        self._reads: dict[Hashable, asyncio.Future[Any]] = {}
        self._final: OrderedDict[TaskId, tuple[Task, int]] = OrderedDict()  # with the head at which it was read
        self._listed: frozenset[OperatorId] | None = None

    async def fetch_task(self, task_id: TaskId) -> Task:
        """Return the task. Raises Retry if the node does not answer, or does not know it (yet)."""
        known = self._final.get(task_id)
        if known is not None and self._clock.head - known[1] < FINAL_BLOCKS:
            return known[0]
        task = await self._once(("task", task_id), lambda: fetch_announced_task(self._reader, task_id))
        if task.status is not TaskStatus.OPEN:
            self._remember_final(task)
        return task

    async def fetch_operators(self, version: SetVersion) -> OperatorSet:
        """Return a sealed set. Raises Retry if the node does not have it (yet)."""
        return await self._once(("set", version), lambda: self._reader.fetch_operator_set(version))

    async def derive_seed(self, task: Task) -> Seed:
        """Return the seed of a task whose seed is due. Raises Retry if the node lacks its block."""
        return await self._once(("seed", task.task_id, task.seed_block), lambda: self._seeds.derive(task))

    async def is_listed(self, operator_id: OperatorId) -> bool:
        """Return whether the operator is in one of the newest sealed sets.

        While the node does not answer, the last answer counts. Raises Retry if there is none.
        """
        try:
            self._listed = await self._once(("listed",), self._fetch_listed)
        except Retry:
            if self._listed is None:
                raise
        return operator_id in self._listed

    async def _fetch_listed(self) -> frozenset[OperatorId]:
        latest = await self._reader.fetch_latest_version()
        versions = [SetVersion(number) for number in range(max(1, latest - LISTED_SETS + 1), latest + 1)]
        sets = [await self.fetch_operators(version) for version in versions]
        return frozenset(operator.operator_id for sealed in sets for operator in sealed.operators)

    async def _once(self, key: Hashable, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what `read` gives; all who ask at the same head share one call. A failure is not kept."""
        if self._head != self._clock.head:
            self._head = self._clock.head
            self._reads.clear()
        reading = self._reads.get(key)
        if reading is None:
            reading = self._reads[key] = asyncio.ensure_future(read())
            reading.add_done_callback(lambda done: self._drop_failed(key, done))
        result: T = await asyncio.shield(reading)  # another asker may be cancelled; this one still wants the answer
        return result

    def _drop_failed(self, key: Hashable, done: "asyncio.Future[Any]") -> None:
        """Ask again the next time, unless the node did answer: that it does not know the task at this head."""
        error = None if done.cancelled() else done.exception()
        is_answer = not done.cancelled() and (
            error is None or (isinstance(error, Retry) and error.reason is Reason.UNKNOWN_TASK)
        )
        if not is_answer and self._reads.get(key) is done:
            del self._reads[key]

    def _remember_final(self, task: Task) -> None:
        self._final[task.task_id] = (task, self._clock.head)
        if len(self._final) > MAX_FINAL_TASKS:
            self._final.popitem(last=False)
