"""The validator's handler: checks a proposal against its own node, evaluates again, votes or abstains.

    EvaluationProposed ─▶ sender listed? ─▶ envelope, performer's signature ─▶ task, attempt, performer, input: our node
      ─▶ first proposal of this (task, attempt, input)? no vote yet? ─▶ report fetched and equal
      ─▶ artefacts fetched, evaluated ─▶ approve │ reject ─▶ vote log ─▶ AttestationSigned
                                       └ cannot decide ────────────▶ Abstained

A proposal that must not be voted on (wrong attempt, wrong input, …) becomes a dead letter and gets no vote. One that is
early here, because our node is behind, is put back: it waits outside the places of records in flight.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.validator.admission import Decisions, UnsettledRecords
from zarathustra.bus.records import Delivery, Header, Record
from zarathustra.core.decision import APPROVAL, Answer, Decision, check_duty, check_proposal, decide
from zarathustra.core.digests import Domain, evaluation_digest, evaluation_hash, report_hash
from zarathustra.core.errors import Invalid, Retry, TooEarly
from zarathustra.core.messages import Abstained, AttestationSigned, EvaluationProposed
from zarathustra.core.outcomes import Code
from zarathustra.core.promotion import Scores
from zarathustra.core.reasons import Reason
from zarathustra.core.task import OperatorSet, Task, TaskStatus, attempt_end, is_half_over, is_next_attempt
from zarathustra.core.types import Evaluation, OperatorId, Seed, Topic
from zarathustra.core.vote import Vote
from zarathustra.duty.assessment import Assess
from zarathustra.duty.blocks import BlockClock
from zarathustra.duty.seeds import SeedDeriver
from zarathustra.duty.view import ChainView
from zarathustra.formats.limits import MAX_REPORT_BYTES
from zarathustra.formats.report import check_report
from zarathustra.runtime.records import GetTimeMs, build_record, read_message
from zarathustra.signing.ecdsa import recover_address
from zarathustra.signing.signer import Signer
from zarathustra.store.port import ArtefactReader
from zarathustra.telemetry.log import get_logger
from zarathustra.telemetry.metrics import Metrics


@dataclass(frozen=True)
class Ports:
    """The adapters that the validator uses."""

    view: ChainView
    clock: BlockClock
    seeds: SeedDeriver
    assess: Assess
    artefacts: ArtefactReader
    signer: Signer
    domain: Domain  # AttestationCenter's
    get_time_ms: GetTimeMs


class Validator:
    """Votes on proposals. At most one vote per task, attempt and input: the signer enforces this."""

    def __init__(self, ports: Ports, metrics: Metrics) -> None:
        self._ports = ports
        self._unsettled = UnsettledRecords()
        self._decisions = Decisions()
        self._log = get_logger(component="validator")
        self._votes = metrics.counter("votes", "Votes signed", ["answer", "reason"])
        self._abstentions = metrics.counter("abstentions", "Proposals abstained on", ["reason"])
        self._seconds = metrics.histogram("evaluation_seconds", "Fetching and evaluating one proposal")

    async def on_evaluation(self, delivery: Delivery) -> Sequence[Record]:
        """Handle a record of `evaluations.v1`: return one attestation or abstention.

        Raises TooEarly for a proposal that our node cannot judge yet.
        """
        await self._check_claimed_sender(delivery)
        proposal = self._open(delivery)
        evaluation = proposal.evaluation
        task, seed = await self._check(evaluation)
        known = self._decisions.find_answer(evaluation)
        if known is not None:
            return known
        with self._decisions.deciding(evaluation) as making:
            decision = await self._find_vote(evaluation) or await self._decide_in_time(proposal, task, seed)
            if decision.answer is Answer.ABSTAIN:
                return [making.answer(self._abstain(evaluation, decision))]
            return [making.answer(await self._vote(evaluation, decision))]

    async def _check_claimed_sender(self, delivery: Delivery) -> None:
        """Refuse a record of a key in no set before its signatures are verified: anyone can send thousands."""
        claimed = delivery.record.headers.get(Header.OPERATOR)
        if claimed is not None and not await self._ports.view.is_listed(OperatorId(claimed)):
            raise Invalid(Reason.UNKNOWN_OPERATOR, "sender is in no current operator set", sender=claimed[:20].hex())

    def _open(self, delivery: Delivery) -> EvaluationProposed:
        sender, message = read_message(delivery, self._ports.domain)
        if not isinstance(message, EvaluationProposed):
            raise Invalid(Reason.UNKNOWN_TYPE, "not a proposal", type=type(message).__name__)
        if sender != message.evaluation.performer:
            raise Invalid(Reason.BAD_ENVELOPE, "proposal is sent by another operator", sender=sender.hex())
        digest = evaluation_digest(self._ports.domain, message.evaluation)
        signer = OperatorId(recover_address(digest, message.performer_signature))
        if signer != message.evaluation.performer:
            raise Invalid(Reason.BAD_SIGNATURE, "proposal is signed by another key", signer=signer.hex())
        if message.evaluation.report_hash != report_hash(message.proof_of_task):
            raise Invalid(Reason.REPORT_MISMATCH, "report hash is not that of the report's CID")
        return message

    async def _check(self, evaluation: Evaluation) -> tuple[Task, Seed]:
        """Return the task and its seed if the proposal may be voted on now. Raises TooEarly or Invalid otherwise."""
        ports = self._ports
        task = await self._fetch_task(evaluation)
        operators = await self._check_members(evaluation, task)
        if task.status is TaskStatus.OPEN and not ports.seeds.is_due(task):
            raise self._early(evaluation, Reason.NO_SEED, "seed block is not deep enough here")
        seed = await ports.view.derive_seed(task)
        head = ports.clock.head
        if is_next_attempt(task, evaluation.attempt, head):
            check_duty(evaluation, task, operators, seed=seed)
            raise self._early(evaluation, Reason.WRONG_ATTEMPT, "attempt has not begun here")
        check_proposal(evaluation, task, operators, seed=seed, block=head)
        return task, seed

    async def _fetch_task(self, evaluation: Evaluation) -> Task:
        try:
            return await self._ports.view.fetch_task(evaluation.task_id)
        except Retry as error:
            if error.reason is Reason.UNKNOWN_TASK:  # made up, or our node is behind: not more than a few of these
                self._unsettled.admit(evaluation.performer, evaluation.task_id, self._ports.clock.head)
            raise

    async def _check_members(self, evaluation: Evaluation, task: Task) -> OperatorSet:
        """Return the task's operator set. Raises Invalid unless the performer and we are in it."""
        operators = await self._ports.view.fetch_operators(task.set_version)
        if operators.find(evaluation.performer) is None:
            raise Invalid(Reason.UNKNOWN_OPERATOR, "performer is not in the task's set")
        if operators.find(self._ports.signer.operator_id) is None:
            raise Invalid(Reason.UNKNOWN_OPERATOR, "we are not in the task's set")
        return operators

    def _early(self, evaluation: Evaluation, reason: Reason, message: str) -> TooEarly:
        """Return the error that puts a proposal back. Raises Invalid when its sender has too many of them."""
        self._unsettled.admit(evaluation.performer, evaluation_hash(evaluation), self._ports.clock.head)
        return TooEarly(reason, message, task_id=evaluation.task_id.hex())

    async def _find_vote(self, evaluation: Evaluation) -> Decision | None:
        """Return the approval that was signed before, perhaps by an earlier process; a rejection is reasoned again.

        Raises Invalid(ALREADY_VOTED) when the vote was on another proposal: an evaluation could change nothing.
        """
        vote = await self._ports.signer.find_vote(evaluation.task_id, evaluation.attempt, evaluation.input_hash)
        if vote is None:
            return None
        if vote.evaluation_hash != evaluation_hash(evaluation):
            raise Invalid(Reason.ALREADY_VOTED, "we voted on another proposal of this attempt")
        return APPROVAL if vote.approved else None

    async def _decide_in_time(self, proposal: EvaluationProposed, task: Task, seed: Seed) -> Decision:
        """Decide. On Retry try again at each block, and abstain when the attempt ends."""
        last_block = attempt_end(task, proposal.evaluation.attempt)
        while True:
            try:
                return await self._ports.clock.run_until(last_block, self._decide(proposal, task, seed))
            except Retry as error:
                self._log.warning(
                    "Proposal not evaluated yet", task_id=task.task_id, reason=error.reason.code, error=str(error)
                )
                if error.reason is Reason.OUT_OF_TIME or await self._ports.clock.wait_for_next() >= last_block:
                    return Decision(Answer.ABSTAIN, error.reason)

    async def _decide(self, proposal: EvaluationProposed, task: Task, seed: Seed) -> Decision:
        evaluation = proposal.evaluation
        report = await self._ports.artefacts.fetch(proposal.proof_of_task, max_bytes=MAX_REPORT_BYTES)
        try:
            check_report(report, evaluation)
        except Invalid as error:
            return Decision(Answer.REJECT, error.reason)
        gives_up = evaluation.code is Code.UNAVAILABLE and is_half_over(
            task, evaluation.attempt, self._ports.clock.head
        )
        with self._seconds.time():
            ours = await self._ports.assess(task, seed, gives_up_on_challenger=gives_up)
        return decide(Scores.of(evaluation), ours.scores, tolerance=task.input.tolerance)

    async def _vote(self, evaluation: Evaluation, decision: Decision) -> Record:
        approved = decision.answer is Answer.APPROVE
        vote = Vote(evaluation.task_id, evaluation.attempt, evaluation_hash(evaluation), approved)
        message = AttestationSigned(
            task_id=vote.task_id,
            attempt=vote.attempt,
            evaluation_hash=vote.evaluation_hash,
            approved=approved,
            operator=self._ports.signer.operator_id,
            signature=await self._ports.signer.sign_vote(vote, evaluation.input_hash),
            reason=decision.reason_code,
        )
        self._votes.labels(answer=decision.answer.value, reason=decision.reason_code).inc()
        self._log.info(
            "Vote signed",
            task_id=vote.task_id,
            attempt=vote.attempt,
            answer=decision.answer.value,
            reason=decision.reason_code,
        )
        return self._seal(message)

    def _abstain(self, evaluation: Evaluation, decision: Decision) -> Record:
        self._abstentions.labels(reason=decision.reason_code).inc()
        self._log.warning(
            "Abstained", task_id=evaluation.task_id, attempt=evaluation.attempt, reason=decision.reason_code
        )
        return self._seal(
            Abstained(
                task_id=evaluation.task_id,
                attempt=evaluation.attempt,
                evaluation_hash=evaluation_hash(evaluation),
                operator=self._ports.signer.operator_id,
                reason=decision.reason_code,
            )
        )

    def _seal(self, message: AttestationSigned | Abstained) -> Record:
        ports = self._ports
        return build_record(Topic.ATTESTATIONS, message, signer=ports.signer, time_ms=ports.get_time_ms())
