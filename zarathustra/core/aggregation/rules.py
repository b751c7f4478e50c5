"""The waiting times of an aggregator, the bounds on its memory, and the conditions of a certificate."""

from dataclasses import dataclass

from zarathustra.core.aggregation.state import TaskState
from zarathustra.core.quorum import is_approved, is_rejected
from zarathustra.core.task import Task, TaskStatus, effective_attempt
from zarathustra.core.types import BlockNumber, Wei
from zarathustra.core.vote import Vote

# A performer can sign any number of evaluations of its own attempt at no cost. It harms only that attempt: the ones
# with the lowest hashes are kept, whatever the order of arrival.
MAX_EVALUATIONS_PER_ATTEMPT = 4
# An operator can attest to any attempt and to invented evaluations. An honest one needs one vote per attempt; of more,
# those of the latest attempts are kept. With 128 operators a state stays below half of a record's limit (1 MiB).
MAX_VOTES_PER_OPERATOR = 16
MAX_ATTEMPTS_KEPT = 16  # the same bound for evaluations: the performers of many attempts can act together
# Our node may not know yet of a rejection that began the next attempt. Votes on attempts further ahead are dropped.
MAX_ATTEMPTS_AHEAD = 2
POSTING_BLOCKS = 2  # blocks kept free to post in: collecting signatures ends before them


@dataclass(frozen=True)
class Rules:
    """Waiting times in blocks. Each operator chooses its own; they are not part of the protocol."""

    collect_blocks: int = 2  # after the quorum: the aggregator's share of the fee grows with the signed stake
    reissue_blocks: int = 20  # a task that is still open this long after its certificate gets another one
    forget_blocks: int = 64  # a reorganisation can undo a settlement; after this the state is dropped


def may_certify(task: Task, vote: Vote, block: BlockNumber) -> bool:
    """Return whether AttestationCenter would accept a certificate over `vote` at `block`, by time and status alone.

    An approval counts for any attempt that has begun, a rejection only for the effective one.
    """
    effective = effective_attempt(task, block)
    if task.status is not TaskStatus.OPEN or effective is None:
        return False
    return vote.attempt <= effective if vote.approved else vote.attempt == effective


def decides(state: TaskState, stake: Wei, *, is_approval: bool) -> bool:
    total, quorum_bps = state.operators.total_stake, state.task.quorum_bps
    if is_approval:
        return is_approved(signed=stake, total=total, quorum_bps=quorum_bps)
    return is_rejected(rejected=stake, total=total, quorum_bps=quorum_bps)
