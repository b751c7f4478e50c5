"""The chain replaces blocks: events are retracted, and all services go on from the new blocks."""

from dataclasses import replace

import pytest

from tests.kit.chain.anvil import reorganise
from tests.kit.simnet.accounts import CONTRIBUTOR_KEYS
from tests.kit.simnet.net import Simnet
from tests.kit.simnet.projects import BETTER_PARAMETERS, FIRST, TERMS, PublishedProject, open_project
from tests.kit.simnet.run import open_simnet
from tests.kit.simnet.stage import STAKE, Operator, Stage
from tests.kit.simulated_time import simulate
from zarathustra.bus.records import Header
from zarathustra.bus.topics import group_name
from zarathustra.chain.contracts import SignedVote
from zarathustra.chain.market import OperatorStatus
from zarathustra.core.digests import evaluation_hash, input_hash
from zarathustra.core.errors import Invalid
from zarathustra.core.events import (
    ChainEvent,
    Retracted,
    SubmissionReopened,
    SubmissionRevealed,
    TaskOpened,
    TaskSubmitted,
)
from zarathustra.core.messages import AttestationSigned, EvaluationProposed, TaskStalled
from zarathustra.core.outcomes import Outcome
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Task
from zarathustra.core.types import TaskId, Topic
from zarathustra.signing.backends import FAST, load_backend

pytestmark = pytest.mark.simnet

BLOCKS_AWAY = 2
# From the block above the seed block down. Anvil derives a block's PREVRANDAO from the block before it, so that the
# oldest block of a reorganisation keeps its own: the seed block must not be that one.
SEED_BLOCK_WITH_ITS_PARENT = 3
FAST_RETRY_MS = 5  # twelve delivery attempts with doubled delays end within a few blocks


async def open_submission(net: Simnet, *, attempt_blocks: int = TERMS.attempt_blocks) -> tuple[PublishedProject, Task]:
    """A submission whose task was opened in the newest block."""
    published = await open_project(net, terms=replace(TERMS, attempt_blocks=attempt_blocks))
    await published.submit(BETTER_PARAMETERS)
    return published, await net.fetch_open_task()


def test_simnet__block_of_the_reveal_taken_back__retracted_and_settled_in_its_new_block(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published, task = await open_submission(net)
            await reorganise(net.rpc, 1)
            await net.wait_blocks(BLOCKS_AWAY)
            assert [type(event.fact) for event in list_retracted(net)] == [TaskOpened, SubmissionRevealed]
            assert all(
                net.services[f"performer-{n}"].count("failures_total", reason="retracted") == 1 for n in (1, 2, 3)
            )

            await published.reveal_again(FIRST, BETTER_PARAMETERS)
            again = await net.fetch_open_task()
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            assert again.task_id == task.task_id
            assert again.seed_block > task.seed_block
            assert submission.outcome is Outcome.IMPROVED
            assert await net.fetch_credit(CONTRIBUTOR_KEYS[0]) == TERMS.bond + TERMS.max_reward
            assert [fact.attempt for fact in net.facts(TaskSubmitted)] == [0, 0]
            assert len(list_proposals(net, task.task_id)) == 1  # none for the seed block that was replaced
            assert not any(net.dead_letters(group) for group in net.list_groups())

    simulate(play())


def test_simnet__task_stays_retracted__performers_give_it_up(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            net.retry_delay_ms = FAST_RETRY_MS
            published, _ = await open_submission(net)
            await reorganise(net.rpc, 1)

            async def is_given_up() -> bool:
                return all(list_letters(net, number) for number in (1, 2, 3))

            await net.wait_until(is_given_up)
            for number in (1, 2, 3):
                assert list_letters(net, number) == [(Reason.TOO_MANY_FAILURES.code, Reason.UNKNOWN_TASK.code)]

            await published.reveal_again(FIRST, BETTER_PARAMETERS)  # later the task comes back, as a new event
            assert (await net.wait_for_outcome(published.project_id, FIRST)).outcome is Outcome.IMPROVED

    simulate(play())


def test_simnet__seed_block_taken_back__evaluated_again_with_the_new_seed(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published, task = await open_submission(net)
            await net.wait_blocks(task.seed_block + 1 - net.head)
            old_seed = await net.fetch_seed(task)
            assert len(list_proposals(net, task.task_id)) == 1

            await reorganise(net.rpc, SEED_BLOCK_WITH_ITS_PARENT)
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            new_seed = await net.fetch_seed(task)
            inputs = [one.evaluation.input_hash for one in list_proposals(net, task.task_id)]
            assert submission.outcome is Outcome.IMPROVED
            assert new_seed != old_seed
            assert inputs == [input_hash(task.input_root, old_seed), input_hash(task.input_root, new_seed)]
            # The certificate for the old seed was sent, the contract refused it, and the aggregator reported that.
            assert [one.reason for one in net.messages(Topic.CERTIFICATES) if isinstance(one, TaskStalled)] == [
                Reason.REVERTED.code
            ]

    simulate(play())


def test_simnet__seed_block_taken_back__approvals_for_both_seeds_slash_no_operator(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published, task = await open_submission(net)
            await net.wait_blocks(task.seed_block + 1 - net.head)
            await reorganise(net.rpc, SEED_BLOCK_WITH_ITS_PARENT)
            await net.wait_for_outcome(published.project_id, FIRST)

            old, new = list_proposals(net, task.task_id)
            header = await net.reader.fetch_seed_header(task.seed_block)
            stranger = net.open_client(CONTRIBUTOR_KEYS[1])
            for operator in net.operators:
                with pytest.raises(Invalid) as caught:
                    await stranger.center.prove_conflict(
                        build_evidence(net, operator, old), build_evidence(net, operator, new), header
                    )
                assert caught.value.details["error"] == "WrongInputHash"

                record = await net.market.fetch_operator(operator.operator_id)
                assert (record.status, record.stake) == (OperatorStatus.ACTIVE, STAKE)
                assert net.count_faults(operator) == {}

    simulate(play())


def test_simnet__settlement_taken_back__settled_again_without_a_second_opening(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published, task = await open_submission(net, attempt_blocks=40)
            before = await net.wait_for_outcome(published.project_id, FIRST)
            await reorganise(net.rpc, 1)
            await net.wait_blocks(1)
            assert TaskSubmitted in [type(event.fact) for event in list_retracted(net)]
            assert await net.fetch_credit(CONTRIBUTOR_KEYS[0]) == 0

            after = await net.wait_for_outcome(published.project_id, FIRST)
            await net.wait_blocks(1)
            assert after == before
            assert await net.fetch_credit(CONTRIBUTOR_KEYS[0]) == TERMS.bond + TERMS.max_reward
            assert not net.facts(SubmissionReopened)
            assert [fact.task_id for fact in net.facts(TaskSubmitted)].count(task.task_id) == 1

    simulate(play())


def list_retracted(net: Simnet) -> list[ChainEvent]:
    return [message.event for message in net.messages(Topic.CHAIN_EVENTS) if isinstance(message, Retracted)]


def list_proposals(net: Simnet, task_id: TaskId) -> list[EvaluationProposed]:
    proposals = [one for one in net.messages(Topic.EVALUATIONS) if isinstance(one, EvaluationProposed)]
    return [one for one in proposals if one.evaluation.task_id == task_id]


def build_evidence(net: Simnet, operator: Operator, proposal: EvaluationProposed) -> SignedVote:
    """Build evidence from the operator's approval of the proposal, as it lies on the bus."""
    chosen = evaluation_hash(proposal.evaluation)
    (approval,) = [
        vote
        for vote in net.messages(Topic.ATTESTATIONS)
        if isinstance(vote, AttestationSigned)
        and (vote.operator, vote.evaluation_hash) == (operator.operator_id, chosen)
    ]
    signature = load_backend(FAST).g2_to_eip2537(approval.signature)
    return SignedVote(proposal.evaluation, approval.approved, 1 << (operator.number - 1), signature)


def list_letters(net: Simnet, number: int) -> list[tuple[str, str]]:
    """Return the reason and the cause of each of a performer's dead letters."""
    group = group_name("performer", net.operators[number - 1].operator_id)
    return [
        (letter.headers[Header.REASON].decode(), letter.headers[Header.CAUSE].decode())
        for letter in net.dead_letters(group)
    ]
