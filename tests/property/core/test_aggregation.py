"""Rules of the fold: order and duplicates change nothing, and every certificate has its quorum."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kit.aggregation.votes import (
    RULES,
    Driven,
    abstain,
    attest,
    build_proposal,
    drive,
    fake_signature,
    propose,
    read,
    vote_on,
)
from tests.kit.chain.tasks import build_operators, build_task
from zarathustra.core.aggregation.changes import Change
from zarathustra.core.aggregation.effects import Fault, OperatorBlamed, ReportConflict
from zarathustra.core.digests import evaluation_hash
from zarathustra.core.task import OperatorSet, Task
from zarathustra.core.vote import Vote
from zarathustra.wire.aggregation import decode_state, encode_state

pytestmark = pytest.mark.property

BLOCK = 110
LATER = BLOCK + RULES.collect_blocks


@dataclass(frozen=True)
class Scene:
    """A task, its operators, and what they said about it, in some order."""

    task: Task
    operators: OperatorSet
    said: tuple[Change, ...]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Each operator votes on one of two proposals, abstains, keeps silent, forges or contradicts itself."""
    stakes = draw(st.lists(st.integers(1, 100), min_size=1, max_size=7))
    operators = build_operators(*stakes)
    task = build_task(quorum_bps=draw(st.integers(6_600, 9_000)))
    proposals = [build_proposal(task, score=score) for score in (0, 1)]
    said: list[Change] = [propose(proposal) for proposal in proposals]
    for operator in operators.operators:
        vote = vote_on(draw(st.sampled_from(proposals)), approved=draw(st.booleans()))
        other = vote_on(draw(st.sampled_from(proposals)), approved=draw(st.booleans()))
        match draw(st.sampled_from(["good", "good", "good", "forged", "abstains", "silent", "both"])):
            case "good":
                said += attest(vote, [operator])
            case "forged":
                said += attest(vote, [operator], is_good=False)
            case "abstains":
                said += abstain(vote, [operator])
            case "both":
                said += [*attest(vote, [operator]), *attest(other, [operator])]
    return Scene(task, operators, tuple(said))


@st.composite
def shuffled_scenes(draw: st.DrawFn) -> tuple[Scene, list[Change]]:
    """A scene, and what its operators said, in another order and with repetitions."""
    scene = draw(scenes())
    repeated = [*scene.said, *draw(st.lists(st.sampled_from(scene.said), max_size=6))]
    return scene, draw(st.permutations(repeated))


def play(scene: Scene, said: list[Change] | tuple[Change, ...]) -> Driven:
    """Give the fold everything that was said while it collects votes, then end the collection."""
    driven = drive([read(scene.task, scene.operators, block=BLOCK), *said])
    return drive([read(scene.task, scene.operators, block=LATER)], driven=driven)


@given(shuffled_scenes())
@settings(max_examples=200, deadline=None)
def test_fold__any_order_and_duplicates__same_state(drawn: tuple[Scene, list[Change]]) -> None:
    """The states are compared before a certificate is issued: the time of issue depends on the order of votes."""
    scene, said = drawn
    patient = drive([read(scene.task, scene.operators, block=scene.task.seed_block - 1), *scene.said])
    other = drive([read(scene.task, scene.operators, block=scene.task.seed_block - 1), *said])

    assert patient.state == other.state
    assert set(patient.of(OperatorBlamed)) == set(other.of(OperatorBlamed))
    drive([read(scene.task, scene.operators, block=BLOCK)], driven=patient)
    drive([read(scene.task, scene.operators, block=BLOCK)], driven=other)
    assert patient.certificates == other.certificates


@given(shuffled_scenes())
@settings(max_examples=200, deadline=None)
def test_fold__any_order_and_duplicates__every_certificate_is_valid(drawn: tuple[Scene, list[Change]]) -> None:
    scene, said = drawn
    total = sum(operator.stake for operator in scene.operators.operators)

    for certificate in play(scene, said).certificates:
        signers = certificate.signers
        stakes = {operator.operator_id: operator.stake for operator in scene.operators.operators}
        stake = sum(stakes[signer.operator_id] for signer in signers)
        quorum = scene.task.quorum_bps
        if certificate.vote.approved:
            assert stake * 10_000 > total * quorum
        else:
            assert stake * 10_000 >= total * (10_000 - quorum)
        assert len({signer.operator_id for signer in signers}) == len(signers)
        assert certificate.bitmap.bit_count() == len(signers)
        assert all(signer.signature == fake_signature(certificate.vote, signer.operator_id) for signer in signers)


@given(shuffled_scenes())
@settings(max_examples=200, deadline=None)
def test_fold__any_order_and_duplicates__never_both_verdicts_on_one_evaluation(
    drawn: tuple[Scene, list[Change]],
) -> None:
    verdicts: dict[bytes, set[bool]] = {}
    for certificate in play(*drawn).certificates:
        verdicts.setdefault(certificate.vote.evaluation_hash, set()).add(certificate.vote.approved)

    assert all(len(verdict) == 1 for verdict in verdicts.values())


@given(shuffled_scenes())
@settings(max_examples=200, deadline=None)
def test_fold__any_order_and_duplicates__every_conflict_is_reported_once_with_good_signatures(
    drawn: tuple[Scene, list[Change]],
) -> None:
    scene, said = drawn
    driven = play(scene, said)
    found = [effect.found for effect in driven.effects if isinstance(effect, ReportConflict)]
    blamed = {
        effect.operator
        for effect in driven.effects
        if isinstance(effect, OperatorBlamed) and effect.fault is Fault.CONFLICTING_VOTES
    }
    assert sorted(one.operator for one in found) == sorted(blamed)
    for one in found:
        for cast in (one.first, one.second):
            evaluation = cast.evaluation
            vote = Vote(evaluation.task_id, evaluation.attempt, evaluation_hash(evaluation), cast.approved)
            assert cast.signature == fake_signature(vote, one.operator)


@given(shuffled_scenes(), st.data())
@settings(max_examples=100, deadline=None)
def test_fold__state_saved_and_loaded_in_between__nothing_changes(
    drawn: tuple[Scene, list[Change]], data: st.DataObject
) -> None:
    scene, said = drawn
    whole = play(scene, said)

    cut = data.draw(st.integers(0, len(said)))
    begun = drive([read(scene.task, scene.operators, block=BLOCK), *said[:cut]])
    if begun.state is not None:
        begun.state = decode_state(encode_state(begun.state))
    drive([*said[cut:], read(scene.task, scene.operators, block=LATER)], driven=begun)

    assert begun.effects == whole.effects
    assert begun.state == whole.state


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
@settings(max_examples=50, deadline=None)
def test_fold__honest_operators_beyond_the_quorum__approve_whatever_others_do(seed: int, byzantine: int) -> None:
    """67 of 100 operators are honest. The others forge, contradict themselves or are silent: they cannot stop it."""
    operators = build_operators(*[1] * 100)
    task = build_task()
    proposal = build_proposal(task)
    vote = vote_on(proposal)
    company = operators.operators[67:][: byzantine % 33]
    said = [
        *attest(vote, company[::3], is_good=False),
        *attest(vote, company[1::3]),
        *attest(vote_on(proposal, approved=False), company[1::3]),
        *attest(vote, operators.operators[:67]),
    ]
    said = [said[(seed + 7 * place) % len(said)] for place in range(len(said))] + said

    driven = drive([read(task, operators, block=BLOCK), propose(proposal), *said])
    drive([read(task, operators, block=LATER)], driven=driven)

    assert [one.vote for one in driven.certificates] == [vote]
    assert driven.certificates[0].bitmap & (2**67 - 1) == 2**67 - 1
