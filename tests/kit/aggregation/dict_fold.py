"""The aggregator's fold over a dict, for tests without Faust."""

import asyncio
from typing import Final

from services.aggregator.fold_loop import FIRST_DELAY_S, FoldLoop
from zarathustra.bus.port import Consumer
from zarathustra.core.aggregation.state import TaskState
from zarathustra.core.errors import Retry
from zarathustra.core.types import TaskId
from zarathustra.runtime.stopping import finishes_before, watch

FETCH_RECORDS: Final = 100
FETCH_TIMEOUT_S: Final = 0.2


class DictTable:
    """Keeps states in memory. A fold over it must read its topics from the beginning."""

    def __init__(self) -> None:
        self._states: dict[TaskId, TaskState] = {}

    def get(self, task_id: TaskId) -> TaskState | None:
        return self._states.get(task_id)

    def put(self, task_id: TaskId, state: TaskState | None) -> None:
        if state is None:
            self._states.pop(task_id, None)
        else:
            self._states[task_id] = state

    def list_tasks(self) -> list[TaskId]:
        return list(self._states)


async def run_over_dict(loop: FoldLoop, consumer: Consumer, stop: asyncio.Event) -> None:
    """Feed the loop from a consumer until stopped; `consumer` is entered by the caller.

    Commits nothing: states in a dict are rebuilt from the beginning of the log at each start.
    """
    async with watch(stop) as stopping:
        while not stopping.done():
            try:
                deliveries = await consumer.fetch(max_records=FETCH_RECORDS, timeout_s=FETCH_TIMEOUT_S)
            except Retry:
                await asyncio.wait({stopping}, timeout=FIRST_DELAY_S)
                continue
            for delivery in deliveries:
                if not await finishes_before(stopping, loop.handle(delivery)):
                    return
