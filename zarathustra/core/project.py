"""Projects and submissions as ModelSubmission stores them; field names are the ABI's in snake case."""

from dataclasses import dataclass
from enum import IntEnum

from zarathustra.core.outcomes import Outcome
from zarathustra.core.types import (
    Address,
    BlockNumber,
    Bps,
    Cid,
    Micro,
    Ppm,
    SubmissionIndex,
    TaskId,
    Wei,
    validate_length,
    validate_range,
)

MAX_TASK_BLOCKS = 8_000  # seed delay and all attempts together; no project may have longer tasks


class ProjectStatus(IntEnum):
    """Append-only, shared with `contracts/src/types`."""

    NONE = 0
    BASELINE = 1
    OPEN = 2
    CLOSED = 3
    SUSPENDED = 4
    CANCELLED = 5


class SubmissionStatus(IntEnum):
    """Append-only, shared with `contracts/src/types`."""

    NONE = 0
    COMMITTED = 1
    REVEALED = 2
    EVALUATING = 3
    FINAL = 4


class RewardRule(IntEnum):
    """FIXED pays `max_reward`; LINEAR pays `min(max_reward, reward_rate × gain_lower_bound)`. Append-only."""

    FIXED = 0
    LINEAR = 1


@dataclass(frozen=True)
class ProjectParams:
    """The choices of a project owner when it publishes a project. Amounts in the token's units, windows in blocks."""

    architecture_cid: Cid
    parameters_cid: Cid
    evaluator_cid: Cid
    metadata_cid: Cid  # what the project says about itself; no part of a task's input
    token: Address  # zero: the chain's coin
    pool: Wei  # pays rewards
    budget: Wei  # pays the evaluation fees that the owner owes
    reward_rule: RewardRule
    max_reward: Wei
    reward_rate: Wei  # LINEAR: amount per 10⁻⁶ of gain_lower_bound
    bond: Wei
    fee: Wei
    min_gain: Micro
    worse_tolerance: Micro
    tolerance: Micro
    rounds: int
    alpha_ppm: Ppm
    quorum_bps: Bps
    seed_delay: int
    max_attempts: int
    attempt_blocks: int
    reveal_blocks: int
    dispute_blocks: int
    open_until: BlockNumber
    owner_pays_misses: bool

    def __post_init__(self) -> None:
        """Check only what the ABI cannot encode; the contract checks the rest and reverts with a named error."""
        validate_length("token", self.token, 20)
        for name in ("pool", "budget", "max_reward", "reward_rate", "bond", "fee"):
            validate_range(name, getattr(self, name), 0, 2**96 - 1)


@dataclass(frozen=True)
class Project:
    """One project at one block. `head` is its first submission that is not final, `evaluated` its next task's k.

    No commits are taken from block `open_until` on, which is earlier than `params.open_until` once it is closed.
    """

    status: ProjectStatus
    owner: Address
    created_at: BlockNumber
    pool_free: Wei
    budget_free: Wei
    submission_count: int
    head: SubmissionIndex
    evaluated: int
    champion_index: SubmissionIndex
    champion_score: Micro
    open_until: BlockNumber
    params: ProjectParams


@dataclass(frozen=True)
class Submission:
    """One submission at one block. `parameters_cid` is empty while it is hidden.

    `task_id` is the task that ended it, and the scores are that task's: all zero until it is final.

    `since` is the block of the commit; after the reveal, that of the reveal. `k` and `opening` describe its latest
    task; `opening` counts from 1, and 0 means that none was opened.
    """

    status: SubmissionStatus
    outcome: Outcome
    contributor: Address
    since: BlockNumber
    k: int
    opening: int
    parameters_cid: Cid
    task_id: TaskId
    champion_score: Micro
    challenger_score: Micro
    gain_lower_bound: Micro
