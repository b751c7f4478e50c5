"""Evidence of conflicting votes, in the form in which the contract slashes for it.

A conflict is provable once both evaluations are known, both are of one input, and both signatures are verified: only
the signatures of an operator that contradicts itself are verified for this. It is reported once for each operator and
input; whether that input is the task's own on chain is checked when the proof is filed (`is_punishable`), because a
reorganisation can change it until then.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from zarathustra.core.aggregation.effects import Effect, ReportConflict, Signer, VerifySignatures
from zarathustra.core.aggregation.state import HeldSignature, Standing, TaskState, vote_order
from zarathustra.core.messages import CastVote, ConflictFound
from zarathustra.core.task import Operator, TaskStatus
from zarathustra.core.types import Evaluation
from zarathustra.core.vote import Vote


@dataclass(frozen=True)
class _Cast:
    """One operator's signature over one vote, with the vote's evaluation."""

    vote: Vote
    evaluation: Evaluation
    held: HeldSignature


def prove(state: TaskState) -> tuple[TaskState, tuple[Effect, ...]]:
    """Return the reports of provable conflicts. Stops at the first signature to verify: its answer is folded first."""
    if state.task.status is TaskStatus.NONE:
        return state, ()  # the chain does not know the task now, so nothing about it can be proven

    reports: list[Effect] = []
    for operator in state.operators.operators:
        for first, second in _list_conflicts(state, operator):
            mark = (operator.operator_id, first.evaluation.input_hash)
            if mark in state.reported:
                continue
            unverified = [cast for cast in (first, second) if cast.held.standing is Standing.UNVERIFIED]
            if unverified:
                return state, (*reports, _verify(operator, unverified[0]))
            state = replace(state, reported=state.reported | {mark})
            reports.append(ReportConflict(ConflictFound(operator.operator_id, _publish(first), _publish(second))))
    return state, tuple(reports)


def is_punishable(found: ConflictFound, input_hash: bytes) -> bool:
    """Return whether the contract slashes for this conflict, if `input_hash` is that of the task on chain.

    Votes on another input are no fault: the operator evaluated it before the seed block was reorganised.
    """
    return found.first.evaluation.input_hash == input_hash == found.second.evaluation.input_hash


def _list_conflicts(state: TaskState, operator: Operator) -> Iterator[tuple[_Cast, _Cast]]:
    """Yield the pairs of an operator's votes that the contract takes as a conflict, in a fixed order."""
    return (
        (first, second) for first, second in combinations(_list_cast(state, operator), 2) if _conflict(first, second)
    )


def _list_cast(state: TaskState, operator: Operator) -> list[_Cast]:
    """Return the operator's votes on known evaluations whose signatures are not known to be bad."""
    found = []
    for vote in sorted(state.ballots, key=vote_order):
        held = state.ballots[vote].signatures.get(operator.operator_id)
        proposal = state.evaluations.get((vote.attempt, vote.evaluation_hash))
        if held is not None and proposal is not None and held.standing is not Standing.BAD:
            found.append(_Cast(vote, proposal.evaluation, held))
    return found


def _conflict(first: _Cast, second: _Cast) -> bool:
    if first.vote.attempt != second.vote.attempt or first.evaluation.input_hash != second.evaluation.input_hash:
        return False
    if first.vote.evaluation_hash == second.vote.evaluation_hash:
        return first.vote.approved != second.vote.approved
    return first.vote.approved and second.vote.approved


def _verify(operator: Operator, cast: _Cast) -> VerifySignatures:
    signer = Signer(operator.operator_id, operator.slot, operator.public_key, cast.held.signature)
    return VerifySignatures(cast.vote, (signer,))


def _publish(cast: _Cast) -> CastVote:
    return CastVote(cast.evaluation, cast.vote.approved, cast.held.signature)
