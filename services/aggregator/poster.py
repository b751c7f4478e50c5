"""Posts certificates: waits for the operator's turn, sends one transaction and reports its result.

    CertificateIssued
      │ ours? ───────────────────────────── no ─▶ nothing
      │ does the task still take it? ────── no ─▶ our transaction on chain? ─▶ CertificatePosted, otherwise nothing
      │ our turn, or waited long enough? ── no ─▶ at the next block: read the task again
      ▼
    submitTask ─▶ accepted: CertificatePosted
               ╰▶ refused: TaskStalled, unless the task no longer takes the certificate (as above)

The poster needs no stored state: the contract takes a certificate at most once, and the poster reads the task again
before it posts. If it stops after its transaction was mined and before CertificatePosted, the next start finds the
transaction on chain and reports it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.aggregator.turns import is_turn_of
from zarathustra.bus.records import Delivery, Record
from zarathustra.chain.port import Receipt, TaskReader, TaskSender
from zarathustra.core.aggregation.rules import may_certify
from zarathustra.core.digests import Domain, evaluation_hash
from zarathustra.core.errors import Invalid
from zarathustra.core.messages import CertificateIssued, CertificatePosted, ConflictFound, Message, TaskStalled
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Task
from zarathustra.core.types import Address, BlockNumber, Slot, Topic
from zarathustra.core.vote import Vote
from zarathustra.duty.blocks import BlockClock
from zarathustra.runtime.records import EnvelopeSigner, GetTimeMs, build_record, read_message
from zarathustra.telemetry.log import get_logger
from zarathustra.telemetry.metrics import Metrics


@dataclass(frozen=True)
class PosterPorts:
    """The adapters that the poster uses. `sender` must be the only user of its key's nonces."""

    reader: TaskReader
    sender: TaskSender
    clock: BlockClock
    signer: EnvelopeSigner
    domain: Domain  # AttestationCenter's
    get_time_ms: GetTimeMs


FileConflict = Callable[[ConflictFound], Awaitable[None]]


class Poster:
    """Posts the certificates of our own aggregator only, because it has verified them."""

    def __init__(
        self, ports: PosterPorts, metrics: Metrics, *, takeover_blocks: int, file_conflict: FileConflict
    ) -> None:
        self._ports = ports
        self._file_conflict = file_conflict
        self._takeover_blocks = takeover_blocks
        self._log = get_logger(component="poster")
        self._posts = metrics.counter(
            "posts", "Certificates by how posting them ended: `posted`, `not_needed` or a reason", ["ending"]
        )
        self._gas = metrics.counter("gas_units", "Gas used by posts")

    async def on_certificate(self, delivery: Delivery) -> Sequence[Record]:
        """Handle a record of `certificates.v1`. Return once the certificate is posted, refused or no longer needed.

        Conflicts that we found are filed here too, because the posts use the same key.
        """
        sender, message = read_message(delivery, self._ports.domain)
        if sender != self._ports.signer.operator_id:
            return ()
        if isinstance(message, ConflictFound):
            await self._file_conflict(message)
        if not isinstance(message, CertificateIssued):
            return ()
        if not await self._wait_for_turn(message):
            return await self._report_earlier(message)
        return await self._post(message)

    async def _wait_for_turn(self, certificate: CertificateIssued) -> bool:
        """Return True when it is time to post, False when the task no longer takes the certificate."""
        clock = self._ports.clock
        head = first = await clock.wait_for(0)
        while True:
            task = await self._ports.reader.fetch_task(certificate.proposal.evaluation.task_id)
            if not may_certify(task, _vote_of(certificate), _next(head)):
                return False
            # A post in our own turn earns us the aggregator's share.
            is_late = head >= first + self._takeover_blocks
            if is_late or await is_turn_of(self._ports.signer.operator_id, self._ports.reader, task, head):
                return True
            head = await clock.wait_for_next()

    async def _post(self, certificate: CertificateIssued) -> Sequence[Record]:
        evaluation = certificate.proposal.evaluation
        task = await self._ports.reader.fetch_task(evaluation.task_id)
        slot = await self._fetch_slot(task)
        header = await self._ports.reader.fetch_seed_header(task.seed_block)
        try:
            receipt = await self._ports.sender.submit_certificate(certificate, slot, header)
        except Invalid as error:
            task = await self._ports.reader.fetch_task(evaluation.task_id)
            head = await self._ports.clock.wait_for(0)
            if not may_certify(task, _vote_of(certificate), _next(head)):
                return await self._report_earlier(certificate)
            self._posts.labels(ending=error.reason.code).inc()
            self._log.error(
                "Certificate refused by the contract",
                task_id=evaluation.task_id,
                attempt=evaluation.attempt,
                reason=error.reason.code,
                error=str(error),
            )
            return [self._build(TaskStalled(evaluation.task_id, evaluation.attempt, error.reason.code))]
        return [self._report(certificate, receipt)]

    async def _fetch_slot(self, task: Task) -> Slot:
        """Return the slot of the sending address, which may post only for tasks whose set holds it."""
        operators = await self._ports.reader.fetch_operator_set(task.set_version)
        operator = operators.find(self._ports.sender.operator_id)
        if operator is None:
            raise Invalid(Reason.UNKNOWN_OPERATOR, "poster is not in the task's operator set")
        return operator.slot

    async def _report_earlier(self, certificate: CertificateIssued) -> Sequence[Record]:
        """Report our own transaction if it was mined, because its report may be missing. Otherwise return nothing.

        The same transaction gives the same record id, so a repeated report is one record.
        """
        task = await self._ports.reader.fetch_task(certificate.proposal.evaluation.task_id)
        posting = await self._ports.reader.fetch_posting(task, _vote_of(certificate))
        if posting is None or posting.sender != Address(self._ports.sender.operator_id):
            self._posts.labels(ending="not_needed").inc()
            return ()
        return [self._report(certificate, posting.receipt)]

    def _report(self, certificate: CertificateIssued, receipt: Receipt) -> Record:
        evaluation = certificate.proposal.evaluation
        self._posts.labels(ending="posted").inc()
        self._gas.inc(receipt.gas_used)
        self._log.info(
            "Certificate posted",
            task_id=evaluation.task_id,
            attempt=evaluation.attempt,
            approved=certificate.approved,
            block=receipt.block_number,
            gas=receipt.gas_used,
        )
        return self._build(
            CertificatePosted(
                task_id=evaluation.task_id,
                attempt=evaluation.attempt,
                approved=certificate.approved,
                transaction_hash=receipt.transaction_hash,
                block_number=receipt.block_number,
                gas_used=receipt.gas_used,
                operator=self._ports.sender.operator_id,
            )
        )

    def _build(self, message: Message) -> Record:
        return build_record(Topic.CERTIFICATES, message, signer=self._ports.signer, time_ms=self._ports.get_time_ms())


def _vote_of(certificate: CertificateIssued) -> Vote:
    evaluation = certificate.proposal.evaluation
    return Vote(evaluation.task_id, evaluation.attempt, evaluation_hash(evaluation), certificate.approved)


def _next(head: BlockNumber) -> BlockNumber:
    return BlockNumber(head + 1)
