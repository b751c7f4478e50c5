"""The outcome of a submission when all operators work, when one lies, and when one is silent."""

from collections import Counter

import pytest

from devnet.liars.performer import build_lie as build_performers_lie
from devnet.liars.validator import build_lie as build_attesters_lie
from tests.kit.simnet.accounts import CONTRIBUTOR_KEYS, TREASURY
from tests.kit.simnet.net import Simnet
from tests.kit.simnet.projects import (
    BEST_PARAMETERS,
    BETTER_PARAMETERS,
    FIRST,
    TERMS,
    WORSE_PARAMETERS,
    open_project,
    publish,
)
from tests.kit.simnet.run import open_simnet
from tests.kit.simnet.services import build_assess, build_performer, build_validator
from tests.kit.simnet.stage import Stage
from tests.kit.simulated_time import simulate
from zarathustra.bus.records import Header
from zarathustra.core.events import (
    SubmissionReopened,
    TaskExpired,
    TaskOpened,
    TaskRejected,
    TaskSubmitted,
)
from zarathustra.core.messages import AttestationSigned, CertificatePosted, EvaluationProposed, TaskStalled
from zarathustra.core.outcomes import Outcome
from zarathustra.core.project import ProjectStatus
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO_ADDRESS, Topic

pytestmark = pytest.mark.simnet

TOPICS_WITH_IDS = (Topic.CHAIN_EVENTS, Topic.EVALUATIONS, Topic.ATTESTATIONS, Topic.CERTIFICATES)


# ---- all operators work


def test_simnet__improved_submission__champion_moves_and_the_reward_is_credited(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published = await open_project(net)
            await published.submit(BETTER_PARAMETERS)
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            project = await net.fetch_project(published.project_id)
            assert submission.outcome is Outcome.IMPROVED
            assert project.champion_index == FIRST
            assert project.champion_score == submission.challenger_score
            assert await net.market.fetch_champion_cid(published.project_id) == submission.parameters_cid
            assert project.pool_free == TERMS.pool - TERMS.max_reward
            assert await net.fetch_credit(CONTRIBUTOR_KEYS[0]) == TERMS.bond + TERMS.max_reward
            assert await net.market.fetch_credit(TREASURY, ZERO_ADDRESS) == 0

    simulate(play())


def test_simnet__undisturbed_run__every_record_once_and_every_id_unique(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published = await open_project(net)
            await published.submit(BETTER_PARAMETERS)
            await net.wait_for_outcome(published.project_id, FIRST)
            await net.wait_blocks(2)

            for topic in TOPICS_WITH_IDS:
                records = [delivery.record for delivery in net.read(topic)]
                contents = {(record.headers[Header.TYPE], record.value) for record in records}
                assert records
                assert len({record.headers[Header.ID] for record in records}) == len(contents) == len(records), topic
            assert not any(net.dead_letters(group) for group in net.list_groups())
            assert count_messages(net, Topic.EVALUATIONS) == {EvaluationProposed: 2}
            assert count_messages(net, Topic.ATTESTATIONS) == {AttestationSigned: 2 * len(net.operators)}
            assert count_messages(net, Topic.CERTIFICATES)[CertificatePosted] == 2
            assert {notification.id for notification in net.notifications} <= all_ids(net)

    simulate(play())


def test_simnet__three_submissions_at_once__settle_in_the_order_of_their_commits(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published = await open_project(net)
            indices = [
                await published.submit(parameters, by=number)
                for number, parameters in enumerate((BETTER_PARAMETERS, WORSE_PARAMETERS, BEST_PARAMETERS))
            ]
            outcomes = [(await net.wait_for_outcome(published.project_id, index)).outcome for index in indices]

            assert outcomes == [Outcome.IMPROVED, Outcome.WORSE, Outcome.IMPROVED]
            assert [fact.submission_index for fact in net.facts(TaskOpened)] == [0, *indices]
            assert [await net.fetch_credit(key) for key in CONTRIBUTOR_KEYS] == [
                TERMS.bond + TERMS.max_reward,
                0,
                TERMS.bond + TERMS.max_reward,
            ]
            assert await net.market.fetch_credit(TREASURY, ZERO_ADDRESS) == TERMS.bond - TERMS.fee

    simulate(play())


# ---- an operator lies


def test_simnet__attester_lies__outvoted_and_in_no_certificate(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            liar = net.operators[2]
            net.add("validator-3", build_validator(liar, build_attesters_lie(build_assess(net, liar))))
            published = await open_project(net)
            await published.submit(BETTER_PARAMETERS)
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            settled = net.facts(TaskSubmitted)
            votes = [one for one in net.messages(Topic.ATTESTATIONS) if isinstance(one, AttestationSigned)]
            assert submission.outcome is Outcome.IMPROVED
            assert [(fact.attempt, fact.bitmap) for fact in settled] == [(0, 0b011), (0, 0b011)]
            assert {vote.approved for vote in votes if vote.operator == liar.operator_id} == {False}
            assert {vote.reason for vote in votes if not vote.approved} == {Reason.SCORE_MISMATCH.code}

    simulate(play())


def test_simnet__performer_lies__rejected_and_the_next_attempt_settles(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            for operator in net.operators:  # any performer lies in the submission's first attempt
                lie = build_performers_lie(build_assess(net, operator), FIRST)
                net.add(f"performer-{operator.number}", build_performer(operator, lie))
            published = await open_project(net)
            await published.submit(WORSE_PARAMETERS)
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            (rejected,) = net.facts(TaskRejected)
            (settled,) = [fact for fact in net.facts(TaskSubmitted) if fact.task_id == submission.task_id]
            assert submission.outcome is Outcome.WORSE
            assert (rejected.task_id, rejected.attempt) == (submission.task_id, 0)
            assert settled.attempt == 1
            assert settled.performer != rejected.performer
            assert await net.fetch_credit(CONTRIBUTOR_KEYS[0]) == 0

    simulate(play())


# ---- an operator is silent


@pytest.mark.parametrize("number", [2, 3])
def test_simnet__one_operator_down__the_others_settle(stage: Stage, number: int) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            net.start()
            await net.stop_operator(number)
            published = await publish(net)
            await published.wait_until_open()
            await published.submit(BETTER_PARAMETERS)
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            assert submission.outcome is Outcome.IMPROVED
            assert not any(fact.bitmap >> (number - 1) & 1 for fact in net.facts(TaskSubmitted))

    simulate(play())


def test_simnet__performer_silent__the_attempt_passes_and_the_next_one_performs(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published = await open_project(net)
            await published.submit(BETTER_PARAMETERS)
            task, silent = await net.wait_for_performer()
            await net.services[f"performer-{silent.number}"].crash()
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            (settled,) = [fact for fact in net.facts(TaskSubmitted) if fact.task_id == task.task_id]
            assert submission.outcome is Outcome.IMPROVED
            assert settled.attempt == 1
            assert settled.performer == (await net.fetch_performer(task, attempt=1)).operator_id

    simulate(play())


def test_simnet__two_of_three_down__task_expires_twice_and_the_bond_is_returned(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published = await open_project(net)
            await net.stop_operator(2)
            await net.stop_operator(3)
            await published.submit(BETTER_PARAMETERS)
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            project = await net.fetch_project(published.project_id)
            assert submission.outcome is Outcome.EXPIRED
            assert [fact.index for fact in net.facts(SubmissionReopened)] == [FIRST]
            assert len(net.facts(TaskExpired)) == 2
            assert await net.fetch_credit(CONTRIBUTOR_KEYS[0]) == TERMS.bond
            assert (project.status, project.pool_free) == (ProjectStatus.OPEN, TERMS.pool)
            assert {one.reason for one in net.messages(Topic.CERTIFICATES) if isinstance(one, TaskStalled)} == {
                Reason.QUORUM_UNREACHABLE.code
            }

            net.start()  # all are back: the expired task blocks nothing
            index = await published.submit(BETTER_PARAMETERS, by=1)
            assert (await net.wait_for_outcome(published.project_id, index)).outcome is Outcome.IMPROVED

    simulate(play())


def test_simnet__aggregator_down_for_a_while__settles_once_it_is_back(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published = await open_project(net)
            await net.services["aggregator-1"].crash()
            await published.submit(BETTER_PARAMETERS)
            await net.wait_blocks(TERMS.attempt_blocks + 2)
            net.start("aggregator-1")
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            assert submission.outcome is Outcome.IMPROVED
            assert await net.fetch_credit(CONTRIBUTOR_KEYS[0]) == TERMS.bond + TERMS.max_reward

    simulate(play())


def count_messages(net: Simnet, topic: Topic) -> Counter[type]:
    return Counter(type(message) for message in net.messages(topic))


def all_ids(net: Simnet) -> set[str]:
    return {delivery.record.headers[Header.ID].decode() for topic in TOPICS_WITH_IDS for delivery in net.read(topic)}
