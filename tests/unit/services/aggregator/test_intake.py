"""Which records the aggregator accepts, and why it refuses the others."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.aggregator.intake import MAX_CLOCK_SKEW_MS, PATIENCE_MS, Intake, TaskCache
from tests.kit.aggregation.signed import (
    OPERATORS,
    deliver_message,
    find_performer,
    open_chain,
    sign_attestation,
    sign_proposal,
)
from tests.kit.aggregation.votes import vote_on
from tests.kit.bus.records import deliver
from tests.kit.chain.deployment import DEPLOYMENT, DOMAIN
from tests.kit.chain.fake import FakeChain, running_clock
from tests.kit.chain.tasks import build_task
from tests.kit.clock import FakeClock
from tests.kit.derived import derive_bytes
from zarathustra.core.aggregation.changes import AbstentionAccepted, AttestationAccepted, EvaluationAccepted, TaskRead
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.messages import Abstained
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Cid, EcdsaSignature, Topic
from zarathustra.runtime.records import build_record
from zarathustra.signing.envelope import verify_envelope
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.signing.signer import EcdsaSigner

pytestmark = pytest.mark.unit

CLOCK = FakeClock()  # no test moves it
TASK = build_task()
PERFORMER = find_performer(TASK)
OTHER = (PERFORMER.slot + 1) % 3
PROPOSAL = sign_proposal(TASK)
ATTESTATION = sign_attestation(vote_on(PROPOSAL), 0)


@pytest.fixture
def chain() -> FakeChain:
    return open_chain(TASK)


@pytest.fixture
async def intake(chain: FakeChain) -> AsyncIterator[Intake]:
    async with running_clock(chain) as driver:
        yield Intake(TaskCache(chain, driver.clock), chain, DEPLOYMENT, CLOCK.now_ms)


async def test_read__proposal_of_the_performer__is_accepted(intake: Intake) -> None:
    changes = await intake.read(deliver_message(Topic.EVALUATIONS, PROPOSAL, slot=PERFORMER.slot))

    assert isinstance(changes[0], TaskRead)
    assert changes[1:] == (EvaluationAccepted(PROPOSAL),)


async def test_read__attestation_and_abstention__are_accepted(intake: Intake) -> None:
    abstention = Abstained(TASK.task_id, ATTESTATION.attempt, ATTESTATION.evaluation_hash, ATTESTATION.operator, "x")

    assert (await intake.read(deliver_message(Topic.ATTESTATIONS, ATTESTATION, slot=0)))[1:] == (
        AttestationAccepted(ATTESTATION),
    )
    assert (await intake.read(deliver_message(Topic.ATTESTATIONS, abstention, slot=0)))[1:] == (
        AbstentionAccepted(abstention),
    )


async def test_read__value_changed_in_transit__bad_envelope(intake: Intake) -> None:
    delivery = deliver_message(Topic.ATTESTATIONS, ATTESTATION, slot=0)
    changed = replace(delivery, record=replace(delivery.record, value=delivery.record.value + b"\x00"))

    with pytest.raises(Invalid) as caught:
        await intake.read(changed)
    assert caught.value.reason is Reason.BAD_ENVELOPE


@pytest.mark.parametrize("topic", [Topic.ATTESTATIONS, Topic.EVALUATIONS])
async def test_read__message_of_another_operator__bad_envelope(intake: Intake, topic: Topic) -> None:
    message = ATTESTATION if topic is Topic.ATTESTATIONS else PROPOSAL
    sender = 1 if topic is Topic.ATTESTATIONS else OTHER

    with pytest.raises(Invalid) as caught:
        await intake.read(deliver_message(topic, message, slot=sender))
    assert caught.value.reason is Reason.BAD_ENVELOPE


async def test_read__sender_not_in_the_set__unknown_operator(intake: Intake) -> None:
    stranger = EcdsaSigner(EcdsaSecretKey.from_int(77), DOMAIN)
    message = replace(ATTESTATION, operator=stranger.operator_id)
    record = build_record(Topic.ATTESTATIONS, message, signer=stranger, time_ms=0)
    assert verify_envelope(record.topic, record.value, record.headers, DOMAIN) == stranger.operator_id

    with pytest.raises(Invalid) as caught:
        await intake.read(deliver(record))
    assert caught.value.reason is Reason.UNKNOWN_OPERATOR


async def test_read__attestation_on_the_evaluations_topic__unknown_type(intake: Intake) -> None:
    with pytest.raises(Invalid) as caught:
        await intake.read(deliver_message(Topic.EVALUATIONS, ATTESTATION, slot=0))
    assert caught.value.reason is Reason.UNKNOWN_TYPE


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [
        (0, Retry),
        (PATIENCE_MS - 1, Retry),
        (PATIENCE_MS, Invalid),
        (-MAX_CLOCK_SKEW_MS, Retry),
        (-MAX_CLOCK_SKEW_MS - 1, Invalid),
    ],
)
async def test_read__unknown_task__is_waited_for_only_while_the_record_is_young(
    intake: Intake, chain: FakeChain, age_ms: int, expected: type[Exception]
) -> None:
    chain.remove_task(TASK.task_id)

    with pytest.raises(expected, match="unknown_task"):
        await intake.read(deliver_message(Topic.ATTESTATIONS, ATTESTATION, slot=0, time_ms=CLOCK.now_ms() - age_ms))


@pytest.mark.parametrize(("age_ms", "expected"), [(0, Retry), (PATIENCE_MS, Invalid)])
async def test_read__no_seed_block__is_waited_for_only_while_the_record_is_young(
    intake: Intake, chain: FakeChain, age_ms: int, expected: type[Exception]
) -> None:
    chain.reorganise(chain.head - TASK.seed_block + 1, mined=0)
    delivery = deliver_message(Topic.EVALUATIONS, PROPOSAL, slot=PERFORMER.slot, time_ms=CLOCK.now_ms() - age_ms)

    with pytest.raises(expected, match="no_seed"):
        await intake.read(delivery)


async def test_read__another_operators_attempt__wrong_performer(intake: Intake) -> None:
    with pytest.raises(Invalid) as caught:
        await intake.read(deliver_message(Topic.EVALUATIONS, sign_proposal(TASK, slot=OTHER), slot=OTHER))
    assert caught.value.reason is Reason.WRONG_PERFORMER


async def test_read__another_input__wrong_input(intake: Intake) -> None:
    proposal = sign_proposal(replace(TASK, input_root=derive_bytes(32, "another")))

    with pytest.raises(Invalid) as caught:
        await intake.read(deliver_message(Topic.EVALUATIONS, proposal, slot=PERFORMER.slot))
    assert caught.value.reason is Reason.WRONG_INPUT


async def test_read__report_of_another_cid__report_mismatch(intake: Intake) -> None:
    proposal = replace(PROPOSAL, proof_of_task=Cid("bafkreianother"))

    with pytest.raises(Invalid) as caught:
        await intake.read(deliver_message(Topic.EVALUATIONS, proposal, slot=PERFORMER.slot))
    assert caught.value.reason is Reason.REPORT_MISMATCH


async def test_read__proposal_signed_by_another_key__bad_signature(intake: Intake) -> None:
    forged = sign_proposal(TASK, slot=OTHER).performer_signature
    proposal = replace(PROPOSAL, performer_signature=EcdsaSignature(forged))

    with pytest.raises(Invalid) as caught:
        await intake.read(deliver_message(Topic.EVALUATIONS, proposal, slot=PERFORMER.slot))
    assert caught.value.reason is Reason.BAD_SIGNATURE


async def test_task_cache__many_records_in_a_block__task_is_read_once(chain: FakeChain) -> None:
    async with running_clock(chain) as driver:
        cache = TaskCache(chain, driver.clock)
        first = await cache.read(TASK.task_id)
        assert await cache.read(TASK.task_id) is first
        assert chain.task_reads == 1

        await driver.mine()
        assert (await cache.read(TASK.task_id)).block == chain.head
        assert chain.task_reads == 2
    assert first.operators is OPERATORS
