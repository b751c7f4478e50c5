"""The second half of the fold: what follows from the state now."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from zarathustra.core.aggregation.conflicts import find_conflicting
from zarathustra.core.aggregation.effects import (
    Effect,
    IssueCertificate,
    ReportStall,
    Signer,
    VerifySignatures,
)
from zarathustra.core.aggregation.rules import POSTING_BLOCKS, Rules, decides, may_certify
from zarathustra.core.aggregation.stalls import find_silent, find_stalled
from zarathustra.core.aggregation.state import Ballot, Standing, TaskState, vote_order
from zarathustra.core.messages import EvaluationProposed
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Operator, attempt_end
from zarathustra.core.types import BlockNumber, Wei
from zarathustra.core.vote import Vote


def decide(state: TaskState, rules: Rules) -> tuple[TaskState, tuple[Effect, ...]]:
    """Return what follows from the state. Stops at the first batch to verify: folding its answer decides again."""
    effects: list[Effect] = []
    ballots = dict(state.ballots)
    for tally in _tally(state):
        ballot, effect = _decide_ballot(state, tally, rules)
        ballots[tally.vote] = ballot
        if effect is not None:
            effects.append(effect)
        if isinstance(effect, VerifySignatures):
            break

    decided = replace(state, ballots=ballots)
    stalled = frozenset(find_stalled(decided)) - state.stalled
    effects += (ReportStall(state.task.task_id, attempt, Reason.QUORUM_UNREACHABLE) for attempt in sorted(stalled))
    return replace(decided, stalled=state.stalled | stalled), tuple(effects)


@dataclass(frozen=True)
class _Tally:
    """A ballot with its signers' stakes and keys, without conflicting operators and bad signatures."""

    vote: Vote
    ballot: Ballot
    proposal: EvaluationProposed
    good: tuple[Operator, ...]
    unverified: tuple[Operator, ...]


def _tally(state: TaskState) -> Iterator[_Tally]:
    """Yield the ballots that could be certified now, in a fixed order."""
    conflicting = find_conflicting(state)
    for vote in sorted(state.ballots, key=vote_order):
        ballot = state.ballots[vote]
        proposal = state.evaluations.get((vote.attempt, vote.evaluation_hash))
        if proposal is None or not may_certify(state.task, vote, state.block):
            continue
        members = [
            operator
            for operator in state.operators.operators
            if operator.operator_id in ballot.signatures and (vote.attempt, operator.operator_id) not in conflicting
        ]
        yield _Tally(
            vote,
            ballot,
            proposal,
            good=tuple(_with_standing(members, ballot, Standing.GOOD)),
            unverified=tuple(_with_standing(members, ballot, Standing.UNVERIFIED)),
        )


def _decide_ballot(state: TaskState, tally: _Tally, rules: Rules) -> tuple[Ballot, Effect | None]:
    ballot = tally.ballot
    if ballot.issued_at is not None and state.block < ballot.issued_at + rules.reissue_blocks:
        return ballot, None
    if not _is_decisive(state, tally.vote, (*tally.good, *tally.unverified)):
        return ballot, None
    if not _is_decisive(state, tally.vote, tally.good):
        return ballot, _verify(tally)

    is_first = ballot.issued_at is None
    if is_first and ballot.collect_until is None:
        latest = BlockNumber(_last_useful_block(state, tally.vote) - POSTING_BLOCKS)
        collect_until = min(BlockNumber(state.block + rules.collect_blocks), latest)
        ballot = replace(ballot, collect_until=collect_until)
    if is_first and state.block < (ballot.collect_until or 0) and find_silent(state, tally.vote.attempt):
        return ballot, None
    if tally.unverified:
        return ballot, _verify(tally)

    issue = IssueCertificate(tally.vote, tally.proposal, state.operators.version, _build_signers(tally.good, ballot))
    return replace(ballot, issued_at=state.block, collect_until=None), issue


def _verify(tally: _Tally) -> VerifySignatures:
    return VerifySignatures(tally.vote, _build_signers(tally.unverified, tally.ballot))


def _build_signers(operators: Iterable[Operator], ballot: Ballot) -> tuple[Signer, ...]:
    return tuple(
        Signer(
            operator.operator_id,
            operator.slot,
            operator.public_key,
            ballot.signatures[operator.operator_id].signature,
        )
        for operator in operators
    )


def _is_decisive(state: TaskState, vote: Vote, operators: Iterable[Operator]) -> bool:
    return decides(state, Wei(sum(operator.stake for operator in operators)), is_approval=vote.approved)


def _last_useful_block(state: TaskState, vote: Vote) -> BlockNumber:
    return BlockNumber(state.task.deadline - 1) if vote.approved else attempt_end(state.task, vote.attempt)


def _with_standing(operators: Iterable[Operator], ballot: Ballot, standing: Standing) -> Iterator[Operator]:
    return (op for op in operators if ballot.signatures[op.operator_id].standing is standing)
