"""Read what an operator must know about a task, from its own node. Implements the port `TaskReader`.

The views of one answer are read at one block, named by its hash, so that values of two branches are never mixed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from zarathustra.chain import abi
from zarathustra.chain.abi import decode_fact, load_abi
from zarathustra.chain.calls import Contract, ViewCall, fetch_head, fetch_header, fetch_views
from zarathustra.chain.logs import Log, LogFilter, scan_spans
from zarathustra.chain.operator_set import parse_operator_set
from zarathustra.chain.port import Deployment, Posting, Receipt
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
    BlockHash,
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


@dataclass(frozen=True)
class StoredTask:
    """AttestationCenter's struct `Task`, with its field names."""

    status: TaskStatus
    attempt: Attempt
    max_attempts: int
    quorum_bps: Bps
    attempt_blocks: int
    set_version: SetVersion
    seed_block: BlockNumber
    attempt_start: BlockNumber
    deadline: BlockNumber
    input_root: bytes
    seed: bytes


@dataclass(frozen=True)
class SealedSet:
    """AvsGovernance's struct `SealedSet`, with its field names."""

    pointer: Address
    count: int
    total_stake: Wei
    sealed_at: BlockNumber


class ChainTaskReader:
    """See `port.TaskReader`. Safe for concurrent use."""

    def __init__(self, rpc: Rpc, deployment: Deployment) -> None:
        self._rpc = rpc
        self._deployed_at = deployment.deployed_at
        self._governance = Contract(load_abi(abi.GOVERNANCE), deployment.governance)
        self._center = Contract(load_abi(abi.ATTESTATION_CENTER), deployment.attestation_center)
        self._market = Contract(load_abi(abi.MODEL_SUBMISSION), deployment.model_submission)
        self._sets: dict[SetVersion, OperatorSet] = {}  # one per sealed version: hundreds a year

    async def fetch_block_number(self) -> BlockNumber:
        """See `port.TaskReader`."""
        return (await fetch_head(self._rpc)).number

    async def fetch_block_hash(self, number: BlockNumber) -> BlockHash:
        """See `port.TaskReader`."""
        header = await fetch_header(self._rpc, number)
        if header is None:
            raise Retry(Reason.NO_SEED, "read block hash", number=number)
        return header.block_hash

    async def fetch_task(self, task_id: TaskId) -> Task:
        """See `port.TaskReader`. Raises Invalid(WRONG_INPUT) when an open task's input does not hash to its root."""
        head = await fetch_head(self._rpc)
        stored, project_id, index = await self._fetch_stored(task_id, head)
        view = ViewCall(self._market, "taskInput", (project_id, index))
        answers = await fetch_views(self._rpc, head.block_hash, [view])
        task_input = view.parse_struct(answers[0], TaskInput)
        _validate_input(stored, task_input)
        return _build_task(task_id, project_id, index, stored, task_input)

    async def fetch_operator_set(self, version: SetVersion) -> OperatorSet:
        """See `port.TaskReader`. Raises Retry when the node does not have the version, or not yet."""
        known = self._sets.get(version)
        if known is not None:
            return known

        head = await fetch_head(self._rpc)
        sealed = await self._fetch_sealed(version, head)
        code = await self._rpc.call(
            "eth_getCode", format_data(sealed.pointer), {"blockHash": format_data(head.block_hash)}
        )
        operators = parse_operator_set(version, parse_data(code))
        if operators.total_stake != sealed.total_stake or len(operators.operators) != sealed.count:
            raise Retry(Reason.RPC_ERROR, "sealed operator set does not add up", version=version)
        if head.number - sealed.sealed_at >= CACHE_DEPTH:
            self._sets[version] = operators
        return operators

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
        async for span in scan_spans(self._rpc, log_filter, task.seed_block, last):
            for log in span.logs:
                fact = decode_fact(event, log.topics, log.data)
                if isinstance(fact, TaskSubmitted | TaskRejected) and _is_of(fact, vote):
                    return await self._fetch_posting_of(log)
        return None

    async def _fetch_posting_of(self, log: Log) -> Posting:
        answer = await self._rpc.call("eth_getTransactionReceipt", format_data(log.transaction_hash))
        receipt = Receipt(log.transaction_hash, log.block_number, parse_quantity(parse_field(answer, "gasUsed")))
        return Posting(receipt, Address(parse_data(parse_field(answer, "from"), length=20)))

    async def fetch_turn_blocks(self) -> int:
        """See `port.TaskReader`."""
        head = await fetch_head(self._rpc)
        view = ViewCall(self._center, "parameters")
        answers = await fetch_views(self._rpc, head.block_hash, [view])
        _seed_delay, _max_attempts, _min_operators, turn_blocks = view.parse(answers[0])[0]
        return int(turn_blocks)

    async def _fetch_stored(self, task_id: TaskId, head: Header) -> tuple[StoredTask, ProjectId, SubmissionIndex]:
        views = [
            ViewCall(self._center, "getTask", (task_id,)),
            ViewCall(self._market, "submissionOf", (task_id,)),
        ]
        try:
            task_answer, place_answer = await fetch_views(self._rpc, head.block_hash, views)
        except Invalid as error:
            if error.details.get("error") != "UnknownTask":
                raise
            raise Invalid(Reason.UNKNOWN_TASK, "read task", task_id=task_id.hex()) from error
        project_id, index = views[1].parse(place_answer)
        return views[0].parse_struct(task_answer, StoredTask), project_id, index

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
        spans = [span async for span in scan_spans(self._rpc, log_filter, first, head.number)]
        # A dict, because after a reorganisation between two spans one opening may come twice.
        return list(dict.fromkeys(TaskId(log.topics[1]) for span in spans for log in span.logs))


def _is_of(fact: TaskSubmitted | TaskRejected, vote: Vote) -> bool:
    named = (fact.task_id, fact.attempt, fact.evaluation_hash)
    return named == (vote.task_id, vote.attempt, vote.evaluation_hash)


def _validate_input(stored: StoredTask, task_input: TaskInput) -> None:
    """Check an open task only: a submission opened again shows its newer task's input, and its older task is final."""
    if stored.status is TaskStatus.OPEN and input_root(task_input) != stored.input_root:
        raise Invalid(Reason.WRONG_INPUT, "rebuild input root", root=stored.input_root.hex())


def _build_task(
    task_id: TaskId, project_id: ProjectId, index: SubmissionIndex, stored: StoredTask, task_input: TaskInput
) -> Task:
    return Task(
        task_id=task_id,
        project_id=project_id,
        submission_index=index,
        status=stored.status,
        attempt=stored.attempt,
        attempt_start=stored.attempt_start,
        attempt_blocks=stored.attempt_blocks,
        max_attempts=stored.max_attempts,
        seed_block=stored.seed_block,
        deadline=stored.deadline,
        quorum_bps=stored.quorum_bps,
        set_version=stored.set_version,
        input_root=stored.input_root,
        input=task_input,
    )
