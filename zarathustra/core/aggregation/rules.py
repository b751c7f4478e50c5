"""How patient an aggregator is, what bounds its memory, and when a certificate counts."""

from dataclasses import dataclass

from zarathustra.core.aggregation.state import TaskState
from zarathustra.core.quorum import is_approved, is_rejected
from zarathustra.core.task import Task, TaskStatus, effective_attempt
from zarathustra.core.types import BlockNumber, Wei
from zarathustra.core.vote import Vote

# A performer may sign as many evaluations of its own attempt as it likes, for nothing. It competes only with itself:
# of more, those with the lowest hashes stay, whatever the order they come in.
MAX_EVALUATIONS_PER_ATTEMPT = 4
# An operator may attest to any attempt and any invented evaluation. The honest need one vote an attempt; of more, the
# latest attempts stay. With 128 operators a task's state stays below half of what one record may hold (1 MiB).
MAX_VOTES_PER_OPERATOR = 16
MAX_ATTEMPTS_KEPT = 16  # the same bound for evaluations: performers of many attempts may conspire
# Our node may lag behind the attester's by a rejected attempt; votes on later ones are not about this task's future.
MAX_ATTEMPTS_AHEAD = 2
POSTING_BLOCKS = 2  # a certificate that waits longer for the slow would itself come too late


@dataclass(frozen=True)
class Rules:
    """How patient an aggregator is. Each one's own choice, no part of the protocol."""

    collect_blocks: int = 2  # beyond the quorum: the aggregator's fee grows with the stake that signed
    reissue_blocks: int = 20  # an open task whose certificate was issued this long ago gets another
    forget_blocks: int = 64  # a settlement can be reorganised away; past this the state is dropped


def may_certify(task: Task, vote: Vote, block: BlockNumber) -> bool:
    """Whether AttestationCenter would take a certificate over `vote` now, as far as time and status go.

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
