"""A chain in memory with its tasks, a clock that follows it, and a sender of transactions.

Blocks are mined and reorganised, tasks move through their attempts. A test makes the node lag, fail or forget by
setting a field or calling a method.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from tests.kit.chain.deployment import DEPLOYMENT
from tests.kit.chain.tasks import ATTEMPT_BLOCKS, MAX_ATTEMPTS, build_input, build_task, name_task
from tests.kit.derived import derive_bytes
from tests.kit.scoring.fake_models import Artefacts
from tests.kit.waiting import let_others_run, until
from zarathustra.chain.market import StoredProject, WithheldPlace
from zarathustra.chain.port import Posting, Receipt, SeedHeader
from zarathustra.core.digests import input_hash, seed
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.messages import CertificateIssued, ConflictFound
from zarathustra.core.project import ProjectStatus, RewardRule
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Operator, OperatorSet, Task, TaskStatus, effective_attempt, performer_of
from zarathustra.core.types import (
    ZERO_ADDRESS,
    Attempt,
    BlockHash,
    BlockNumber,
    Bps,
    Micro,
    OperatorId,
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
from zarathustra.duty.seeds import SeedDeriver
from zarathustra.store.memory import MemoryStore

BLOCKS_TO_THE_SEED = 4  # from the head at which `open_task` opens a task
NO_TRANSACTION = Receipt(b"\x7a" * 32, BlockNumber(0), 21_000)
ESCROW_GRACE_BLOCKS = 50_400  # the contract's ESCROW_GRACE
CERTIFICATE_TRANSACTION = Receipt(b"\x33" * 32, BlockNumber(200), 215_000)


class FakeChain:
    """A chain of numbered blocks, the tasks on it and its operator sets: a `TaskReader`, and the market's counters.

    `mine` and `reorganise` move it; `put_task`, `close_task` and `reject_attempt` do what the contracts would do.
    Clocks made by `running_clock` see each new head at once. Until it is reorganised, every such chain has the same
    block hashes, and so the same seeds.
    """

    def __init__(self, operators: OperatorSet, *, head: int = 0, turn_blocks: int = 5) -> None:
        self.is_reachable = True  # set False: every read raises Retry(RPC_UNREACHABLE)
        self.turn_blocks = turn_blocks
        self.project_count = 0
        self.pending_steps: dict[ProjectId, int] = {}  # what `advance` would do
        self.projects: dict[ProjectId, StoredProject] = {}  # every other project takes commits, whatever the block
        self.withheld: set[WithheldPlace] = set()
        self.refused_calls: set[tuple[str, ProjectId]] = set()  # a keeper's calls that revert whatever the state
        self.unreadable: set[TaskId] = set()  # reading these fails, as on a node whose answer cannot be parsed
        self.postings: dict[Vote, Posting] = {}
        self.slashed: set[tuple[TaskId, OperatorId]] = set()  # for conflicting votes
        self.task_reads = 0  # how often `fetch_task` was asked
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
            self._hashes.append(BlockHash(derive_bytes(32, "block", self._branches, len(self._hashes))))
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
        """Forget the task, as after a reorganisation of the block that opened it."""
        del self._tasks[task_id]

    def get_task(self, task_id: TaskId) -> Task:
        return self._tasks[task_id]

    def close_task(self, task_id: TaskId, status: TaskStatus = TaskStatus.SETTLED) -> None:
        """Make a task final."""
        self._tasks[task_id] = replace(self._tasks[task_id], status=status)

    def reject_attempt(self, task_id: TaskId) -> None:
        """Reject the effective attempt, as a certificate does: the next one starts at this block."""
        task = self._tasks[task_id]
        attempt = effective_attempt(task, self.head)
        if attempt is None:
            raise Invalid(Reason.REVERTED, "reject attempt", error="AttemptNotStarted")
        self._tasks[task_id] = replace(task, attempt=Attempt(attempt + 1), attempt_start=self.head)

    # What follows from the chain's present branch

    def get_seed(self, task: Task) -> Seed:
        """Return the task's seed. The chain must have the seed block."""
        return seed(self._get_randao(task.seed_block), DEPLOYMENT.chain_id, DEPLOYMENT.model_submission, task.task_id)

    def get_input_hash(self, task: Task) -> bytes:
        return input_hash(task.input_root, self.get_seed(task))

    def get_performer(self, task: Task, attempt: int = 0) -> Operator:
        """Return the operator whose attempt it is."""
        return performer_of(self._sets[task.set_version].operators, self.get_seed(task), Attempt(attempt))

    # TaskReader

    async def fetch_block_number(self) -> BlockNumber:
        """See `port.TaskReader`."""
        self._check_reachable()
        return self.head

    async def fetch_seed_header(self, number: BlockNumber) -> SeedHeader:
        """See `port.TaskReader`. The header's bytes are no RLP: nothing on this chain reads them."""
        self._check_reachable()
        if number > self.head:
            raise Retry(Reason.NO_SEED, "read seed block", number=number)
        return SeedHeader(b"header of " + self._hashes[number], self._get_randao(number))

    def _get_randao(self, number: int) -> bytes:
        return derive_bytes(32, "randao", self._hashes[number].hex())

    async def fetch_task(self, task_id: TaskId) -> Task:
        """See `port.TaskReader`."""
        self.task_reads += 1
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

    async def fetch_latest_version(self) -> SetVersion:
        """See `port.TaskReader`."""
        self._check_reachable()
        return max(self._sets)

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

    async def fetch_stored_project(self, project_id: ProjectId) -> StoredProject:
        """See `MarketReader`."""
        self._check_reachable()
        return self.projects.get(project_id) or build_stored_project()

    async def fetch_withheld_rewards(self) -> Sequence[WithheldPlace]:
        """See `MarketReader`."""
        self._check_reachable()
        return list(self.withheld)

    # For clocks

    def announce(self) -> None:
        """Wake the clocks that wait for a new head."""
        self._news.set()
        self._news = asyncio.Event()

    async def wait_for_other_head(self, known: BlockNumber) -> BlockNumber:
        """Return the head's number once it is not `known`."""
        while self.head == known:
            await self._news.wait()
        return self.head

    def _check_reachable(self) -> None:
        if not self.is_reachable:
            raise Retry(Reason.RPC_UNREACHABLE, "ask node")


@dataclass
class ChainDriver:
    """Mines block by block; everything that waits for a block acts on it before the next one."""

    chain: FakeChain
    clock: BlockClock

    async def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.chain.mine()
            await self.settle()

    async def mine_to(self, number: int) -> None:
        await self.mine(number - self.chain.head)

    async def reorganise(self, depth: int, *, mined: int) -> None:
        """Replace blocks, and let everything act on the new head."""
        self.chain.reorganise(depth, mined=mined)
        await self.settle()

    def build_seeds(self, *, confirmations: int) -> SeedDeriver:
        """Build what a service derives seeds with on this chain."""
        return SeedDeriver(reader=self.chain, clock=self.clock, deployment=DEPLOYMENT, confirmations=confirmations)

    async def settle(self) -> None:
        """Return once the clock shows the head and everything that waits for blocks has acted on it."""
        await until(lambda: self.clock.head == self.chain.head)
        await let_others_run()


@asynccontextmanager
async def running_clock(chain: FakeChain) -> AsyncIterator[ChainDriver]:
    """Run a real clock on the fake chain within the block. It does not poll: the chain tells it of each new head."""

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
    """A `TaskSender` whose transactions take effect on the fake chain at once, unless the contract refuses them."""

    chain: FakeChain
    operator_id: OperatorId
    advanced: list[ProjectId] = field(default_factory=list)
    expired: list[TaskId] = field(default_factory=list)
    posted: list[CertificateIssued] = field(default_factory=list)
    proofs: list[tuple[Slot, SeedHeader]] = field(default_factory=list)  # what each post or proof was sent with
    ended: list[tuple[str, ProjectId]] = field(default_factory=list)  # releases, closings and withdrawals
    proven: list[ConflictFound] = field(default_factory=list)
    is_reachable: bool = True
    refusal: Invalid | None = None  # what `submit_certificate` and `prove_conflict` raise

    async def submit_certificate(self, certificate: CertificateIssued, slot: Slot, header: SeedHeader) -> Receipt:
        """See `port.TaskSender`; the certificate is not verified."""
        self._check_reachable()
        if self.refusal is not None:
            raise self.refusal
        task_id = certificate.proposal.evaluation.task_id
        if self.chain.get_task(task_id).status is not TaskStatus.OPEN:
            raise Invalid(Reason.REVERTED, "submitTask", error="TaskNotOpen")
        if certificate.approved:
            self.chain.close_task(task_id)
        else:
            self.chain.reject_attempt(task_id)
        self.posted.append(certificate)
        self.proofs.append((slot, header))
        return CERTIFICATE_TRANSACTION

    async def prove_conflict(self, found: ConflictFound, slot: Slot, header: SeedHeader) -> Receipt | None:
        """See `port.TaskSender`; the signatures are not verified."""
        self._check_reachable()
        if self.refusal is not None:
            raise self.refusal
        case = (found.first.evaluation.task_id, found.operator)
        if case in self.chain.slashed:
            return None
        self.chain.slashed.add(case)
        self.proven.append(found)
        self.proofs.append((slot, header))
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
        if self.chain.head < task.deadline:
            raise Invalid(Reason.REVERTED, "expireTask", error="DeadlineNotPassed")
        self.chain.close_task(task_id, TaskStatus.EXPIRED)
        self.expired.append(task_id)
        return NO_TRANSACTION

    async def release(self, project_id: ProjectId, index: SubmissionIndex) -> Receipt | None:
        """See `port.TaskSender`."""
        self._check_call("release", project_id)
        due = [place for place in self.chain.withheld if (place.project_id, place.index) == (project_id, index)]
        if not due:
            return None
        if self.chain.head < due[0].until:
            raise Invalid(Reason.REVERTED, "release", error="WithheldUntil")
        self.chain.withheld.remove(due[0])
        self.ended.append(("release", project_id))
        return NO_TRANSACTION

    async def close_project(self, project_id: ProjectId) -> Receipt | None:
        """See `port.TaskSender`."""
        self._check_call("closeProject", project_id)
        project = self.chain.projects[project_id]
        if project.status not in (ProjectStatus.OPEN, ProjectStatus.SUSPENDED):
            return None
        if self.chain.head < project.open_until:
            raise Invalid(Reason.REVERTED, "closeProject", error="NotProjectOwner")
        if project.status is ProjectStatus.SUSPENDED and project.head < project.submission_count:
            raise Invalid(Reason.REVERTED, "closeProject", error="SubmissionsPending")
        self.chain.projects[project_id] = replace(project, status=ProjectStatus.CLOSED)
        self.ended.append(("closeProject", project_id))
        return NO_TRANSACTION

    async def withdraw_escrow(self, project_id: ProjectId) -> Receipt | None:
        """See `port.TaskSender`."""
        self._check_call("withdrawEscrow", project_id)
        project = self.chain.projects[project_id]
        if project.status is not ProjectStatus.CLOSED:
            raise Invalid(Reason.REVERTED, "withdrawEscrow", error="ProjectStillOpen")
        if self.chain.head < project.open_until + ESCROW_GRACE_BLOCKS:
            raise Invalid(Reason.REVERTED, "withdrawEscrow", error="NotProjectOwner")
        if project.head < project.submission_count:
            raise Invalid(Reason.REVERTED, "withdrawEscrow", error="SubmissionsPending")
        if project.pool_free + project.budget_free == 0:
            return None
        self.chain.projects[project_id] = replace(project, pool_free=Wei(0), budget_free=Wei(0))
        self.ended.append(("withdrawEscrow", project_id))
        return NO_TRANSACTION

    def _check_call(self, call: str, project_id: ProjectId) -> None:
        self._check_reachable()
        if (call, project_id) in self.chain.refused_calls:
            raise Invalid(Reason.REVERTED, call, error="Refused")

    def _check_reachable(self) -> None:
        if not self.is_reachable:
            raise Retry(Reason.RPC_UNREACHABLE, "send transaction")


def build_stored_project(
    status: ProjectStatus = ProjectStatus.OPEN, *, open_until: int = 2**40 - 1, pool_free: int = 0, pending: int = 0
) -> StoredProject:
    """Build a project as the contract stores it."""
    return StoredProject(
        status=status,
        owner=ZERO_ADDRESS,
        token=ZERO_ADDRESS,
        created_at=BlockNumber(0),
        pool_free=Wei(pool_free),
        budget_free=Wei(0),
        submission_count=1 + pending,
        head=SubmissionIndex(1),
        head_since=BlockNumber(0),
        evaluated=0,
        champion_index=SubmissionIndex(0),
        champion_score=Micro(0),
        baseline_score=Micro(0),
        rewards_paid=Wei(0),
        reward_rule=RewardRule.FIXED,
        max_reward=Wei(0),
        reward_rate=Wei(0),
        bond=Wei(0),
        fee=Wei(0),
        min_gain=Micro(0),
        worse_tolerance=Micro(0),
        quorum_bps=Bps(6_600),
        seed_delay=4,
        max_attempts=4,
        attempt_blocks=30,
        reveal_blocks=50,
        dispute_blocks=0,
        open_until=BlockNumber(open_until),
        owner_pays_misses=False,
        terms_hash=bytes(32),
    )


async def open_task(
    chain: FakeChain,
    store: MemoryStore,
    artefacts: Artefacts | None = None,
    *,
    number: int = 1,
    attempt_blocks: int = ATTEMPT_BLOCKS,
    max_attempts: int = MAX_ATTEMPTS,
    tolerance: int = 2,
) -> Task:
    """Publish the artefacts and open a task on them, four blocks before its seed block."""
    cids = await (artefacts or Artefacts()).publish(store)
    task = build_task(
        submission_index=number,
        task_input=build_input(name_task(number), tolerance=tolerance, **cids),
        attempt_blocks=attempt_blocks,
        max_attempts=max_attempts,
        seed_block=chain.head + BLOCKS_TO_THE_SEED,
        set_version=chain.operators.version,
    )
    return chain.put_task(task)
