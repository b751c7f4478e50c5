"""The chain as the aggregator's unit tests have it: tasks to change, blocks to move, a sender that may refuse."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.kit.aggregation.keys import BLOCK_HASH, OPERATORS
from tests.kit.aggregation.votes import FIRST_BLOCK
from zarathustra.chain.port import Posting, Receipt
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.messages import CertificateIssued
from zarathustra.core.reasons import Reason
from zarathustra.core.task import OperatorSet, Task
from zarathustra.core.types import BlockHash, BlockNumber, OperatorId, ProjectId, SetVersion, TaskId
from zarathustra.core.vote import Vote
from zarathustra.duty.blocks import BlockClock

TURN_BLOCKS = 4


@dataclass
class FakeTaskReader:
    """`TaskReader`."""

    tasks: dict[TaskId, Task] = field(default_factory=dict)
    block: int = FIRST_BLOCK
    has_seed: bool = True
    reads: int = 0
    postings: dict[Vote, Posting] = field(default_factory=dict)

    async def fetch_block_number(self) -> BlockNumber:
        return BlockNumber(self.block)

    async def fetch_block_hash(self, number: BlockNumber) -> BlockHash:
        if not self.has_seed:
            raise Retry(Reason.NO_SEED, "read block hash")
        return BLOCK_HASH

    async def fetch_task(self, task_id: TaskId) -> Task:
        self.reads += 1
        if task_id not in self.tasks:
            raise Invalid(Reason.UNKNOWN_TASK, "read task")
        return self.tasks[task_id]

    async def fetch_operator_set(self, version: SetVersion) -> OperatorSet:
        return OPERATORS

    async def fetch_open_tasks(self) -> Sequence[TaskId]:
        return list(self.tasks)

    async def fetch_posting(self, task: Task, vote: Vote) -> Posting | None:
        return self.postings.get(vote)

    async def fetch_turn_blocks(self) -> int:
        return TURN_BLOCKS


@dataclass
class FakeTaskSender:
    """`TaskSender`; `refusal` is raised instead of posting."""

    operator_id: OperatorId
    refusal: Invalid | None = None
    posted: list[CertificateIssued] = field(default_factory=list)

    async def submit_certificate(self, certificate: CertificateIssued) -> Receipt:
        if self.refusal is not None:
            raise self.refusal
        self.posted.append(certificate)
        return Receipt(b"\x33" * 32, BlockNumber(200), 215_000)

    async def advance(self, project_id: ProjectId, max_steps: int) -> Receipt | None:
        return None

    async def expire_task(self, task_id: TaskId) -> Receipt | None:
        return None


@asynccontextmanager
async def ticking(reader: FakeTaskReader) -> AsyncIterator[BlockClock]:
    """A clock that follows the reader's block."""
    clock = BlockClock(reader.fetch_block_number, poll_seconds=0.001)
    stop = asyncio.Event()
    running = asyncio.create_task(clock.run(stop))
    try:
        await clock.wait_for(0)
        yield clock
    finally:
        stop.set()
        await running
