"""Whose turn it is to post, and what becomes of a post."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from services.aggregator.poster import Poster, PosterPorts
from tests.kit.aggregation.chain import TURN_BLOCKS, FakeTaskReader, FakeTaskSender, ticking
from tests.kit.aggregation.keys import DOMAIN, deliver, deliver_record, sign_attestation, sign_proposal, signer_of
from tests.kit.aggregation.votes import ATTEMPT_BLOCKS, SEED_BLOCK, build_task, vote_on
from tests.kit.bus.kinds import until
from zarathustra.chain.port import Posting, Receipt
from zarathustra.core.digests import evaluation_hash
from zarathustra.core.errors import Invalid
from zarathustra.core.messages import CertificateIssued, CertificatePosted, TaskStalled
from zarathustra.core.reasons import Reason
from zarathustra.core.task import TaskStatus
from zarathustra.core.types import Address, BlockNumber, SetVersion, Topic
from zarathustra.core.vote import Vote
from zarathustra.duty.blocks import BlockClock
from zarathustra.runtime.records import open_message
from zarathustra.telemetry.metrics import Metrics

pytestmark = pytest.mark.unit

US = 0
TAKEOVER_BLOCKS = 6
DEADLINE_S = 5.0
OUR_TURN = SEED_BLOCK + 3 * TURN_BLOCKS - SEED_BLOCK % (3 * TURN_BLOCKS) - 1  # the next block begins slot 0's turn
AFTER_OURS = OUR_TURN + TURN_BLOCKS
TASK = build_task()
PROPOSAL = sign_proposal(TASK)
CERTIFICATE = CertificateIssued(PROPOSAL, True, SetVersion(1), 0b011, sign_attestation(vote_on(PROPOSAL), 0).signature)
REVERTED = Invalid(Reason.REVERTED, "send", error="QuorumNotReached")


@pytest.fixture
def reader() -> FakeTaskReader:
    return FakeTaskReader({TASK.task_id: TASK}, block=OUR_TURN)


@pytest.fixture
def sender() -> FakeTaskSender:
    return FakeTaskSender(signer_of(US).operator_id)


@pytest.fixture
async def clock(reader: FakeTaskReader) -> AsyncIterator[BlockClock]:
    async with ticking(reader) as clock:
        yield clock


@pytest.fixture
def poster(reader: FakeTaskReader, sender: FakeTaskSender, clock: BlockClock) -> Poster:
    return build_poster(reader, sender, clock)


def build_poster(reader: FakeTaskReader, sender: FakeTaskSender, clock: BlockClock) -> Poster:
    ports = PosterPorts(reader, sender, clock, signer_of(US), DOMAIN, lambda: 5)
    return Poster(ports, Metrics("aggregator"), takeover_blocks=TAKEOVER_BLOCKS)


async def move_to(reader: FakeTaskReader, clock: BlockClock, block: int) -> None:
    reader.block = block
    await clock.wait_for(block)


async def until_read(reader: FakeTaskReader, count: int) -> None:
    """Return when the poster has read the task `count` times: it looked at that many blocks."""
    await until(lambda: reader.reads >= count)


async def post(poster: Poster, certificate: CertificateIssued = CERTIFICATE, *, slot: int = US) -> list[object]:
    async with asyncio.timeout(DEADLINE_S):
        records = await poster.on_certificate(deliver(Topic.CERTIFICATES, certificate, slot=slot))
    return [open_message(deliver_record(record), DOMAIN)[1] for record in records]


async def test_on_certificate__our_turn__posts_at_once(poster: Poster, sender: FakeTaskSender) -> None:
    (posted,) = await post(poster)

    assert sender.posted == [CERTIFICATE]
    assert isinstance(posted, CertificatePosted)
    assert posted.operator == sender.operator_id
    assert posted.gas_used == 215_000


async def test_on_certificate__another_operators__is_left_to_it(poster: Poster, sender: FakeTaskSender) -> None:
    assert await post(poster, slot=1) == []
    assert sender.posted == []


async def test_on_certificate__not_our_turn__waits_and_takes_over(
    poster: Poster, reader: FakeTaskReader, sender: FakeTaskSender, clock: BlockClock
) -> None:
    await move_to(reader, clock, AFTER_OURS)
    posting = asyncio.create_task(post(poster))
    for waited in range(TAKEOVER_BLOCKS):
        await until_read(reader, waited + 1)
        assert sender.posted == []
        await move_to(reader, clock, AFTER_OURS + waited + 1)

    await posting
    assert sender.posted == [CERTIFICATE]


async def test_on_certificate__our_turn_comes__posts_before_the_takeover(
    reader: FakeTaskReader, sender: FakeTaskSender, clock: BlockClock
) -> None:
    poster = build_poster(reader, sender, clock)
    await move_to(reader, clock, OUR_TURN + 3 * TURN_BLOCKS - 1)
    posting = asyncio.create_task(post(poster))
    await until_read(reader, 1)
    assert sender.posted == []

    await move_to(reader, clock, OUR_TURN + 3 * TURN_BLOCKS)
    await posting
    assert sender.posted == [CERTIFICATE]


async def test_on_certificate__settled_while_waiting__posts_nothing(
    poster: Poster, reader: FakeTaskReader, sender: FakeTaskSender, clock: BlockClock
) -> None:
    await move_to(reader, clock, AFTER_OURS)
    posting = asyncio.create_task(post(poster))
    await until_read(reader, 1)
    reader.tasks[TASK.task_id] = build_task(status=TaskStatus.SETTLED)
    await move_to(reader, clock, AFTER_OURS + 1)

    assert await posting == []
    assert sender.posted == []


async def test_on_certificate__rejection_of_a_past_attempt__posts_nothing(
    poster: Poster, reader: FakeTaskReader, sender: FakeTaskSender, clock: BlockClock
) -> None:
    # The block that would hold the transaction begins the next attempt.
    await move_to(reader, clock, SEED_BLOCK + ATTEMPT_BLOCKS - 1)

    assert await post(poster, replace(CERTIFICATE, approved=False)) == []
    assert sender.posted == []


@dataclass
class OvertakenSender(FakeTaskSender):
    """Another aggregator settles while ours is on its way."""

    reader: FakeTaskReader = field(default_factory=FakeTaskReader)

    async def submit_certificate(self, certificate: CertificateIssued) -> Receipt:
        self.reader.tasks[TASK.task_id] = build_task(status=TaskStatus.SETTLED)
        raise REVERTED


async def test_on_certificate__refused_because_another_was_faster__is_quiet(
    reader: FakeTaskReader, clock: BlockClock
) -> None:
    poster = build_poster(reader, OvertakenSender(signer_of(US).operator_id, reader=reader), clock)

    assert await post(poster) == []


async def test_on_certificate__refused_and_still_open__reports_a_stall(poster: Poster, sender: FakeTaskSender) -> None:
    sender.refusal = REVERTED

    assert await post(poster) == [TaskStalled(TASK.task_id, CERTIFICATE.proposal.evaluation.attempt, "reverted")]


async def test_on_certificate__handled_again_after_a_crash__reports_what_the_chain_says(
    poster: Poster, reader: FakeTaskReader, sender: FakeTaskSender
) -> None:
    (posted,) = await post(poster)
    assert isinstance(posted, CertificatePosted)
    reader.tasks[TASK.task_id] = build_task(status=TaskStatus.SETTLED)
    receipt = Receipt(posted.transaction_hash, BlockNumber(posted.block_number), posted.gas_used)
    evaluation = CERTIFICATE.proposal.evaluation
    vote = Vote(evaluation.task_id, evaluation.attempt, evaluation_hash(evaluation), True)
    reader.postings[vote] = Posting(receipt, Address(sender.operator_id))

    assert await post(poster) == [posted]
    assert len(sender.posted) == 1

    reader.postings[vote] = Posting(receipt, Address(b"\x77" * 20))
    assert await post(poster) == []  # another operator's: it reports itself
