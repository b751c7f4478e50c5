"""Performs the fold's effects: verifies in batches, aggregates, publishes, and names operators at fault."""

import asyncio
from dataclasses import dataclass

from services.aggregator.fold_loop import Performed
from zarathustra.bus.records import Record
from zarathustra.core.aggregation.changes import SignaturesVerified
from zarathustra.core.aggregation.effects import (
    Effect,
    IssueCertificate,
    OperatorBlamed,
    ReportConflict,
    ReportStall,
    VerifySignatures,
)
from zarathustra.core.digests import Domain, vote_digest
from zarathustra.core.messages import CertificateIssued, ConflictFound, Message, TaskStalled
from zarathustra.core.types import Topic
from zarathustra.runtime.records import EnvelopeSigner, GetTimeMs, build_record
from zarathustra.signing.bls import BlsBackend, Signed, find_invalid
from zarathustra.telemetry.log import get_logger
from zarathustra.telemetry.metrics import Metrics


@dataclass(frozen=True)
class EffectPorts:
    """The adapters that effects use. `domain` is AttestationCenter's."""

    backend: BlsBackend
    signer: EnvelopeSigner
    domain: Domain
    get_time_ms: GetTimeMs


class Interpreter:
    """Performs effects. Idempotent: the same effect gives records with the same ids."""

    def __init__(self, ports: EffectPorts, metrics: Metrics) -> None:
        self._ports = ports
        self._log = get_logger(component="aggregator")
        self._verified = metrics.counter("signatures", "BLS signatures verified", ["standing"])
        self._verify_seconds = metrics.histogram("verify_seconds", "Time to verify one batch of signatures")
        self._certificates = metrics.counter("certificates", "Certificates issued", ["verdict"])
        self._stalls = metrics.counter("stalls", "Attempts that will not reach a quorum", ["reason"])
        self._conflicts = metrics.counter("conflicts", "Operators whose conflicting votes are proven")
        self._faults = metrics.counter("faults", "Provable faults of operators", ["operator", "fault"])

    async def perform(self, effect: Effect) -> Performed:
        """Perform one effect. Curve arithmetic runs in a thread, so that it does not block the event loop."""
        match effect:
            case VerifySignatures():
                return await self._verify(effect)
            case IssueCertificate():
                return await self._issue(effect)
            case ReportStall():
                return self._report(effect)
            case ReportConflict():
                return self._report_conflict(effect.found)
            case OperatorBlamed():
                return self._blame(effect)

    async def _verify(self, effect: VerifySignatures) -> Performed:
        digest = vote_digest(self._ports.domain, effect.vote)
        signed = [Signed(signer.public_key, signer.signature) for signer in effect.signers]
        with self._verify_seconds.time():
            places = await asyncio.to_thread(find_invalid, self._ports.backend, digest, signed)

        bad = frozenset(effect.signers[place].operator_id for place in places)
        good = frozenset(signer.operator_id for signer in effect.signers) - bad
        self._verified.labels(standing="good").inc(len(good))
        self._verified.labels(standing="bad").inc(len(bad))
        return Performed(changes=(SignaturesVerified(effect.vote, good, bad),))

    async def _issue(self, effect: IssueCertificate) -> Performed:
        signatures = [signer.signature for signer in effect.signers]
        signature = await asyncio.to_thread(self._ports.backend.aggregate_signatures, signatures)
        certificate = CertificateIssued(
            proposal=effect.proposal,
            approved=effect.vote.approved,
            set_version=effect.set_version,
            bitmap=effect.bitmap,
            signature=signature,
        )
        self._certificates.labels(verdict="approved" if effect.vote.approved else "rejected").inc()
        self._log.info(
            "Certificate issued",
            task_id=effect.vote.task_id,
            attempt=effect.vote.attempt,
            approved=effect.vote.approved,
            signers=len(effect.signers),
        )
        return Performed(records=(self._build(certificate),))

    def _report(self, effect: ReportStall) -> Performed:
        self._stalls.labels(reason=effect.reason.code).inc()
        self._log.warning("Attempt stalled", task_id=effect.task_id, attempt=effect.attempt, reason=effect.reason.code)
        return Performed(records=(self._build(TaskStalled(effect.task_id, effect.attempt, effect.reason.code)),))

    def _report_conflict(self, found: ConflictFound) -> Performed:
        evaluation = found.first.evaluation
        self._conflicts.inc()
        self._log.warning(
            "Conflicting votes proven",
            task_id=evaluation.task_id,
            attempt=evaluation.attempt,
            operator=found.operator,
        )
        return Performed(records=(self._build(found),))

    def _blame(self, effect: OperatorBlamed) -> Performed:
        self._faults.labels(operator=effect.operator.hex(), fault=effect.fault).inc()
        self._log.warning(
            "Operator at fault",
            task_id=effect.task_id,
            attempt=effect.attempt,
            operator=effect.operator,
            fault=effect.fault.value,
        )
        return Performed()

    def _build(self, message: Message) -> Record:
        return build_record(Topic.CERTIFICATES, message, signer=self._ports.signer, time_ms=self._ports.get_time_ms())
