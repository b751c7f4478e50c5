"""Attempts that ended without a certificate or can no longer reach a quorum."""

from collections.abc import Iterator

from zarathustra.core.aggregation.conflicts import find_conflicting
from zarathustra.core.aggregation.rules import decides
from zarathustra.core.aggregation.state import Ballot, Standing, TaskState
from zarathustra.core.task import Operator, effective_attempt
from zarathustra.core.types import Attempt, Wei
from zarathustra.core.vote import Vote


def find_stalled(state: TaskState) -> Iterator[Attempt]:
    """Yield the known attempts that are over without a certificate, or can reach no quorum."""
    issued = {vote.attempt for vote, ballot in state.ballots.items() if ballot.issued_at is not None}
    seen = {vote.attempt for vote in state.ballots} | {attempt for attempt, _ in state.evaluations}
    effective = effective_attempt(state.task, state.block)
    for attempt in seen - issued:
        # The contract raises the stored attempt only after it rejected the one before: that one did not stall.
        was_rejected = attempt == state.task.attempt - 1
        is_over = state.block >= state.task.deadline or (effective is not None and attempt < effective)
        if (is_over and not was_rejected) or (attempt == effective and not _is_quorum_reachable(state, attempt)):
            yield attempt


def _is_quorum_reachable(state: TaskState, attempt: Attempt) -> bool:
    """Return whether the operators that did not answer yet could still decide the attempt, either way."""
    silent = sum(operator.stake for operator in find_silent(state, attempt))
    conflicting = find_conflicting(state)
    supports: dict[bool, int] = {True: 0, False: 0}
    for vote, ballot in state.ballots.items():
        if vote.attempt == attempt:
            support = sum(
                operator.stake
                for operator in state.operators.operators
                if _counts(operator, vote, ballot) and (attempt, operator.operator_id) not in conflicting
            )
            supports[vote.approved] = max(supports[vote.approved], support)
    return any(
        decides(state, Wei(support + silent), is_approval=is_approval) for is_approval, support in supports.items()
    )


def _counts(operator: Operator, vote: Vote, ballot: Ballot) -> bool:
    held = ballot.signatures.get(operator.operator_id)
    return held is not None and held.standing is not Standing.BAD


def find_silent(state: TaskState, attempt: Attempt) -> list[Operator]:
    """Return the operators that neither voted nor abstained in the attempt."""
    voted = {
        operator for vote, ballot in state.ballots.items() if vote.attempt == attempt for operator in ballot.signatures
    }
    return [
        operator
        for operator in state.operators.operators
        if operator.operator_id not in voted and (attempt, operator.operator_id) not in state.abstained
    ]
