"""A chain, an operator's ports and models in memory, for services that run without a network.

They behave: blocks are mined and reorganised, tasks move through their attempts, signatures are real. Everything that a
real node or broker can do to a service (lag, fail, forget) is done by setting a field or calling a method here.
"""

import asyncio
import hashlib
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from zarathustra.bus.records import Delivery, Record
from zarathustra.chain.port import Deployment, Posting, Receipt
from zarathustra.core.digests import Domain, TaskInput, input_hash, input_root, seed
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.messages import CertificateIssued
from zarathustra.core.outcomes import Code
from zarathustra.core.promotion import sub_seed
from zarathustra.core.reasons import Reason
from zarathustra.core.task import (
    Operator,
    OperatorSet,
    Task,
    TaskStatus,
    effective_attempt,
    performer_of,
)
from zarathustra.core.types import (
    Address,
    Attempt,
    BlockHash,
    BlockNumber,
    Bps,
    Cid,
    Micro,
    OperatorId,
    Ppm,
    ProjectId,
    Seed,
    SetVersion,
    Slot,
    SubmissionIndex,
    TaskId,
    Wei,
)
from zarathustra.core.vote import Vote
from zarathustra.duty.blocks import BlockClock
from zarathustra.signing.bls_fast import FastBls
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import BlsSecretKey, EcdsaSecretKey
from zarathustra.store.cid import BlockId
from zarathustra.store.memory import MemoryStore
from zarathustra.telemetry.metrics import Metrics
from zarathustra.wire.evaluator import EvaluateRequest, EvaluateResult

T = TypeVar("T")

DEPLOYMENT = Deployment(
    chain_id=31_337,
    governance=Address(b"\x01" * 20),
    attestation_center=Address(b"\x02" * 20),
    avs_logic=Address(b"\x03" * 20),
    model_submission=Address(b"\x04" * 20),
    deployed_at=BlockNumber(0),
)
DOMAIN = Domain(DEPLOYMENT.chain_id, DEPLOYMENT.attestation_center)
DEADLINE_SECONDS = 10.0  # of any wait in a test: far beyond what it takes, so that only a hang meets it
IDLE_TURNS = 100  # of the event loop: more than any chain of callbacks between two waits here is long
NO_TRANSACTION = Receipt(b"\x7a" * 32, BlockNumber(0), 21_000)


# ---- waiting


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; fail when it does not in time."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():
            await asyncio.sleep(0)


async def within(work: Awaitable[T]) -> T:
    """The result of `work`, or a failure when it hangs."""
    return await asyncio.wait_for(work, DEADLINE_SECONDS)


async def let_others_run() -> None:
    """Return once everything that waits for nothing but the event loop has had its turns."""
    for _ in range(IDLE_TURNS):
        await asyncio.sleep(0)


def count(metrics: Metrics, name: str, **labels: str) -> float:
    """A metric's value; 0 before it was first touched."""
    return metrics.registry.get_sample_value(f"zarathustra_{metrics.service}_{name}", labels) or 0.0


class FastForwardLoop(asyncio.SelectorEventLoop):
    """An event loop that skips waits: when nothing is ready, its clock jumps to the next timer.

    For tests of deadlines. Not for code that waits for threads or sockets: those take real time.
    """

    def __init__(self) -> None:
        self._skipped = 0.0
        super().__init__(_SkippingSelector(self._skip))

    def time(self) -> float:
        return super().time() + self._skipped

    def _skip(self, seconds: float) -> None:
        self._skipped += seconds


class _SkippingSelector(selectors.DefaultSelector):
    def __init__(self, skip: Callable[[float], None]) -> None:
        super().__init__()
        self._skip = skip

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is not None and timeout > 0:
            self._skip(timeout)
            return []
        if not ready and timeout is None:
            raise RuntimeError("nothing will ever happen: everybody waits, and for no timer")
        return ready


def fast_forward(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` on a loop of its own that skips waits."""
    with asyncio.Runner(loop_factory=FastForwardLoop) as runner:
        return runner.run(work)


# ---- operators


@dataclass(frozen=True)
class OperatorKeys:
    """Both keys of one operator."""

    ecdsa: EcdsaSecretKey
    bls: BlsSecretKey

    @property
    def operator_id(self) -> OperatorId:
        return OperatorId(compute_address(self.ecdsa))


def make_keys(number: int) -> OperatorKeys:
    """Operator `number`'s keys, the same in every run."""
    return OperatorKeys(EcdsaSecretKey.from_int(1_000 + number), BlsSecretKey.from_int(2_000 + number))


def seal_operators(*operators: OperatorKeys, version: int = 1) -> OperatorSet:
    """A set of equal stakes with real keys, in the slots 0, 1, …"""
    backend = FastBls()
    return OperatorSet(
        SetVersion(version),
        tuple(
            Operator(Slot(slot), keys.operator_id, Wei(10), backend.public_key(keys.bls))
            for slot, keys in enumerate(operators)
        ),
    )


# ---- chain


class FakeChain:
    """A chain of numbered blocks, the tasks on it and its operator sets: a `TaskReader`, and the market's counters.

    `mine` and `reorganise` move it, `put_task` and its kin are what the contracts would do. Clocks made by
    `running_clock` see each new head at once.
    """

    def __init__(self, operators: OperatorSet, *, head: int = 0, turn_blocks: int = 5) -> None:
        self.is_reachable = True  # set False: every read raises Retry(RPC_UNREACHABLE)
        self.turn_blocks = turn_blocks
        self.project_count = 0
        self.pending_steps: dict[ProjectId, int] = {}  # what `advance` would do
        self.unreadable: set[TaskId] = set()  # reading these fails, as with a node that answers nonsense
        self.postings: dict[Vote, Posting] = {}
        self._tasks: dict[TaskId, Task] = {}
        self._sets = {operators.version: operators}
        self._branches = 0
        self._hashes: list[BlockHash] = []
        self._news = asyncio.Event()
        self.mine(head + 1)

    @property
    def head(self) -> BlockNumber:
        return BlockNumber(len(self._hashes) - 1)

    @property
    def operators(self) -> OperatorSet:
        return self._sets[max(self._sets)]

    # What happens on chain

    def mine(self, blocks: int = 1) -> None:
        """Append blocks."""
        for _ in range(blocks):
            name = f"{self._branches}/{len(self._hashes)}"
            self._hashes.append(BlockHash(hashlib.sha256(name.encode()).digest()))
        self.announce()

    def reorganise(self, depth: int, *, mined: int) -> None:
        """Replace the newest `depth` blocks by `mined` others. Tasks stay as they are: change them as you need."""
        self._branches += 1
        del self._hashes[len(self._hashes) - depth :]
        self.mine(mined)

    def seal(self, operators: OperatorSet) -> None:
        """Add a newer operator set."""
        self._sets[operators.version] = operators

    def put_task(self, task: Task) -> Task:
        """Open a task, or overwrite it."""
        self._tasks[task.task_id] = task
        return task

    def remove_task(self, task_id: TaskId) -> None:
        """The block that opened the task is gone."""
        del self._tasks[task_id]

    def get_task(self, task_id: TaskId) -> Task:
        return self._tasks[task_id]

    def close_task(self, task_id: TaskId, status: TaskStatus = TaskStatus.SETTLED) -> None:
        """Make a task final."""
        self._tasks[task_id] = replace(self._tasks[task_id], status=status)

    def reject_attempt(self, task_id: TaskId) -> None:
        """A certificate rejects the effective attempt: the next one starts at this block."""
        task = self._tasks[task_id]
        attempt = effective_attempt(task, self.head)
        if attempt is None:
            raise Invalid(Reason.REVERTED, "reject attempt", error="AttemptNotStarted")
        self._tasks[task_id] = replace(task, attempt=Attempt(attempt + 1), attempt_start=self.head)

    # TaskReader

    async def fetch_block_number(self) -> BlockNumber:
        """See `port.TaskReader`."""
        self._check_reachable()
        return self.head

    async def fetch_block_hash(self, number: BlockNumber) -> BlockHash:
        """See `port.TaskReader`."""
        self._check_reachable()
        if number > self.head:
            raise Retry(Reason.NO_SEED, "read block hash", number=number)
        return self._hashes[number]

    async def fetch_task(self, task_id: TaskId) -> Task:
        """See `port.TaskReader`."""
        self._check_reachable()
        if task_id in self.unreadable:
            raise Retry(Reason.RPC_ERROR, "read task")
        if task_id not in self._tasks:
            raise Invalid(Reason.UNKNOWN_TASK, "read task", task_id=task_id.hex())
        return self._tasks[task_id]

    async def fetch_operator_set(self, version: SetVersion) -> OperatorSet:
        """See `port.TaskReader`."""
        self._check_reachable()
        if version not in self._sets:
            raise Retry(Reason.RPC_ERROR, "operator set is not sealed on this node", version=version)
        return self._sets[version]

    async def fetch_open_tasks(self) -> Sequence[TaskId]:
        """See `port.TaskReader`."""
        self._check_reachable()
        return [task_id for task_id, task in self._tasks.items() if task.status is TaskStatus.OPEN]

    async def fetch_posting(self, task: Task, vote: Vote) -> Posting | None:
        """See `port.TaskReader`."""
        self._check_reachable()
        return self.postings.get(vote)

    async def fetch_turn_blocks(self) -> int:
        """See `port.TaskReader`."""
        self._check_reachable()
        return self.turn_blocks

    # The market, as the keeper reads it

    async def fetch_project_count(self) -> int:
        """See `MarketReader`."""
        self._check_reachable()
        return self.project_count

    async def fetch_latest_set_version(self) -> SetVersion:
        """See `MarketReader`."""
        self._check_reachable()
        return self.operators.version

    # For clocks

    def announce(self) -> None:
        """Wake the clocks that wait for a new head."""
        self._news.set()
        self._news = asyncio.Event()

    async def wait_for_other_head(self, known: BlockNumber) -> BlockNumber:
        """The head's number once it is not `known`."""
        while self.head == known:
            await self._news.wait()
        return self.head

    def _check_reachable(self) -> None:
        if not self.is_reachable:
            raise Retry(Reason.RPC_UNREACHABLE, "ask node")


@dataclass
class ChainDriver:
    """Mines block by block, and lets everybody see each."""

    chain: FakeChain
    clock: BlockClock

    async def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.chain.mine()
            await self.settle()

    async def mine_to(self, number: int) -> None:
        await self.mine(number - self.chain.head)

    async def reorganise(self, depth: int, *, mined: int) -> None:
        """Replace blocks; everybody sees the new head."""
        self.chain.reorganise(depth, mined=mined)
        await self.settle()

    async def settle(self) -> None:
        """Return once the clock shows the head and everybody has acted on it."""
        await until(lambda: self.clock.head == self.chain.head)
        await let_others_run()


@asynccontextmanager
async def running_clock(chain: FakeChain) -> AsyncIterator[ChainDriver]:
    """A real clock over the fake chain, without polling: the chain says when there is something to see."""

    async def fetch_next() -> BlockNumber:
        return await chain.wait_for_other_head(clock.head)

    clock = BlockClock(fetch_next, poll_seconds=0)
    running = asyncio.create_task(clock.run(asyncio.Event()))
    driver = ChainDriver(chain, clock)
    try:
        await driver.settle()
        yield driver
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@dataclass
class FakeSender:
    """A `TaskSender` whose transactions take effect on the fake chain at once."""

    chain: FakeChain
    operator_id: OperatorId
    advanced: list[ProjectId] = field(default_factory=list)
    expired: list[TaskId] = field(default_factory=list)
    posted: list[CertificateIssued] = field(default_factory=list)
    is_reachable: bool = True

    async def submit_certificate(self, certificate: CertificateIssued) -> Receipt:
        """See `port.TaskSender`; the certificate is believed."""
        self._check_reachable()
        task_id = certificate.proposal.evaluation.task_id
        if self.chain.get_task(task_id).status is not TaskStatus.OPEN:
            raise Invalid(Reason.REVERTED, "submitTask", error="TaskNotOpen")
        if certificate.approved:
            self.chain.close_task(task_id)
        else:
            self.chain.reject_attempt(task_id)
        self.posted.append(certificate)
        return NO_TRANSACTION

    async def advance(self, project_id: ProjectId, max_steps: int) -> Receipt | None:
        """See `port.TaskSender`."""
        self._check_reachable()
        pending = self.chain.pending_steps.get(project_id, 0)
        if pending == 0:
            return None
        self.chain.pending_steps[project_id] = max(0, pending - max_steps)
        self.advanced.append(project_id)
        return NO_TRANSACTION

    async def expire_task(self, task_id: TaskId) -> Receipt | None:
        """See `port.TaskSender`."""
        self._check_reachable()
        task = self.chain.get_task(task_id)
        if task.status is not TaskStatus.OPEN:
            return None
        if self.chain.head <= task.deadline:
            raise Invalid(Reason.REVERTED, "expireTask", error="DeadlineNotPassed")
        self.chain.close_task(task_id, TaskStatus.EXPIRED)
        self.expired.append(task_id)
        return NO_TRANSACTION

    def _check_reachable(self) -> None:
        if not self.is_reachable:
            raise Retry(Reason.RPC_UNREACHABLE, "send transaction")


# ---- bus


@dataclass
class RecordingProducer:
    """Keeps what it is sent. `is_reachable` False: nothing arrives and the sender is told so."""

    records: list[Record] = field(default_factory=list)
    is_reachable: bool = True

    async def send(self, records: Sequence[Record]) -> None:
        """See `bus.port.Producer.send`."""
        if not self.is_reachable:
            raise Retry(Reason.BUS_UNREACHABLE, "send records")
        self.records.extend(records)
        await asyncio.sleep(0)  # as on Kafka, others run before the acknowledgement


def deliver(record: Record, *, offset: int = 0) -> Delivery:
    """The record as the bus hands it to a handler."""
    return Delivery(record, partition=0, offset=offset, timestamp_ms=0)


# ---- models


def make_model(quality: int) -> bytes:
    """Parameters that `ModelEvaluator` scores near `quality`."""
    return f"model of quality {quality}".encode()


BROKEN_MODEL = b"no model at all"


@dataclass
class ModelEvaluator:
    """An evaluator of `make_model` files: each round adds the same luck to both models, drawn from the seed.

    `drift` is what this machine measures differently from others; `busy` how many questions it still turns away;
    `on_evaluated` is called before an answer is given.
    """

    drift: int = 0
    busy: int = 0
    on_evaluated: Callable[[], None] = lambda: None
    requests: list[EvaluateRequest] = field(default_factory=list)

    async def evaluate(self, request: EvaluateRequest) -> EvaluateResult:
        """The `Evaluate` port."""
        if self.busy > 0:
            self.busy -= 1
            raise Retry(Reason.EVALUATOR_BUSY, "queue is full")
        self.requests.append(request)
        self.on_evaluated()
        champion = self._score(request.champion, request)
        if champion is None:
            return EvaluateResult(Code.EVALUATOR_FAILED, Reason.BAD_HEADER, (), ())
        challenger = self._score(request.challenger, request)
        if challenger is None:
            return EvaluateResult(Code.INVALID, Reason.BAD_HEADER, champion, ())
        return EvaluateResult(Code.VALID, None, champion, challenger)

    def _score(self, model: bytes, request: EvaluateRequest) -> tuple[Micro, ...] | None:
        if not model.startswith(b"model of quality "):
            return None
        quality = int(model.rpartition(b" ")[2])
        luck = (sub_seed(request.seed, number)[0] for number in range(request.rounds))
        return tuple(Micro(quality + self.drift + one) for one in luck)


@dataclass(frozen=True)
class Artefacts:
    """The four files of a task, to be added to a store."""

    architecture: bytes = b"architecture"
    evaluator: bytes = b"evaluator"
    champion: bytes = make_model(500_000)
    challenger: bytes = make_model(900_000)


class ArtefactStore:
    """A reader over a `MemoryStore` that files can be taken away from.

    `missing`: every endpoint says that it has not got them. `unanswered`: some endpoint does not answer for them; with
    `is_reachable` False none answers for anything.
    """

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.missing: set[str] = set()
        self.unanswered: set[str] = set()
        self.is_reachable = True

    async def fetch(self, cid: Cid | str, *, max_bytes: int) -> bytes:
        """See `store.port.ArtefactReader`."""
        self._check_served(cid)
        return await self._store.fetch(cid, max_bytes=max_bytes)

    async def fetch_block(self, block_id: BlockId) -> bytes:
        """See `store.port.BlockSource`; the files of these tests are single blocks."""
        self._check_served(block_id.cid)
        return await self._store.fetch_block(block_id)

    def _check_served(self, cid: Cid | str) -> None:
        if not self.is_reachable or cid in self.unanswered:
            raise Retry(Reason.UNAVAILABLE, "no endpoint serves the block", is_absent=False)
        if cid in self.missing:
            raise Retry(Reason.UNAVAILABLE, "no endpoint serves the block", is_absent=True)


# ---- tasks


async def open_task(
    chain: FakeChain,
    store: MemoryStore,
    artefacts: Artefacts | None = None,
    *,
    number: int = 1,
    attempt_blocks: int = 10,
    max_attempts: int = 3,
    tolerance: int = 2,
) -> Task:
    """Publish the artefacts and open a task on them, four blocks before its seed block."""
    files = artefacts or Artefacts()
    task_id = TaskId(hashlib.sha256(f"task {number}".encode()).digest())
    task_input = TaskInput(
        task_id=task_id,
        architecture_cid=await store.add(files.architecture),
        evaluator_cid=await store.add(files.evaluator),
        champion_cid=await store.add(files.champion),
        challenger_cid=await store.add(files.challenger),
        rounds=4,
        k=0,
        alpha_ppm=Ppm(10_000),
        tolerance=Micro(tolerance),
    )
    seed_block = chain.head + 4
    return chain.put_task(
        Task(
            task_id=task_id,
            project_id=ProjectId(1),
            submission_index=SubmissionIndex(number),
            status=TaskStatus.OPEN,
            attempt=Attempt(0),
            attempt_start=BlockNumber(seed_block),
            attempt_blocks=attempt_blocks,
            max_attempts=max_attempts,
            seed_block=BlockNumber(seed_block),
            deadline=BlockNumber(seed_block + max_attempts * attempt_blocks),
            quorum_bps=Bps(6_600),
            set_version=chain.operators.version,
            input_root=input_root(task_input),
            input=task_input,
        )
    )


async def read_seed(chain: FakeChain, task: Task) -> Seed:
    """The task's seed on the chain's present branch."""
    block_hash = await chain.fetch_block_hash(task.seed_block)
    return seed(block_hash, DEPLOYMENT.chain_id, DEPLOYMENT.model_submission, task.task_id)


async def read_input_hash(chain: FakeChain, task: Task) -> bytes:
    return input_hash(task.input_root, await read_seed(chain, task))


async def choose_performer(chain: FakeChain, task: Task, attempt: int) -> OperatorId:
    """Whose attempt it is, on the chain's present branch."""
    return performer_of(chain.operators.operators, await read_seed(chain, task), Attempt(attempt)).operator_id
