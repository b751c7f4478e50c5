"""How attestations become certificates: one fold per task, values in and values out.

    EvaluationAccepted ─┐                        ┌─▶ VerifySignatures ──(interpreter)──▶ SignaturesVerified ─┐
    AttestationAccepted ├─▶ fold(state, change) ─┼─▶ IssueCertificate, ReportStall, OperatorBlamed            │
    AbstentionAccepted  │      ▲                 └─▶ new state                                                │
    TaskRead ───────────┘      └─────────────────────────────────────────────────────────────────────────────┘

Effects follow from the state alone, so nothing is lost with them: folding the next `TaskRead` asks again for whatever a
crash swallowed. Attestations are grouped by vote before stake is counted, and an operator counts once in each vote.
Signatures are verified in batches, and only once they could decide something: strangers' rubbish costs us nothing.

    a vote's ballot:   collecting ──hoped stake decides──▶ verify ──good stake decides──▶ wait for the slow (briefly)
                           ▲                                 │                                    │
                           └────────── bad ones out ─────────┘             issue ◀────────────────┘
                                                                             └─ still open after a while: issue again
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import TypeAlias

from zarathustra.core.digests import evaluation_hash
from zarathustra.core.messages import Abstained, AttestationSigned, EvaluationProposed
from zarathustra.core.quorum import is_approved, is_rejected
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Operator, OperatorSet, Task, TaskStatus, attempt_end, effective_attempt
from zarathustra.core.types import (
    Attempt,
    BlockNumber,
    BlsPublicKey,
    BlsSignature,
    OperatorId,
    SetVersion,
    Slot,
    TaskId,
    Wei,
)
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


# ---- state


class Standing(IntEnum):
    """What we know of a signature. Append-only: stored."""

    UNVERIFIED = 0
    GOOD = 1
    BAD = 2


@dataclass(frozen=True)
class HeldSignature:
    signature: BlsSignature
    standing: Standing = Standing.UNVERIFIED


@dataclass(frozen=True)
class Ballot:
    """Everything known about one vote. At most one signature an operator."""

    signatures: Mapping[OperatorId, HeldSignature]
    collect_until: BlockNumber | None = None
    issued_at: BlockNumber | None = None


@dataclass(frozen=True)
class TaskState:
    """One task as its aggregator sees it. Never mutated; every mapping is owned by the state that holds it."""

    task: Task
    operators: OperatorSet
    block: BlockNumber  # at which the task was last read
    evaluations: Mapping[tuple[Attempt, bytes], EvaluationProposed]  # by attempt and evaluation hash
    ballots: Mapping[Vote, Ballot]
    abstained: frozenset[tuple[Attempt, OperatorId]]
    stalled: frozenset[Attempt]  # reported already
    final_since: BlockNumber | None


# ---- changes


@dataclass(frozen=True)
class TaskRead:
    """The task as our own node tells it at `block`; also how time passes. Status NONE: our node knows it no more."""

    task: Task
    operators: OperatorSet
    block: BlockNumber

    def __post_init__(self) -> None:
        if self.task.set_version != self.operators.version:
            raise ValueError(f"set {self.operators.version} is not the task's set {self.task.set_version}")


@dataclass(frozen=True)
class EvaluationAccepted:
    """From the attempt's performer, with its signature checked and the input hash compared."""

    proposal: EvaluationProposed


@dataclass(frozen=True)
class AttestationAccepted:
    """From a member of the task's set, in its own envelope; the BLS signature is not yet verified."""

    attestation: AttestationSigned


@dataclass(frozen=True)
class AbstentionAccepted:
    """From a member of the task's set, in its own envelope."""

    abstention: Abstained


@dataclass(frozen=True)
class SignaturesVerified:
    """The answer to `VerifySignatures`."""

    vote: Vote
    good: frozenset[OperatorId]
    bad: frozenset[OperatorId]


Change: TypeAlias = TaskRead | EvaluationAccepted | AttestationAccepted | AbstentionAccepted | SignaturesVerified


# ---- effects


@dataclass(frozen=True)
class Signer:
    """A member of a vote, with everything needed to verify or aggregate its signature."""

    operator_id: OperatorId
    slot: Slot
    public_key: BlsPublicKey
    signature: BlsSignature


@dataclass(frozen=True)
class VerifySignatures:
    """Find out which of these are good and fold `SignaturesVerified`. At most one at a time."""

    vote: Vote
    signers: tuple[Signer, ...]


@dataclass(frozen=True)
class IssueCertificate:
    """Aggregate and publish. Every signature is verified; the signers' stake decides. `signers` in slot order."""

    vote: Vote
    proposal: EvaluationProposed
    set_version: SetVersion
    signers: tuple[Signer, ...]

    @property
    def bitmap(self) -> int:
        """Bit i = slot i."""
        return sum(1 << signer.slot for signer in self.signers)


@dataclass(frozen=True)
class ReportStall:
    """The attempt can reach no quorum any more."""

    task_id: TaskId
    attempt: Attempt
    reason: Reason


class Fault(StrEnum):
    """What an operator provably did wrong; the word in logs and metrics."""

    BAD_SIGNATURE = "bad_signature"
    TWO_SIGNATURES = "two_signatures"  # BLS signatures are unique: at least one of them is none
    CONFLICTING_VOTES = "conflicting_votes"  # slashable: `AttestationCenter.proveDoubleAttestation`


@dataclass(frozen=True)
class OperatorBlamed:
    task_id: TaskId
    attempt: Attempt
    operator: OperatorId
    fault: Fault


Effect: TypeAlias = VerifySignatures | IssueCertificate | ReportStall | OperatorBlamed


@dataclass(frozen=True)
class Transition:
    """`state` None: nothing is kept of the task."""

    state: TaskState | None
    effects: tuple[Effect, ...] = ()


# ---- the fold


def fold(state: TaskState | None, change: Change, rules: Rules) -> Transition:
    """Take in one change. Duplicates change nothing; the order of records of different operators means nothing.

    A task starts with `TaskRead`; anything else about an unknown or forgotten task is dropped.
    """
    if state is None:
        return _begin(change, rules)

    changed, blamed = _apply(state, change)
    blamed += _find_new_conflicts(state, changed)
    if changed.final_since is not None:
        is_over = changed.block >= changed.final_since + rules.forget_blocks
        return Transition(None if is_over else changed, blamed)

    decided, effects = _decide(changed, rules)
    return Transition(decided, blamed + effects)


def _begin(change: Change, rules: Rules) -> Transition:
    if not isinstance(change, TaskRead) or change.task.status is not TaskStatus.OPEN:
        return Transition(None)
    state = TaskState(
        task=change.task,
        operators=change.operators,
        block=change.block,
        evaluations={},
        ballots={},
        abstained=frozenset(),
        stalled=frozenset(),
        final_since=None,
    )
    return Transition(state)


def _apply(state: TaskState, change: Change) -> tuple[TaskState, tuple[Effect, ...]]:
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
    """Take over the chain's facts, which a reorganisation may also have moved back."""
    is_open = read.task.status is TaskStatus.OPEN
    final_since = None if is_open else read.block if state.final_since is None else state.final_since
    moved = replace(state, task=read.task, operators=read.operators, block=read.block, final_since=final_since)
    if read.operators.version != state.operators.version:
        moved = replace(moved, ballots=_move_ballots(state.ballots, read.operators))

    # Abstentions matter to the attempts still to be decided; old ones would only pile up.
    kept = frozenset(mark for mark in state.abstained if mark[0] >= _current_attempt(moved))
    return replace(moved, abstained=kept)


def _move_ballots(ballots: Mapping[Vote, Ballot], operators: OperatorSet) -> dict[Vote, Ballot]:
    """The same ballots under another set (the task was reorganised): members only, to be verified again."""
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
    """The lowest hashes of the latest attempts: a choice that does not depend on who came first."""
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
        return state, () if is_same else (_blame(vote, operator, Fault.TWO_SIGNATURES),)

    signatures = {**ballot.signatures, operator: HeldSignature(attestation.signature)}
    ballots = {**state.ballots, vote: replace(ballot, signatures=signatures)}
    return replace(state, ballots=_drop_oldest_votes(ballots, operator)), ()


def _drop_oldest_votes(ballots: Mapping[Vote, Ballot], operator: OperatorId) -> dict[Vote, Ballot]:
    """At most MAX_VOTES_PER_OPERATOR of one operator's; the same ones whatever order they came in."""
    votes = sorted((vote for vote, ballot in ballots.items() if operator in ballot.signatures), key=_vote_order)
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
    blamed = tuple(_blame(verified.vote, operator, Fault.BAD_SIGNATURE) for operator in sorted(verified.bad))
    ballots = {**state.ballots, verified.vote: replace(ballot, signatures=signatures)}
    return replace(state, ballots=ballots), blamed


# ---- conflicts


def find_conflicting(state: TaskState) -> frozenset[tuple[Attempt, OperatorId]]:
    """Who contradicted itself, and in which attempt: two approvals of different evaluations of one input, or both
    approval and rejection of one evaluation. Their stake counts for nothing in that attempt.
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

    # A reorganised seed block changes the input: who approved before and after did nothing wrong.
    known = [state.evaluations.get((vote.attempt, vote.evaluation_hash)) for vote in approved]
    inputs = [proposal.evaluation.input_hash for proposal in known if proposal is not None]
    return len(inputs) > len(set(inputs))


def _find_new_conflicts(before: TaskState, after: TaskState) -> tuple[Effect, ...]:
    return tuple(
        OperatorBlamed(after.task.task_id, attempt, operator, Fault.CONFLICTING_VOTES)
        for attempt, operator in sorted(find_conflicting(after) - find_conflicting(before))
    )


def _blame(vote: Vote, operator: OperatorId, fault: Fault) -> OperatorBlamed:
    return OperatorBlamed(vote.task_id, vote.attempt, operator, fault)


# ---- deciding


def _decide(state: TaskState, rules: Rules) -> tuple[TaskState, tuple[Effect, ...]]:
    """What follows from the state now. Stops at the first batch to verify: its answer decides anew."""
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
    stalled = frozenset(_find_stalled(decided)) - state.stalled
    effects += (ReportStall(state.task.task_id, attempt, Reason.QUORUM_UNREACHABLE) for attempt in sorted(stalled))
    return replace(decided, stalled=state.stalled | stalled), tuple(effects)


@dataclass(frozen=True)
class _Tally:
    """A ballot with its members' stakes and keys looked up; conflicting and bad ones are left out."""

    vote: Vote
    ballot: Ballot
    proposal: EvaluationProposed
    good: tuple[Operator, ...]
    unverified: tuple[Operator, ...]


def _tally(state: TaskState) -> Iterator[_Tally]:
    """The ballots that could be certified now, in a fixed order."""
    conflicting = find_conflicting(state)
    for vote in sorted(state.ballots, key=_vote_order):
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
    if is_first and state.block < (ballot.collect_until or 0) and _find_silent(state, tally.vote.attempt):
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
    return _decides(state, Wei(sum(operator.stake for operator in operators)), is_approval=vote.approved)


def _decides(state: TaskState, stake: Wei, *, is_approval: bool) -> bool:
    total, quorum_bps = state.operators.total_stake, state.task.quorum_bps
    if is_approval:
        return is_approved(signed=stake, total=total, quorum_bps=quorum_bps)
    return is_rejected(rejected=stake, total=total, quorum_bps=quorum_bps)


def _last_useful_block(state: TaskState, vote: Vote) -> BlockNumber:
    return state.task.deadline if vote.approved else attempt_end(state.task, vote.attempt)


# ---- stalled attempts


def _find_stalled(state: TaskState) -> Iterator[Attempt]:
    """Attempts we know of that will not be decided: over without a certificate, or beyond every quorum."""
    issued = {vote.attempt for vote, ballot in state.ballots.items() if ballot.issued_at is not None}
    seen = {vote.attempt for vote in state.ballots} | {attempt for attempt, _ in state.evaluations}
    effective = effective_attempt(state.task, state.block)
    for attempt in seen - issued:
        # The stored attempt moves on only when the one before was rejected: that one did not stall.
        was_rejected = attempt == state.task.attempt - 1
        is_over = state.block > state.task.deadline or (effective is not None and attempt < effective)
        if (is_over and not was_rejected) or (attempt == effective and not _is_quorum_reachable(state, attempt)):
            yield attempt


def _is_quorum_reachable(state: TaskState, attempt: Attempt) -> bool:
    """Whether the operators not heard yet could still decide the attempt, one way or the other."""
    silent = sum(operator.stake for operator in _find_silent(state, attempt))
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
        _decides(state, Wei(support + silent), is_approval=is_approval) for is_approval, support in supports.items()
    )


def _counts(operator: Operator, vote: Vote, ballot: Ballot) -> bool:
    held = ballot.signatures.get(operator.operator_id)
    return held is not None and held.standing is not Standing.BAD


def _find_silent(state: TaskState, attempt: Attempt) -> list[Operator]:
    """The operators that neither voted nor abstained in the attempt."""
    voted = {
        operator for vote, ballot in state.ballots.items() if vote.attempt == attempt for operator in ballot.signatures
    }
    return [
        operator
        for operator in state.operators.operators
        if operator.operator_id not in voted and (attempt, operator.operator_id) not in state.abstained
    ]


# ---- small words


def _with_standing(operators: Iterable[Operator], ballot: Ballot, standing: Standing) -> Iterator[Operator]:
    return (op for op in operators if ballot.signatures[op.operator_id].standing is standing)


def _current_attempt(state: TaskState) -> Attempt:
    effective = effective_attempt(state.task, state.block)
    return state.task.attempt if effective is None else effective


def _is_begun_or_next(state: TaskState, attempt: Attempt) -> bool:
    return attempt <= _current_attempt(state) + MAX_ATTEMPTS_AHEAD


def _is_attempt_of_interest(state: TaskState, attempt: Attempt) -> bool:
    return attempt >= _current_attempt(state) and _is_begun_or_next(state, attempt)


def _vote_order(vote: Vote) -> tuple[Attempt, bytes, bool]:
    return vote.attempt, vote.evaluation_hash, vote.approved
