"""Operators whose votes contradict each other."""

from zarathustra.core.aggregation.effects import Effect, Fault, OperatorBlamed
from zarathustra.core.aggregation.state import TaskState
from zarathustra.core.types import Attempt, OperatorId
from zarathustra.core.vote import Vote


def find_conflicting(state: TaskState) -> frozenset[tuple[Attempt, OperatorId]]:
    """Return the operators with conflicting votes, each with the attempt. In that attempt their stake does not count.

    Two votes conflict if they approve two evaluations of one input, or approve and reject the same evaluation.
    """
    cast: dict[tuple[Attempt, OperatorId], list[Vote]] = {}
    for vote, ballot in state.ballots.items():
        for operator in ballot.signatures:
            cast.setdefault((vote.attempt, operator), []).append(vote)
    return frozenset(mark for mark, votes in cast.items() if len(votes) > 1 and _has_conflict(state, votes))


def _has_conflict(state: TaskState, votes: list[Vote]) -> bool:
    approved = [vote for vote in votes if vote.approved]
    rejected = {vote.evaluation_hash for vote in votes if not vote.approved}
    if any(vote.evaluation_hash in rejected for vote in approved):
        return True

    # A reorganised seed block changes the input: an approval before and one after it do not conflict.
    known = [state.evaluations.get((vote.attempt, vote.evaluation_hash)) for vote in approved]
    inputs = [proposal.evaluation.input_hash for proposal in known if proposal is not None]
    return len(inputs) > len(set(inputs))


def find_new_conflicts(before: TaskState, after: TaskState) -> tuple[Effect, ...]:
    return tuple(
        OperatorBlamed(after.task.task_id, attempt, operator, Fault.CONFLICTING_VOTES)
        for attempt, operator in sorted(find_conflicting(after) - find_conflicting(before))
    )
