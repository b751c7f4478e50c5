"""The first half of the fold: put a change into the state."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from zarathustra.core.aggregation.changes import (
    AbstentionAccepted,
    AttestationAccepted,
    Change,
    EvaluationAccepted,
    SignaturesVerified,
    TaskRead,
)
from zarathustra.core.aggregation.effects import Effect, Fault, blame
from zarathustra.core.aggregation.rules import (
    MAX_ATTEMPTS_AHEAD,
    MAX_ATTEMPTS_KEPT,
    MAX_EVALUATIONS_PER_ATTEMPT,
    MAX_VOTES_PER_OPERATOR,
)
from zarathustra.core.aggregation.state import Ballot, HeldSignature, Standing, TaskState, current_attempt, vote_order
from zarathustra.core.digests import evaluation_hash
from zarathustra.core.messages import AttestationSigned, EvaluationProposed
from zarathustra.core.task import OperatorSet, TaskStatus
from zarathustra.core.types import Attempt, OperatorId
from zarathustra.core.vote import Vote


def apply(state: TaskState, change: Change) -> tuple[TaskState, tuple[Effect, ...]]:
    match change:
        case TaskRead():
            return _apply_task(state, change), ()
        case EvaluationAccepted(proposal):
            return _apply_evaluation(state, proposal), ()
        case AttestationAccepted(attestation):
            return _apply_attestation(state, attestation)
        case AbstentionAccepted(abstention):
            mark = (abstention.attempt, abstention.operator)
            is_current = _is_attempt_of_interest(state, abstention.attempt)
            return replace(state, abstained=state.abstained | {mark}) if is_current else state, ()
        case SignaturesVerified():
            return _apply_verification(state, change)


def _apply_task(state: TaskState, read: TaskRead) -> TaskState:
    """Replace the chain's facts in the state; a reorganisation may also have moved them back."""
    is_open = read.task.status is TaskStatus.OPEN
    final_since = None if is_open else read.block if state.final_since is None else state.final_since
    moved = replace(state, task=read.task, operators=read.operators, block=read.block, final_since=final_since)
    if read.operators.version != state.operators.version:
        moved = replace(moved, ballots=_move_ballots(state.ballots, read.operators))

    # Only abstentions in the current attempt or a later one are used; older ones would only take memory.
    kept = frozenset(mark for mark in state.abstained if mark[0] >= current_attempt(moved))
    return replace(moved, abstained=kept)


def _move_ballots(ballots: Mapping[Vote, Ballot], operators: OperatorSet) -> dict[Vote, Ballot]:
    """Return the ballots under another set (the task was reorganised): members' signatures only, all unverified."""
    members = {operator.operator_id for operator in operators.operators}
    return {
        vote: Ballot({id_: HeldSignature(held.signature) for id_, held in ballot.signatures.items() if id_ in members})
        for vote, ballot in ballots.items()
    }


def _apply_evaluation(state: TaskState, proposal: EvaluationProposed) -> TaskState:
    evaluation = proposal.evaluation
    key = (evaluation.attempt, evaluation_hash(evaluation))
    if key in state.evaluations or not _is_begun_or_next(state, evaluation.attempt):
        return state

    evaluations = {**state.evaluations, key: proposal}
    kept = _choose_evaluations(evaluations)
    return replace(state, evaluations={key: evaluations[key] for key in kept})


def _choose_evaluations(keys: Iterable[tuple[Attempt, bytes]]) -> list[tuple[Attempt, bytes]]:
    """Return the lowest hashes of the latest attempts: this choice does not depend on the order of arrival."""
    by_attempt: dict[Attempt, list[tuple[Attempt, bytes]]] = {}
    for key in sorted(keys):
        by_attempt.setdefault(key[0], []).append(key)
    latest = sorted(by_attempt)[-MAX_ATTEMPTS_KEPT:]
    return [key for attempt in latest for key in by_attempt[attempt][:MAX_EVALUATIONS_PER_ATTEMPT]]


def _apply_attestation(state: TaskState, attestation: AttestationSigned) -> tuple[TaskState, tuple[Effect, ...]]:
    vote = Vote(attestation.task_id, attestation.attempt, attestation.evaluation_hash, attestation.approved)
    operator = attestation.operator
    if not _is_begun_or_next(state, vote.attempt) or state.operators.find(operator) is None:
        return state, ()

    ballot = state.ballots.get(vote, Ballot({}))
    held = ballot.signatures.get(operator)
    if held is not None:
        is_same = held.signature == attestation.signature
        return state, () if is_same else (blame(vote, operator, Fault.TWO_SIGNATURES),)

    signatures = {**ballot.signatures, operator: HeldSignature(attestation.signature)}
    ballots = {**state.ballots, vote: replace(ballot, signatures=signatures)}
    return replace(state, ballots=_drop_oldest_votes(ballots, operator)), ()


def _drop_oldest_votes(ballots: Mapping[Vote, Ballot], operator: OperatorId) -> dict[Vote, Ballot]:
    """Keep at most MAX_VOTES_PER_OPERATOR votes of one operator, whatever the order of arrival."""
    votes = sorted((vote for vote, ballot in ballots.items() if operator in ballot.signatures), key=vote_order)
    dropped = set(votes[:-MAX_VOTES_PER_OPERATOR])
    return {
        vote: _without(ballot, operator) if vote in dropped else ballot
        for vote, ballot in ballots.items()
        if vote not in dropped or len(ballot.signatures) > 1
    }


def _without(ballot: Ballot, operator: OperatorId) -> Ballot:
    return replace(ballot, signatures={id_: held for id_, held in ballot.signatures.items() if id_ != operator})


def _apply_verification(state: TaskState, verified: SignaturesVerified) -> tuple[TaskState, tuple[Effect, ...]]:
    ballot = state.ballots.get(verified.vote)
    if ballot is None:
        return state, ()

    signatures = dict(ballot.signatures)
    for standing, operators in ((Standing.GOOD, verified.good), (Standing.BAD, verified.bad)):
        for operator in operators & signatures.keys():
            signatures[operator] = replace(signatures[operator], standing=standing)
    blamed = tuple(blame(verified.vote, operator, Fault.BAD_SIGNATURE) for operator in sorted(verified.bad))
    ballots = {**state.ballots, verified.vote: replace(ballot, signatures=signatures)}
    return replace(state, ballots=ballots), blamed


def _is_begun_or_next(state: TaskState, attempt: Attempt) -> bool:
    return attempt <= current_attempt(state) + MAX_ATTEMPTS_AHEAD


def _is_attempt_of_interest(state: TaskState, attempt: Attempt) -> bool:
    return attempt >= current_attempt(state) and _is_begun_or_next(state, attempt)
