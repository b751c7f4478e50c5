"""Evidence of conflicting votes: when the fold has enough of it, and what it never reports."""

from dataclasses import replace

import pytest

from tests.kit.aggregation.votes import (
    FIRST_BLOCK,
    RULES,
    Driven,
    attest,
    build_proposal,
    drive,
    fake_signature,
    propose,
    read,
    vote_on,
)
from tests.kit.chain.tasks import build_operators, build_task
from zarathustra.core.aggregation.effects import ReportConflict
from zarathustra.core.aggregation.proofs import is_punishable
from zarathustra.core.messages import CastVote, ConflictFound, EvaluationProposed
from zarathustra.core.task import TaskStatus
from zarathustra.wire.aggregation import decode_state, encode_state

pytestmark = pytest.mark.unit

THREE = build_operators(10, 10, 10)
TASK = build_task()
PROPOSAL, OTHER = build_proposal(TASK), build_proposal(TASK, score=7)
APPROVE, REJECT = vote_on(PROPOSAL), vote_on(PROPOSAL, approved=False)
CULPRIT = THREE.operators[0]
BEGUN = [read(TASK, THREE), propose(PROPOSAL), propose(OTHER)]


def list_found(driven: Driven) -> list[ConflictFound]:
    return [effect.found for effect in driven.effects if isinstance(effect, ReportConflict)]


def cast(proposal: EvaluationProposed, *, approved: bool = True) -> CastVote:
    """Return the culprit's vote as evidence."""
    signature = fake_signature(vote_on(proposal, approved=approved), CULPRIT.operator_id)
    return CastVote(proposal.evaluation, approved, signature)


# ---- what is reported


def test_fold__approves_and_rejects_one_evaluation__both_signed_votes_are_reported() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, [CULPRIT]), *attest(REJECT, [CULPRIT])])

    (found,) = list_found(driven)
    assert found.operator == CULPRIT.operator_id
    assert {found.first, found.second} == {cast(PROPOSAL), cast(PROPOSAL, approved=False)}


def test_fold__approves_two_evaluations__both_signed_votes_are_reported() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, [CULPRIT]), *attest(vote_on(OTHER), [CULPRIT])])

    (found,) = list_found(driven)
    assert {found.first, found.second} == {cast(PROPOSAL), cast(OTHER)}


def test_fold__evaluation_comes_after_the_votes__reported_then() -> None:
    driven = drive([read(TASK, THREE), *attest(APPROVE, [CULPRIT]), *attest(REJECT, [CULPRIT])])
    assert list_found(driven) == []
    assert driven.verified == []  # without the evaluation there is nothing to file

    drive([propose(PROPOSAL)], driven=driven)
    assert len(list_found(driven)) == 1


def test_fold__task_is_settled_already__reported_until_it_is_forgotten() -> None:
    settled = build_task(status=TaskStatus.SETTLED)
    driven = drive([*BEGUN, *attest(APPROVE, [CULPRIT]), read(settled, THREE, block=FIRST_BLOCK + 1)])
    drive(attest(REJECT, [CULPRIT]), driven=driven)
    assert len(list_found(driven)) == 1

    drive([read(settled, THREE, block=FIRST_BLOCK + 1 + RULES.forget_blocks)], driven=driven)
    assert driven.state is None


def test_fold__two_operators_contradict_themselves__each_is_reported() -> None:
    both = THREE.operators[:2]
    driven = drive([*BEGUN, *attest(APPROVE, both), *attest(REJECT, both)])
    assert [found.operator for found in list_found(driven)] == [one.operator_id for one in both]


# ---- once


def test_fold__three_conflicting_votes_and_repetitions__reported_once() -> None:
    votes = [*attest(APPROVE, [CULPRIT]), *attest(REJECT, [CULPRIT]), *attest(vote_on(OTHER), [CULPRIT])]
    driven = drive([*BEGUN, *votes, *votes, read(TASK, THREE, block=FIRST_BLOCK + 30)])
    assert len(list_found(driven)) == 1


def test_fold__state_is_saved_and_loaded__not_reported_again() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, [CULPRIT]), *attest(REJECT, [CULPRIT])])
    assert driven.state is not None
    driven.state = decode_state(encode_state(driven.state))
    drive([read(TASK, THREE, block=FIRST_BLOCK + 1), *attest(vote_on(OTHER), [CULPRIT])], driven=driven)
    assert len(list_found(driven)) == 1


def test_fold__crash_before_the_state_is_saved__the_next_block_reports_the_same() -> None:
    """The loop saves a state after its effects: after a crash the earlier one is folded again."""
    driven = drive([*BEGUN, *attest(APPROVE, [CULPRIT])])
    saved = driven.state
    drive(attest(REJECT, [CULPRIT]), driven=driven)
    again = drive(attest(REJECT, [CULPRIT]), driven=Driven(state=saved))
    assert list_found(again) == list_found(driven)


# ---- what is no evidence


def test_fold__seed_block_reorganised_between_two_approvals__nothing_is_reported() -> None:
    branch = build_proposal(TASK, input_name="the other branch")
    driven = drive(
        [*BEGUN, propose(branch), *attest(APPROVE, THREE.operators), *attest(vote_on(branch), THREE.operators)]
    )
    assert list_found(driven) == []


def test_fold__contradicts_itself_on_both_branches__reported_for_each_input() -> None:
    branch = build_proposal(TASK, input_name="the other branch")
    votes = [vote for one in (PROPOSAL, branch) for vote in (vote_on(one), vote_on(one, approved=False))]
    driven = drive([*BEGUN, propose(branch), *(change for vote in votes for change in attest(vote, [CULPRIT]))])
    assert {found.first.evaluation.input_hash for found in list_found(driven)} == {
        PROPOSAL.evaluation.input_hash,
        branch.evaluation.input_hash,
    }


def test_fold__rejects_two_evaluations__nothing_is_reported() -> None:
    votes = [*attest(REJECT, [CULPRIT]), *attest(vote_on(OTHER, approved=False), [CULPRIT])]
    assert list_found(drive([*BEGUN, *votes])) == []


def test_fold__approves_one_and_rejects_the_other__nothing_is_reported() -> None:
    votes = [*attest(APPROVE, [CULPRIT]), *attest(vote_on(OTHER, approved=False), [CULPRIT])]
    assert list_found(drive([*BEGUN, *votes])) == []


def test_fold__votes_in_two_attempts__nothing_is_reported() -> None:
    later = build_proposal(TASK, attempt=1)
    votes = [*attest(APPROVE, [CULPRIT]), *attest(vote_on(later), [CULPRIT])]
    assert list_found(drive([*BEGUN, propose(later), *votes])) == []


def test_fold__one_signature_is_bad__nothing_is_reported_and_no_other_is_verified() -> None:
    votes = [*attest(REJECT, [CULPRIT], is_good=False), *attest(APPROVE, [CULPRIT])]
    driven = drive([*BEGUN, *votes])
    assert list_found(driven) == []
    assert driven.verified == [(CULPRIT.operator_id,)]


def test_fold__task_is_reorganised_away__nothing_is_reported_until_it_comes_back() -> None:
    gone = replace(TASK, status=TaskStatus.NONE)
    driven = drive([*BEGUN, *attest(APPROVE, [CULPRIT]), read(gone, THREE, block=FIRST_BLOCK + 1)])
    drive(attest(REJECT, [CULPRIT]), driven=driven)
    assert list_found(driven) == []

    drive([read(TASK, THREE, block=FIRST_BLOCK + 2)], driven=driven)
    assert len(list_found(driven)) == 1


def test_fold__honest_operators__only_the_culprits_signatures_are_verified() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators[:1]), *attest(REJECT, THREE.operators[:1])])
    drive(attest(APPROVE, THREE.operators[1:2]), driven=driven)
    assert set(driven.verified) == {(CULPRIT.operator_id,)}


# ---- before it is filed


def test_is_punishable__both_votes_on_the_tasks_input__true() -> None:
    found = ConflictFound(CULPRIT.operator_id, cast(PROPOSAL), cast(OTHER))
    assert is_punishable(found, PROPOSAL.evaluation.input_hash)


def test_is_punishable__either_vote_on_another_input__false() -> None:
    branch = build_proposal(TASK, input_name="the other branch")
    for first, second in ((PROPOSAL, branch), (branch, PROPOSAL), (branch, branch)):
        found = ConflictFound(CULPRIT.operator_id, cast(first), cast(second))
        assert not is_punishable(found, PROPOSAL.evaluation.input_hash)
