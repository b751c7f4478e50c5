"""Whose turn it is to post, and how a post ends."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.aggregator.conflicts import ConflictFiler, FilerPorts
from services.aggregator.poster import Poster, PosterPorts
from tests.kit.aggregation.signed import (
    TURN_BLOCKS,
    deliver_message,
    open_chain,
    sign_attestation,
    sign_conflict,
    sign_proposal,
    signer_of,
)
from tests.kit.aggregation.votes import vote_on
from tests.kit.bus.records import deliver
from tests.kit.chain.deployment import DEPLOYMENT, DOMAIN
from tests.kit.chain.fake import ChainDriver, FakeChain, FakeSender, running_clock
from tests.kit.chain.tasks import ATTEMPT_BLOCKS, SEED_BLOCK, build_task
from tests.kit.clock import FakeClock
from tests.kit.waiting import until, within
from zarathustra.chain.port import Posting, Receipt, SeedHeader
from zarathustra.core.digests import evaluation_hash
from zarathustra.core.errors import Invalid
from zarathustra.core.messages import CertificateIssued, CertificatePosted, ConflictFound, TaskStalled
from zarathustra.core.reasons import Reason
from zarathustra.core.task import TaskStatus
from zarathustra.core.types import Address, BlockNumber, SetVersion, Slot, Topic
from zarathustra.core.vote import Vote
from zarathustra.runtime.records import read_message
from zarathustra.telemetry.metrics import Metrics

pytestmark = pytest.mark.unit

US = 0
TAKEOVER_BLOCKS = 6
OUR_TURN = SEED_BLOCK + 3 * TURN_BLOCKS - SEED_BLOCK % (3 * TURN_BLOCKS) - 1  # the next block begins slot 0's turn
AFTER_OURS = OUR_TURN + TURN_BLOCKS
TASK = build_task()
PROPOSAL = sign_proposal(TASK)
CERTIFICATE = CertificateIssued(PROPOSAL, True, SetVersion(1), 0b011, sign_attestation(vote_on(PROPOSAL), 0).signature)
REVERTED = Invalid(Reason.REVERTED, "send", error="QuorumNotReached")


@pytest.fixture
def chain() -> FakeChain:
    return open_chain(TASK, head=OUR_TURN)


@pytest.fixture
def sender(chain: FakeChain) -> FakeSender:
    return FakeSender(chain, signer_of(US).operator_id)


@pytest.fixture
async def driver(chain: FakeChain) -> AsyncIterator[ChainDriver]:
    async with running_clock(chain) as driver:
        yield driver


@pytest.fixture
def poster(sender: FakeSender, driver: ChainDriver) -> Poster:
    return build_poster(sender, driver)


def build_poster(sender: FakeSender, driver: ChainDriver) -> Poster:
    metrics = Metrics("aggregator")
    filer = ConflictFiler(
        FilerPorts(driver.chain, sender, driver.clock, DEPLOYMENT), metrics, takeover_blocks=TAKEOVER_BLOCKS
    )
    ports = PosterPorts(driver.chain, sender, driver.clock, signer_of(US), DOMAIN, FakeClock().now_ms)
    return Poster(ports, metrics, takeover_blocks=TAKEOVER_BLOCKS, file_conflict=filer.file)


async def until_read(chain: FakeChain, count: int) -> None:
    """Wait until the poster has read the task `count` times, once for each block."""
    await until(lambda: chain.task_reads >= count)


async def post(
    poster: Poster, message: CertificateIssued | ConflictFound = CERTIFICATE, *, slot: int = US
) -> list[object]:
    records = await within(poster.on_certificate(deliver_message(Topic.CERTIFICATES, message, slot=slot)))
    return [read_message(deliver(record), DOMAIN)[1] for record in records]


async def test_on_certificate__our_turn__posts_at_once(poster: Poster, sender: FakeSender) -> None:
    (posted,) = await post(poster)

    assert sender.posted == [CERTIFICATE]
    assert isinstance(posted, CertificatePosted)
    assert posted.operator == sender.operator_id
    assert posted.gas_used == 215_000


async def test_on_certificate__issued_by_another_operator__is_not_posted(poster: Poster, sender: FakeSender) -> None:
    assert await post(poster, slot=1) == []
    assert sender.posted == []


async def test_on_certificate__not_our_turn__waits_and_takes_over(
    poster: Poster, sender: FakeSender, driver: ChainDriver
) -> None:
    await driver.mine_to(AFTER_OURS)
    posting = asyncio.create_task(post(poster))
    for waited in range(TAKEOVER_BLOCKS):
        await until_read(driver.chain, waited + 1)
        assert sender.posted == []
        await driver.mine_to(AFTER_OURS + waited + 1)

    await posting
    assert sender.posted == [CERTIFICATE]


async def test_on_certificate__our_turn_comes__posts_before_the_takeover(
    poster: Poster, sender: FakeSender, driver: ChainDriver
) -> None:
    await driver.mine_to(OUR_TURN + 3 * TURN_BLOCKS - 1)
    posting = asyncio.create_task(post(poster))
    await until_read(driver.chain, 1)
    assert sender.posted == []

    await driver.mine_to(OUR_TURN + 3 * TURN_BLOCKS)
    await posting
    assert sender.posted == [CERTIFICATE]


async def test_on_certificate__settled_while_waiting__posts_nothing(
    poster: Poster, sender: FakeSender, driver: ChainDriver
) -> None:
    await driver.mine_to(AFTER_OURS)
    posting = asyncio.create_task(post(poster))
    await until_read(driver.chain, 1)
    driver.chain.close_task(TASK.task_id)
    await driver.mine_to(AFTER_OURS + 1)

    assert await posting == []
    assert sender.posted == []


async def test_on_certificate__rejection_of_a_past_attempt__posts_nothing(
    poster: Poster, sender: FakeSender, driver: ChainDriver
) -> None:
    # The block that would hold the transaction begins the next attempt.
    await driver.mine_to(SEED_BLOCK + ATTEMPT_BLOCKS - 1)

    assert await post(poster, replace(CERTIFICATE, approved=False)) == []
    assert sender.posted == []


async def test_on_certificate__conflict_that_we_found__is_filed(poster: Poster, sender: FakeSender) -> None:
    found = sign_conflict(TASK, 2)
    assert await post(poster, found) == []
    assert (sender.proven, sender.posted) == ([found], [])


async def test_on_certificate__conflict_that_another_operator_found__is_not_filed(
    poster: Poster, sender: FakeSender
) -> None:
    assert await post(poster, sign_conflict(TASK, 2), slot=1) == []
    assert sender.proven == []


class OvertakenSender(FakeSender):
    """A sender whose transaction is overtaken: another aggregator settles first."""

    async def submit_certificate(self, certificate: CertificateIssued, slot: Slot, header: SeedHeader) -> Receipt:
        self.chain.close_task(TASK.task_id)
        raise REVERTED


async def test_on_certificate__refused_because_another_was_faster__reports_nothing(driver: ChainDriver) -> None:
    poster = build_poster(OvertakenSender(driver.chain, signer_of(US).operator_id), driver)

    assert await post(poster) == []


async def test_on_certificate__refused_and_still_open__reports_a_stall(poster: Poster, sender: FakeSender) -> None:
    sender.refusal = REVERTED

    assert await post(poster) == [TaskStalled(TASK.task_id, CERTIFICATE.proposal.evaluation.attempt, "reverted")]


async def test_on_certificate__handled_again_after_a_crash__reports_what_the_chain_says(
    poster: Poster, chain: FakeChain, sender: FakeSender
) -> None:
    (posted,) = await post(poster)
    assert isinstance(posted, CertificatePosted)
    assert chain.get_task(TASK.task_id).status is TaskStatus.SETTLED
    receipt = Receipt(posted.transaction_hash, BlockNumber(posted.block_number), posted.gas_used)
    evaluation = CERTIFICATE.proposal.evaluation
    vote = Vote(evaluation.task_id, evaluation.attempt, evaluation_hash(evaluation), True)
    chain.postings[vote] = Posting(receipt, Address(sender.operator_id))

    assert await post(poster) == [posted]
    assert len(sender.posted) == 1

    chain.postings[vote] = Posting(receipt, Address(b"\x77" * 20))
    assert await post(poster) == []  # another operator posted it and reports it
