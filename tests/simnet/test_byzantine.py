"""Operators of the set that vote twice, contradict themselves, or send signatures that are valid only in their sum."""

from collections.abc import Iterator

import pytest

from tests.kit.simnet.attacks import Scene, find_scene, shift_signature
from tests.kit.simnet.net import Simnet
from tests.kit.simnet.projects import BETTER_PARAMETERS, FIRST, PublishedProject, open_project
from tests.kit.simnet.run import open_simnet
from tests.kit.simnet.stage import STAKE, Stage, open_for_tests
from tests.kit.simulated_time import simulate
from zarathustra.core.aggregation.effects import Fault
from zarathustra.core.digests import evaluation_hash, vote_digest
from zarathustra.core.events import ConflictProven, OperatorSlashed, TaskSubmitted
from zarathustra.core.messages import CertificateIssued, ConflictFound
from zarathustra.core.outcomes import Outcome
from zarathustra.core.types import Topic
from zarathustra.core.vote import Vote

pytestmark = pytest.mark.simnet

OFFSET = 0xD1FF  # any number


@pytest.fixture(scope="module")
def stage_of_six(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A chain with six operators: four are beyond the quorum, so two may cheat together."""
    yield from open_for_tests(tmp_path_factory, operator_count=6)


def test_simnet__attester_contradicts_itself__blamed_and_counted_for_neither(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published, scene = await open_scene(net, silent=[2, 3])
            liar = net.operators[2]
            for is_approval in (True, False):
                vote = scene.attest(liar, evaluation_hash(scene.proposal.evaluation), approved=is_approval)
                net.send_as(liar.signing, Topic.ATTESTATIONS, vote)
            await net.wait_blocks(2)
            assert count_certificates(net) == 1  # only the baseline's: one honest vote, and none of the liar's

            net.start("validator-2")
            submission = await net.wait_for_outcome(published.project_id, FIRST)
            (settled,) = [fact for fact in net.facts(TaskSubmitted) if fact.task_id == submission.task_id]
            assert submission.outcome is Outcome.IMPROVED
            assert settled.bitmap == 0b011
            assert net.count_faults(liar) == {Fault.CONFLICTING_VOTES: 1}

    simulate(play())


def test_simnet__attester_contradicts_itself__its_stake_is_cut_on_chain_once(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published, scene = await open_scene(net, silent=[3])
            liar = net.operators[2]
            for is_approval in (True, False):
                vote = scene.attest(liar, evaluation_hash(scene.proposal.evaluation), approved=is_approval)
                net.send_as(liar.signing, Topic.ATTESTATIONS, vote)

            async def is_proven() -> bool:
                return net.facts(ConflictProven) != []

            await net.wait_until(is_proven)
            await net.wait_for_outcome(published.project_id, FIRST)
            await net.services["aggregator-1"].crash()
            net.start("aggregator-1")
            await net.wait_blocks(3)

            (proven,) = net.facts(ConflictProven)
            (slashed,) = net.facts(OperatorSlashed)
            assert (proven.task_id, proven.culprits) == (scene.proposal.evaluation.task_id, 0b100)
            assert (slashed.operator, slashed.amount) == (liar.operator_id, proven.amount)
            stakes = [(await net.market.fetch_operator(one.operator_id)).stake for one in net.operators]
            assert stakes == [STAKE, STAKE, STAKE - proven.amount]
            assert proven.amount > 0

    simulate(play())


def test_simnet__liar_votes_on_an_invented_input__nothing_is_filed(stage: Stage) -> None:
    """Two approvals of evaluations of another input: refused with their proposals, and no reason to slash."""

    async def play() -> None:
        async with open_simnet(stage) as net:
            published, scene = await open_scene(net, silent=[3])
            liar, key = net.operators[2], scene.performer.signing
            for score in (1, 2):
                proposal = scene.propose(key, input_hash=b"\x1f" * 32, challenger_score=score)
                net.send_as(key, Topic.EVALUATIONS, proposal)
                net.send_as(liar.signing, Topic.ATTESTATIONS, scene.attest(liar, evaluation_hash(proposal.evaluation)))
            await net.wait_for_outcome(published.project_id, FIRST)
            await net.wait_blocks(3)

            assert [one for one in net.messages(Topic.CERTIFICATES) if isinstance(one, ConflictFound)] == []
            assert net.facts(OperatorSlashed) == []
            assert (await net.market.fetch_operator(liar.operator_id)).stake == STAKE

    simulate(play())


def test_simnet__one_vote_sent_three_times__is_one_vote(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published, scene = await open_scene(net, silent=[1, 2, 3])
            vote = scene.attest(net.operators[1], evaluation_hash(scene.proposal.evaluation))
            for _ in range(3):
                net.send_as(net.operators[1].signing, Topic.ATTESTATIONS, vote)
            await net.wait_blocks(2)
            assert count_certificates(net) == 1  # only the baseline's

            net.start("validator-1")
            submission = await net.wait_for_outcome(published.project_id, FIRST)
            (settled,) = [fact for fact in net.facts(TaskSubmitted) if fact.task_id == submission.task_id]
            assert settled.bitmap == 0b011
            assert net.count_faults(net.operators[1]) == {}

    simulate(play())


def test_simnet__two_signatures_that_cancel_out__both_named_and_left_out(stage_of_six: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage_of_six) as net:
            published, scene = await open_scene(net, silent=[5, 6])
            evaluation = scene.proposal.evaluation
            vote = Vote(evaluation.task_id, evaluation.attempt, evaluation_hash(evaluation), approved=True)
            digest = vote_digest(net.domain, vote)
            for operator, offset in zip(net.operators[4:], (OFFSET, -OFFSET), strict=True):
                shifted = shift_signature(scene.attest(operator, vote.evaluation_hash), offset, digest)
                net.send_as(operator.signing, Topic.ATTESTATIONS, shifted)
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            (settled,) = [fact for fact in net.facts(TaskSubmitted) if fact.task_id == submission.task_id]
            assert submission.outcome is Outcome.IMPROVED
            assert settled.bitmap == 0b001111
            assert [net.count_faults(one) for one in net.operators[4:]] == [{Fault.BAD_SIGNATURE: 1}] * 2
            assert all(net.count_faults(one) == {} for one in net.operators[:4])

    simulate(play())


async def open_scene(net: Simnet, *, silent: list[int]) -> tuple[PublishedProject, Scene]:
    """Open a submission with its honest proposal, on which the validators in `silent` do not vote."""
    published = await open_project(net)
    for number in silent:
        await net.services[f"validator-{number}"].crash()
    await published.submit(BETTER_PARAMETERS)
    return published, await find_scene(net)


def count_certificates(net: Simnet) -> int:
    return sum(isinstance(message, CertificateIssued) for message in net.messages(Topic.CERTIFICATES))
