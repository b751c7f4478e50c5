"""The fold: from accepted records to certificates, one case per test."""

import pytest

from tests.kit.aggregation.votes import (
    FIRST_BLOCK,
    RULES,
    Driven,
    abstain,
    attest,
    build_proposal,
    drive,
    fake_attestation,
    propose,
    read,
    vote_on,
)
from tests.kit.chain.tasks import ATTEMPT_BLOCKS, DEADLINE, SEED_BLOCK, build_operators, build_task
from tests.kit.derived import derive_bytes
from zarathustra.core.aggregation.changes import AttestationAccepted, TaskRead
from zarathustra.core.aggregation.effects import Fault, OperatorBlamed, ReportStall
from zarathustra.core.aggregation.rules import (
    MAX_ATTEMPTS_AHEAD,
    MAX_ATTEMPTS_KEPT,
    MAX_EVALUATIONS_PER_ATTEMPT,
    MAX_VOTES_PER_OPERATOR,
    may_certify,
)
from zarathustra.core.quorum import is_approved
from zarathustra.core.reasons import Reason
from zarathustra.core.task import TaskStatus
from zarathustra.core.types import MAX_OPERATORS, Attempt, BlockNumber
from zarathustra.core.vote import Vote
from zarathustra.wire.aggregation import decode_state, encode_state

pytestmark = pytest.mark.unit

THREE = build_operators(10, 10, 10)
TASK = build_task()
PROPOSAL = build_proposal(TASK)
APPROVE = vote_on(PROPOSAL)
REJECT = vote_on(PROPOSAL, approved=False)
BEGUN = [read(TASK, THREE), propose(PROPOSAL)]


def test_fold__everyone_approves__issues_at_once() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators)])

    (certificate,) = driven.certificates
    assert certificate.bitmap == 0b111
    assert certificate.proposal == PROPOSAL
    assert certificate.vote == APPROVE
    assert certificate.set_version == 1


def test_fold__quorum_without_one_operator__waits_until_the_collect_ends() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators[:2])])
    assert driven.certificates == []
    assert len(driven.verified) == 1  # at once: a forged signature must not start the wait

    drive([read(TASK, THREE, block=FIRST_BLOCK + RULES.collect_blocks - 1)], driven=driven)
    assert driven.certificates == []

    drive([read(TASK, THREE, block=FIRST_BLOCK + RULES.collect_blocks)], driven=driven)
    assert [one.bitmap for one in driven.certificates] == [0b011]


def test_fold__late_vote_within_the_collect__is_in_the_certificate() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators[:2])])
    drive([read(TASK, THREE, block=FIRST_BLOCK + 1), *attest(APPROVE, THREE.operators[2:])], driven=driven)

    assert [one.bitmap for one in driven.certificates] == [0b111]


def test_fold__the_third_abstains__issues_without_waiting() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators[:2]), *abstain(APPROVE, THREE.operators[2:])])

    assert [one.bitmap for one in driven.certificates] == [0b011]


def test_fold__collect_near_the_deadline__leaves_time_to_post() -> None:
    last = read(build_task(attempt=2, attempt_start=DEADLINE - ATTEMPT_BLOCKS), THREE, block=DEADLINE - 2)
    proposal = build_proposal(TASK, attempt=2)

    driven = drive([last, propose(proposal), *attest(vote_on(proposal), THREE.operators[:2])])

    assert len(driven.certificates) == 1


def test_fold__exactly_the_quorum__is_not_enough() -> None:
    operators = build_operators(66, 34)
    driven = drive([read(TASK, operators), propose(PROPOSAL), *attest(APPROVE, operators.operators[:1])])
    drive([read(TASK, operators, block=FIRST_BLOCK + 10)], driven=driven)

    assert not is_approved(signed=66, total=100, quorum_bps=6_600)
    assert driven.certificates == []


def test_fold__operator_attests_twice__counts_once() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators[:1]) * 3])
    drive([read(TASK, THREE, block=FIRST_BLOCK + 10)], driven=driven)

    assert driven.certificates == []
    assert driven.verified == []


def test_fold__bad_signature__is_blamed_and_left_out() -> None:
    driven = drive(
        [*BEGUN, *attest(APPROVE, THREE.operators[2:], is_good=False), *attest(APPROVE, THREE.operators[:2])]
    )

    assert [one.bitmap for one in driven.certificates] == [0b011]
    assert driven.of(OperatorBlamed) == [
        OperatorBlamed(TASK.task_id, Attempt(0), THREE.operators[2].operator_id, Fault.BAD_SIGNATURE)
    ]


def test_fold__bad_signature_would_have_decided__no_certificate() -> None:
    votes = [*attest(APPROVE, THREE.operators[:1]), *attest(APPROVE, THREE.operators[1:2], is_good=False)]
    driven = drive([*BEGUN, *votes])
    drive([read(TASK, THREE, block=FIRST_BLOCK + 10)], driven=driven)

    assert driven.certificates == []


def test_fold__too_few_to_decide__verifies_nothing() -> None:
    assert drive([*BEGUN, *attest(APPROVE, THREE.operators[:1])]).verified == []


def test_fold__votes_on_an_unknown_evaluation__verifies_nothing() -> None:
    driven = drive([read(TASK, THREE), *attest(APPROVE, THREE.operators)])
    assert driven.verified == []

    drive([propose(PROPOSAL)], driven=driven)
    assert [one.bitmap for one in driven.certificates] == [0b111]


def test_fold__two_votes_to_verify_at_once__each_signature_is_verified_once() -> None:
    other = build_proposal(TASK, input_name="the other branch")
    early = read(TASK, THREE, block=SEED_BLOCK - 1)
    votes = [*attest(APPROVE, THREE.operators), *attest(vote_on(other), THREE.operators)]

    driven = drive([early, propose(PROPOSAL), propose(other), *votes, read(TASK, THREE)])

    assert [len(batch) for batch in driven.verified] == [3, 3]
    assert len(driven.certificates) == 2


def test_fold__two_signatures_for_one_vote__first_stays_and_operator_is_blamed() -> None:
    operator = THREE.operators[0]
    driven = drive([*BEGUN, *attest(APPROVE, [operator]), *attest(APPROVE, [operator], is_good=False)])
    drive(attest(APPROVE, THREE.operators[1:]), driven=driven)

    assert OperatorBlamed(TASK.task_id, Attempt(0), operator.operator_id, Fault.TWO_SIGNATURES) in driven.effects
    assert [one.bitmap for one in driven.certificates] == [0b111]


def test_fold__operator_approves_and_rejects__counts_for_neither() -> None:
    byzantine = THREE.operators[0]
    driven = drive([*BEGUN, *attest(APPROVE, [byzantine]), *attest(REJECT, [byzantine])])
    drive([*attest(APPROVE, THREE.operators[1:2]), read(TASK, THREE, block=FIRST_BLOCK + 10)], driven=driven)

    assert driven.certificates == []
    assert driven.of(OperatorBlamed) == [
        OperatorBlamed(TASK.task_id, Attempt(0), byzantine.operator_id, Fault.CONFLICTING_VOTES)
    ]


def test_fold__operator_approves_two_evaluations_of_one_input__is_conflicting() -> None:
    other = build_proposal(TASK, score=7)
    driven = drive([*BEGUN, propose(other), *attest(APPROVE, THREE.operators[:2])])
    drive(attest(vote_on(other), THREE.operators[:1]), driven=driven)
    drive([read(TASK, THREE, block=FIRST_BLOCK + 10)], driven=driven)

    assert driven.certificates == []
    assert [effect.fault for effect in driven.of(OperatorBlamed)] == [Fault.CONFLICTING_VOTES]


def test_fold__seed_block_reorganised_between_two_approvals__no_operator_is_blamed() -> None:
    other = build_proposal(TASK, input_name="the other branch")
    driven = drive([*BEGUN, propose(other), *attest(vote_on(other), THREE.operators)])
    drive(attest(APPROVE, THREE.operators), driven=driven)

    assert driven.of(OperatorBlamed) == []
    assert {one.vote for one in driven.certificates} == {APPROVE, vote_on(other)}


def test_fold__two_of_three_reject__issues_a_rejection() -> None:
    driven = drive([*BEGUN, *attest(REJECT, THREE.operators[:2]), *attest(APPROVE, THREE.operators[2:])])

    assert [(one.vote.approved, one.bitmap) for one in driven.certificates] == [(False, 0b011)]


def test_fold__rejection_of_a_past_attempt__is_not_issued() -> None:
    later = read(TASK, THREE, block=SEED_BLOCK + ATTEMPT_BLOCKS)
    driven = drive([later, propose(PROPOSAL), *attest(REJECT, THREE.operators)])

    assert driven.certificates == []


def test_fold__approval_of_a_past_attempt__is_issued() -> None:
    later = read(TASK, THREE, block=SEED_BLOCK + ATTEMPT_BLOCKS)
    driven = drive([later, propose(PROPOSAL), *attest(APPROVE, THREE.operators)])

    assert len(driven.certificates) == 1


def test_fold__issued_and_still_open__issues_again_after_a_while() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators)])

    drive([read(TASK, THREE, block=FIRST_BLOCK + RULES.reissue_blocks - 1)], driven=driven)
    assert len(driven.certificates) == 1

    drive([read(TASK, THREE, block=FIRST_BLOCK + RULES.reissue_blocks)], driven=driven)
    assert len(driven.certificates) == 2
    assert driven.certificates[0] == driven.certificates[1]


def test_fold__issued_without_one_operator__issues_again_without_waiting_for_it() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators[:2])])
    issued = FIRST_BLOCK + RULES.collect_blocks
    drive([read(TASK, THREE, block=issued), read(TASK, THREE, block=issued + RULES.reissue_blocks)], driven=driven)

    assert [one.bitmap for one in driven.certificates] == [0b011, 0b011]


def test_fold__settled__issues_nothing_more_and_forgets_after_a_while() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators)])
    settled = build_task(status=TaskStatus.SETTLED)

    drive([read(settled, THREE, block=120), read(settled, THREE, block=120 + RULES.forget_blocks - 1)], driven=driven)
    assert driven.state is not None
    assert len(driven.certificates) == 1

    drive([read(settled, THREE, block=120 + RULES.forget_blocks)], driven=driven)
    assert driven.state is None


def test_fold__settlement_reorganised_away__issues_again() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators)])
    drive([read(build_task(status=TaskStatus.SETTLED), THREE, block=110)], driven=driven)
    drive([read(TASK, THREE, block=FIRST_BLOCK + RULES.reissue_blocks)], driven=driven)

    assert len(driven.certificates) == 2


def test_fold__record_of_a_final_or_unknown_task__keeps_nothing() -> None:
    final = read(build_task(status=TaskStatus.EXPIRED), THREE)

    assert drive([final, propose(PROPOSAL), *attest(APPROVE, THREE.operators)]).state is None
    assert drive(attest(APPROVE, THREE.operators)).state is None


def test_fold__quorum_no_longer_reachable__reports_a_stall_once() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators[:1]), *abstain(APPROVE, THREE.operators[1:])])
    drive([read(TASK, THREE, block=FIRST_BLOCK + 1)], driven=driven)

    assert driven.effects == [ReportStall(TASK.task_id, Attempt(0), Reason.QUORUM_UNREACHABLE)]


def test_fold__one_vote_could_still_decide__is_not_stalled() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators[:1]), *abstain(APPROVE, THREE.operators[1:2])])

    assert driven.effects == []


def test_fold__attempt_ends_by_time__reports_a_stall() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators[:1])])
    drive([read(TASK, THREE, block=SEED_BLOCK + ATTEMPT_BLOCKS)], driven=driven)

    assert driven.effects == [ReportStall(TASK.task_id, Attempt(0), Reason.QUORUM_UNREACHABLE)]


def test_fold__attempt_ended_by_a_rejection__did_not_stall() -> None:
    driven = drive([*BEGUN, *attest(REJECT, THREE.operators[:1])])
    drive([read(build_task(attempt=1, attempt_start=110), THREE, block=111)], driven=driven)

    assert driven.effects == []


def test_fold__set_replaced_by_a_reorganisation__votes_move_and_are_verified_again() -> None:
    driven = drive([*BEGUN, *attest(APPROVE, THREE.operators)])
    smaller = build_operators(10, 10, version=2)
    moved = build_task(set_version=2)

    drive([read(moved, smaller, block=FIRST_BLOCK + 1)], driven=driven)

    assert [(one.set_version, one.bitmap) for one in driven.certificates] == [(1, 0b111), (2, 0b011)]
    assert driven.verified[-1] == tuple(operator.operator_id for operator in smaller.operators)


def test_task_read__set_of_another_version__is_refused() -> None:
    with pytest.raises(ValueError, match="not the task's set"):
        TaskRead(build_task(set_version=2), THREE, BlockNumber(1))


def test_fold__strangers_flood_a_task__state_stays_below_half_a_record() -> None:
    """All 128 operators collude, performers included; the kept state must still fit into one changelog record."""
    operators = build_operators(*[1] * MAX_OPERATORS)
    head = 200
    far = build_task(attempt=head, attempt_start=SEED_BLOCK)
    changes = [read(far, operators)]
    for attempt in range(head + MAX_ATTEMPTS_AHEAD + 5):
        changes += [propose(build_proposal(TASK, attempt=attempt, score=score)) for score in range(8)]
    driven = drive(changes)
    without_votes = len(_encoded(driven))
    one = operators.operators[0]
    for attempt in range(head + MAX_ATTEMPTS_AHEAD + 5):
        drive(
            attest(Vote(TASK.task_id, Attempt(attempt), derive_bytes(32, attempt), approved=True), [one]), driven=driven
        )

    state = driven.state
    assert state is not None
    assert len(state.evaluations) == MAX_ATTEMPTS_KEPT * MAX_EVALUATIONS_PER_ATTEMPT
    assert len(state.ballots) == MAX_VOTES_PER_OPERATOR
    assert max(vote.attempt for vote in state.ballots) == head + MAX_ATTEMPTS_AHEAD

    one_operators_votes = len(_encoded(driven)) - without_votes
    assert without_votes + MAX_OPERATORS * one_operators_votes < 512 * 1024


def test_may_certify__task_not_open_or_not_begun__is_false() -> None:
    assert may_certify(TASK, APPROVE, BlockNumber(FIRST_BLOCK))
    assert not may_certify(TASK, APPROVE, BlockNumber(SEED_BLOCK - 1))
    assert not may_certify(TASK, APPROVE, BlockNumber(DEADLINE + 1))
    assert not may_certify(build_task(status=TaskStatus.SETTLED), APPROVE, BlockNumber(FIRST_BLOCK))


def test_state__encoded_and_decoded__is_the_same_value_and_bytes() -> None:
    driven = drive(
        [
            *BEGUN,
            *attest(APPROVE, THREE.operators[:2]),
            *abstain(APPROVE, THREE.operators[2:]),
            *attest(REJECT, THREE.operators[2:], is_good=False),
            read(build_task(status=TaskStatus.SETTLED), THREE, block=130),
        ]
    )
    assert driven.state is not None

    data = encode_state(driven.state)

    assert decode_state(data) == driven.state
    assert encode_state(decode_state(data)) == data


def test_fold__attestation_of_a_stranger__is_dropped() -> None:
    stranger = fake_attestation(APPROVE, build_operators(1, 1, 1, 1).operators[3])
    driven = drive([*BEGUN, AttestationAccepted(stranger)])

    assert driven.state is not None
    assert driven.state.ballots == {}


def test_issue_certificate__signatures_in_any_order__signers_in_slot_order() -> None:
    driven = drive([*BEGUN, *reversed(attest(APPROVE, THREE.operators))])

    assert [[signer.slot for signer in one.signers] for one in driven.certificates] == [[0, 1, 2]]


def _encoded(driven: Driven) -> bytes:
    assert driven.state is not None
    return encode_state(driven.state)
