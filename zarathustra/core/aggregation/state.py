"""An aggregator's knowledge of one task."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from zarathustra.core.messages import EvaluationProposed
from zarathustra.core.task import OperatorSet, Task, effective_attempt
from zarathustra.core.types import Attempt, BlockNumber, BlsSignature, OperatorId
from zarathustra.core.vote import Vote


class Standing(IntEnum):
    """The result of verifying a signature. Append-only: the numbers are stored."""

    UNVERIFIED = 0
    GOOD = 1
    BAD = 2


@dataclass(frozen=True)
class HeldSignature:
    signature: BlsSignature
    standing: Standing = Standing.UNVERIFIED


@dataclass(frozen=True)
class Ballot:
    """All that is known of one vote, with at most one signature per operator."""

    signatures: Mapping[OperatorId, HeldSignature]
    collect_until: BlockNumber | None = None
    issued_at: BlockNumber | None = None


@dataclass(frozen=True)
class TaskState:
    """One task as its aggregator sees it. Neither a state nor its mappings are ever mutated."""

    task: Task
    operators: OperatorSet
    block: BlockNumber  # of the last `TaskRead`
    evaluations: Mapping[tuple[Attempt, bytes], EvaluationProposed]  # by attempt and evaluation hash
    ballots: Mapping[Vote, Ballot]
    abstained: frozenset[tuple[Attempt, OperatorId]]
    stalled: frozenset[Attempt]  # already reported
    # Conflicts already reported, by operator and input hash. Only a reorganisation of the seed block adds an input.
    reported: frozenset[tuple[OperatorId, bytes]]
    final_since: BlockNumber | None


def current_attempt(state: TaskState) -> Attempt:
    effective = effective_attempt(state.task, state.block)
    return state.task.attempt if effective is None else effective


def vote_order(vote: Vote) -> tuple[Attempt, bytes, bool]:
    return vote.attempt, vote.evaluation_hash, vote.approved
