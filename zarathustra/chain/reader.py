"""Read what an operator must know about a task, from its own node. Implements the port `TaskReader`.

The views of one answer are read at one block, named by its hash, so that values of two branches are never mixed.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from zarathustra.chain import abi
from zarathustra.chain.abi import decode_fact, load_abi
from zarathustra.chain.calls import Contract, ViewCall, fetch_head, fetch_views
from zarathustra.chain.headers import fetch_seed_header
from zarathustra.chain.history import ChainHistory
from zarathustra.chain.logs import Log, LogFilter, Pace, scan_spans
from zarathustra.chain.market import MarketReader
from zarathustra.chain.operator_set import parse_operator_set
from zarathustra.chain.port import Deployment, Posting, Receipt, SeedHeader
from zarathustra.chain.quantities import format_data, parse_data, parse_field, parse_quantity
from zarathustra.chain.rpc import Rpc
from zarathustra.core.canonical import Header
from zarathustra.core.digests import TaskInput, input_root
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.events import TaskRejected, TaskSubmitted
from zarathustra.core.project import MAX_TASK_BLOCKS
from zarathustra.core.reasons import Reason
from zarathustra.core.task import OperatorSet, Task, TaskStatus
from zarathustra.core.types import (
    ZERO_ADDRESS,
    Address,
    Attempt,
    BlockNumber,
    Bps,
    ProjectId,
    SetVersion,
    SubmissionIndex,
    TaskId,
    Wei,
)
from zarathustra.core.vote import Vote

# In blocks. A sealed version never changes, but the block that sealed it may still be reorganised: a set younger than
# this is read again each time.
CACHE_DEPTH: Final = 64
# In blocks. A task can be expired only after its deadline, and keepers must still find it then.
EXPIRY_MARGIN: Final = 1_000
MAX_REMEMBERED_INPUTS: Final = 1_000  # an attacker pays for each task; beyond this the oldest are read again


@dataclass(frozen=True)
class StoredTask:
    """AttestationCenter's struct `Task`, with its field names."""

    status: TaskStatus
    attempt: Attempt
    max_attempts: int
    quorum_bps: Bps
    attempt_blocks: int
    attempt_offset: int  # from the seed block to the start of the stored attempt
    set_version: SetVersion
    seed_block: BlockNumber
    project_id: ProjectId
    submission_index: SubmissionIndex
    settlement: int
    input_root: bytes

    @property
    def deadline(self) -> BlockNumber:
        """The first block that belongs to no attempt."""
        return BlockNumber(self.seed_block + self.max_attempts * self.attempt_blocks)


@dataclass(frozen=True)
class CenterParameters:
    """AttestationCenter's struct `Parameters`, with its field names."""

    min_operators: int
    turn_blocks: int
    guilty_slash_bps: Bps
    conflict_slash_bps: Bps
    overturned_slash_bps: Bps


@dataclass(frozen=True)
class SealedSet:
    """AvsGovernance's struct `SealedSet`, with its field names."""

    pointer: Address
    sealed_at: BlockNumber
    count: int
    occupied: int  # bit i: slot i has an operator
    total_stake: Wei


class ChainTaskReader:
    """See `port.TaskReader`. Safe for concurrent use."""

    def __init__(self, rpc: Rpc, deployment: Deployment) -> None:
        self._rpc = rpc
        self._deployed_at = deployment.deployed_at
        self._governance = Contract(load_abi(abi.GOVERNANCE), deployment.governance)
        self._center = Contract(load_abi(abi.ATTESTATION_CENTER), deployment.attestation_center)
        self._market_reader = MarketReader(rpc, deployment)
        self._history = ChainHistory(rpc, deployment)
        self._pace = Pace()
        self._sets: dict[SetVersion, OperatorSet] = {}  # one per sealed version: hundreds a year
        self._inputs: OrderedDict[bytes, TaskInput] = OrderedDict()  # by root, which commits to all of an input

    async def fetch_block_number(self) -> BlockNumber:
        """See `port.TaskReader`."""
        return (await fetch_head(self._rpc)).number

    async def fetch_seed_header(self, number: BlockNumber) -> SeedHeader:
        """See `port.TaskReader`."""
        return await fetch_seed_header(self._rpc, number)

    async def fetch_task(self, task_id: TaskId) -> Task:
        """See `port.TaskReader`. Raises Retry(RPC_ERROR) when the node's events do not hash to the task's root."""
        head = await fetch_head(self._rpc)
        stored = await self._fetch_stored(task_id, head)
        task_input = self._inputs.get(stored.input_root)
        if task_input is None:
            task_input = await self._fetch_input(task_id, stored)
        return _build_task(task_id, stored, task_input)

    async def fetch_operator_set(self, version: SetVersion) -> OperatorSet:
        """See `port.TaskReader`. Raises Retry when the node does not have the version, or not yet."""
        known = self._sets.get(version)
        if known is not None:
            return known

        head = await fetch_head(self._rpc)
        sealed = await self._fetch_sealed(version, head)
        operators: OperatorSet = await self._rpc.call(
            "eth_getCode",
            format_data(sealed.pointer),
            {"blockHash": format_data(head.block_hash)},
            parse=lambda answer: _parse_set(answer, version, sealed),
        )
        if head.number - sealed.sealed_at >= CACHE_DEPTH:
            self._sets[version] = operators
        return operators

    async def fetch_latest_version(self) -> SetVersion:
        """See `port.TaskReader`."""
        head = await fetch_head(self._rpc)
        view = ViewCall(self._governance, "latestVersion")
        answers = await fetch_views(self._rpc, head.block_hash, [view])
        return SetVersion(view.parse(answers[0])[0])

    async def fetch_open_tasks(self) -> Sequence[TaskId]:
        """See `port.TaskReader`. In the order in which they were opened."""
        head = await fetch_head(self._rpc)
        opened = await self._fetch_opened(head)
        views = [ViewCall(self._center, "getTask", (task_id,)) for task_id in opened]
        answers = await fetch_views(self._rpc, head.block_hash, views)
        stored = [view.parse_struct(answer, StoredTask) for view, answer in zip(views, answers, strict=True)]
        return [task_id for task_id, task in zip(opened, stored, strict=True) if task.status is TaskStatus.OPEN]

    async def fetch_posting(self, task: Task, vote: Vote) -> Posting | None:
        """See `port.TaskReader`."""
        head = await fetch_head(self._rpc)
        event = self._center.abi.get_event("TaskSubmitted" if vote.approved else "TaskRejected")
        log_filter = LogFilter((self._center.address,), (event.hash,))
        last = BlockNumber(min(head.number, task.deadline))
        async for span in scan_spans(self._rpc, log_filter, task.seed_block, last, pace=self._pace):
            for log in span.logs:
                fact = decode_fact(event, log.topics, log.data)
                if isinstance(fact, TaskSubmitted | TaskRejected) and _is_of(fact, vote):
                    return await self._fetch_posting_of(log)
        return None

    async def _fetch_posting_of(self, log: Log) -> Posting:
        def parse(answer: Any) -> Posting:
            receipt = Receipt(log.transaction_hash, log.block_number, parse_quantity(parse_field(answer, "gasUsed")))
            return Posting(receipt, Address(parse_data(parse_field(answer, "from"), length=20)))

        posting: Posting = await self._rpc.call(
            "eth_getTransactionReceipt", format_data(log.transaction_hash), parse=parse
        )
        return posting

    async def fetch_turn_blocks(self) -> int:
        """See `port.TaskReader`."""
        head = await fetch_head(self._rpc)
        view = ViewCall(self._center, "parameters")
        answers = await fetch_views(self._rpc, head.block_hash, [view])
        return int(view.parse_struct(answers[0], CenterParameters).turn_blocks)

    async def _fetch_stored(self, task_id: TaskId, head: Header) -> StoredTask:
        view = ViewCall(self._center, "getTask", (task_id,))
        answers = await fetch_views(self._rpc, head.block_hash, [view])
        stored = view.parse_struct(answers[0], StoredTask)
        if stored.status is TaskStatus.NONE:
            raise Invalid(Reason.UNKNOWN_TASK, "read task", task_id=task_id.hex())
        return stored

    async def _fetch_input(self, task_id: TaskId, stored: StoredTask) -> TaskInput:
        """Collect a task's input from the events that its project and submissions name; keep it."""
        project = await self._market_reader.fetch_project(stored.project_id)
        opened_at = BlockNumber(stored.seed_block - project.params.seed_delay)
        opened = await self._history.fetch_opened(task_id, opened_at)
        champion = await self._market_reader.fetch_parameters_cid(stored.project_id, opened.champion_index)
        challenger = await self._market_reader.fetch_parameters_cid(stored.project_id, stored.submission_index)
        task_input = TaskInput(
            task_id=task_id,
            architecture_cid=project.params.architecture_cid,
            evaluator_cid=project.params.evaluator_cid,
            champion_cid=champion,
            challenger_cid=challenger,
            rounds=project.params.rounds,
            k=opened.k,
            alpha_ppm=project.params.alpha_ppm,
            tolerance=project.params.tolerance,
        )
        if input_root(task_input) != stored.input_root:  # a reorganisation between two of the reads
            raise Retry(Reason.RPC_ERROR, "events do not hash to the input root", root=stored.input_root.hex())
        self._remember(stored.input_root, task_input)
        return task_input

    def _remember(self, root: bytes, task_input: TaskInput) -> None:
        self._inputs[root] = task_input
        if len(self._inputs) > MAX_REMEMBERED_INPUTS:
            self._inputs.popitem(last=False)

    async def _fetch_sealed(self, version: SetVersion, head: Header) -> SealedSet:
        view = ViewCall(self._governance, "sealedSet", (version,))
        answers = await fetch_views(self._rpc, head.block_hash, [view])
        sealed = view.parse_struct(answers[0], SealedSet)
        if sealed.pointer == ZERO_ADDRESS:
            raise Retry(Reason.RPC_ERROR, "operator set is not sealed on this node", version=version)
        return sealed

    async def _fetch_opened(self, head: Header) -> list[TaskId]:
        topic = self._center.abi.get_event("TaskOpened").hash
        first = BlockNumber(max(self._deployed_at, head.number - MAX_TASK_BLOCKS - EXPIRY_MARGIN))
        log_filter = LogFilter((self._center.address,), (topic,))
        spans = [span async for span in scan_spans(self._rpc, log_filter, first, head.number, pace=self._pace)]
        # A dict, because after a reorganisation between two spans one opening may come twice.
        return list(dict.fromkeys(TaskId(log.topics[1]) for span in spans for log in span.logs))


def _parse_set(answer: Any, version: SetVersion, sealed: SealedSet) -> OperatorSet:
    operators = parse_operator_set(version, parse_data(answer))
    if operators.total_stake != sealed.total_stake or len(operators.operators) != sealed.count:
        raise Retry(Reason.RPC_ERROR, "sealed operator set does not add up", version=version)
    return operators


def _is_of(fact: TaskSubmitted | TaskRejected, vote: Vote) -> bool:
    named = (fact.task_id, fact.attempt, fact.evaluation_hash)
    return named == (vote.task_id, vote.attempt, vote.evaluation_hash)


def _build_task(task_id: TaskId, stored: StoredTask, task_input: TaskInput) -> Task:
    return Task(
        task_id=task_id,
        project_id=stored.project_id,
        submission_index=stored.submission_index,
        status=stored.status,
        attempt=stored.attempt,
        attempt_start=BlockNumber(stored.seed_block + stored.attempt_offset),
        attempt_blocks=stored.attempt_blocks,
        max_attempts=stored.max_attempts,
        seed_block=stored.seed_block,
        deadline=stored.deadline,
        quorum_bps=stored.quorum_bps,
        set_version=stored.set_version,
        input_root=stored.input_root,
        input=task_input,
    )
