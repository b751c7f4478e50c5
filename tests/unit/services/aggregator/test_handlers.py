"""The fold's effects: batches that name bad signatures, aggregates that verify, records in our envelope."""

import pytest
from py_arkworks_bls12381 import G2Point

from services.aggregator.handlers import EffectPorts, Interpreter
from tests.kit.aggregation.signed import BLS, OPERATORS, sign_attestation, sign_conflict, sign_proposal, signer_of
from tests.kit.aggregation.votes import vote_on
from tests.kit.bus.records import deliver
from tests.kit.chain.deployment import DOMAIN
from tests.kit.chain.tasks import build_task
from tests.kit.clock import FakeClock
from tests.kit.metrics import count
from zarathustra.core.aggregation.changes import SignaturesVerified
from zarathustra.core.aggregation.effects import (
    Fault,
    IssueCertificate,
    OperatorBlamed,
    ReportConflict,
    ReportStall,
    Signer,
    VerifySignatures,
)
from zarathustra.core.digests import vote_digest
from zarathustra.core.messages import CertificateIssued, TaskStalled
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Attempt, BlsSignature, SetVersion
from zarathustra.runtime.records import read_message
from zarathustra.telemetry.metrics import Metrics

pytestmark = pytest.mark.unit

TASK = build_task()
PROPOSAL = sign_proposal(TASK)
VOTE = vote_on(PROPOSAL)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("aggregator")


@pytest.fixture
def interpreter(metrics: Metrics) -> Interpreter:
    return Interpreter(EffectPorts(BLS, signer_of(0), DOMAIN, FakeClock().now_ms), metrics)


def signers(*signatures: BlsSignature) -> tuple[Signer, ...]:
    return tuple(
        Signer(operator.operator_id, operator.slot, operator.public_key, signature)
        for operator, signature in zip(OPERATORS.operators, signatures, strict=False)
    )


def good(slot: int) -> BlsSignature:
    return sign_attestation(VOTE, slot).signature


async def test_perform__good_signatures__all_are_good(interpreter: Interpreter) -> None:
    outcome = await interpreter.perform(VerifySignatures(VOTE, signers(good(0), good(1), good(2))))

    everyone = frozenset(operator.operator_id for operator in OPERATORS.operators)
    assert outcome.changes == (SignaturesVerified(VOTE, everyone, frozenset()),)


async def test_perform__two_bad_signatures_that_cancel__both_are_named(interpreter: Interpreter) -> None:
    """Their aggregate verifies: only the random weights reveal them."""
    shift = G2Point.hash_to_curve(b"shift", b"tag")
    first = G2Point.from_compressed_bytes(good(0)) + shift
    second = G2Point.from_compressed_bytes(good(1)) - shift
    bad = [BlsSignature(point.to_compressed_bytes()) for point in (first, second)]
    keys = [operator.public_key for operator in OPERATORS.operators[:2]]
    BLS.verify(BLS.aggregate_public_keys(keys), vote_digest(DOMAIN, VOTE), BLS.aggregate_signatures(bad))

    outcome = await interpreter.perform(VerifySignatures(VOTE, signers(*bad, good(2))))

    (verified,) = outcome.changes
    assert isinstance(verified, SignaturesVerified)
    assert verified.bad == {operator.operator_id for operator in OPERATORS.operators[:2]}
    assert verified.good == {OPERATORS.operators[2].operator_id}


async def test_perform__issue__aggregate_verifies_in_our_envelope(interpreter: Interpreter) -> None:
    effect = IssueCertificate(VOTE, PROPOSAL, SetVersion(1), signers(good(0), good(1)))

    outcome = await interpreter.perform(effect)
    again = await interpreter.perform(effect)

    (record,) = outcome.records
    sender, certificate = read_message(deliver(record), DOMAIN)
    assert sender == signer_of(0).operator_id
    assert isinstance(certificate, CertificateIssued)
    assert certificate.bitmap == 0b011
    keys = [operator.public_key for operator in OPERATORS.operators[:2]]
    BLS.verify(BLS.aggregate_public_keys(keys), vote_digest(DOMAIN, VOTE), certificate.signature)
    assert again.records == outcome.records


async def test_perform__stall__is_published(interpreter: Interpreter) -> None:
    outcome = await interpreter.perform(ReportStall(TASK.task_id, Attempt(1), Reason.QUORUM_UNREACHABLE))

    (record,) = outcome.records
    assert read_message(deliver(record), DOMAIN)[1] == TaskStalled(TASK.task_id, Attempt(1), "quorum_unreachable")


async def test_perform__conflict__evidence_is_published_in_our_envelope(
    interpreter: Interpreter, metrics: Metrics
) -> None:
    found = sign_conflict(TASK, 2)

    outcome = await interpreter.perform(ReportConflict(found))
    again = await interpreter.perform(ReportConflict(found))

    (record,) = outcome.records
    assert read_message(deliver(record), DOMAIN) == (signer_of(0).operator_id, found)
    assert again.records == outcome.records
    assert count(metrics, "conflicts_total") == 2


async def test_perform__blame__is_counted_by_operator_and_fault(interpreter: Interpreter, metrics: Metrics) -> None:
    culprit = OPERATORS.operators[1].operator_id

    await interpreter.perform(OperatorBlamed(TASK.task_id, Attempt(0), culprit, Fault.BAD_SIGNATURE))

    line = f'zarathustra_aggregator_faults_total{{fault="bad_signature",operator="{culprit.hex()}"}} 1.0'
    assert line in metrics.render().decode()
