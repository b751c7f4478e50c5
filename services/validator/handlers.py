"""The validator's handler: checks a proposal against its own node, evaluates again, votes or abstains.

    EvaluationProposed ─▶ envelope, performer's signature ─▶ task, attempt, performer, input: our own node
      ─▶ report fetched and equal ─▶ artefacts fetched, evaluated ─▶ approve │ reject ─▶ vote log ─▶ AttestationSigned
                                                                    └ cannot decide ────────────▶ Abstained

A proposal that must not be voted on (wrong attempt, wrong input, …) becomes a dead letter and gets no vote.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from zarathustra.bus.records import Delivery, Record
from zarathustra.chain.port import TaskReader
from zarathustra.core.decision import Answer, Decision, check_proposal, decide
from zarathustra.core.digests import Domain, evaluation_digest, evaluation_hash, report_hash
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.messages import Abstained, AttestationSigned, EvaluationProposed
from zarathustra.core.outcomes import Code
from zarathustra.core.promotion import Scores
from zarathustra.core.reasons import Reason
from zarathustra.core.task import OperatorSet, Task, attempt_end, effective_attempt, is_half_over
from zarathustra.core.types import Evaluation, OperatorId, Seed, Topic
from zarathustra.core.vote import Vote
from zarathustra.duty.assessment import Assess
from zarathustra.duty.blocks import BlockClock
from zarathustra.duty.seeds import SeedDeriver
from zarathustra.duty.tasks import fetch_announced_task
from zarathustra.formats.limits import MAX_REPORT_BYTES
from zarathustra.formats.report import check_report
from zarathustra.runtime.records import GetTimeMs, build_record, read_message
from zarathustra.signing.ecdsa import recover_address
from zarathustra.signing.signer import Signer
from zarathustra.store.port import ArtefactReader
from zarathustra.telemetry.log import get_logger
from zarathustra.telemetry.metrics import Metrics

# When an attempt begins, our node may be a block or two behind the performer's. Waiting is cheaper than losing a vote.
MAX_BLOCKS_BEHIND = 3


@dataclass(frozen=True)
class Ports:
    """The adapters that the validator uses."""

    reader: TaskReader
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
        self._log = get_logger(component="validator")
        self._votes = metrics.counter("votes", "Votes signed", ["answer", "reason"])
        self._abstentions = metrics.counter("abstentions", "Proposals abstained on", ["reason"])
        self._seconds = metrics.histogram("evaluation_seconds", "Fetching and evaluating one proposal")

    async def on_evaluation(self, delivery: Delivery) -> Sequence[Record]:
        """Handle a record of `evaluations.v1`: return one attestation or abstention."""
        proposal = self._open(delivery)
        evaluation = proposal.evaluation
        task, seed = await self._check(evaluation)
        decision = await self._decide_in_time(proposal, task, seed)
        if decision.answer is Answer.ABSTAIN:
            return [self._abstain(evaluation, decision)]
        return [await self._vote(evaluation, decision)]

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
        """Return the task and its seed if the proposal may be voted on. Raises Invalid otherwise."""
        task = await fetch_announced_task(self._ports.reader, evaluation.task_id)
        await self._check_members(evaluation, task)  # first: a stranger's record must not make us wait
        await self._ports.seeds.derive(task)
        task = await self._wait_for_attempt(evaluation)  # meanwhile our node may have moved to another branch
        operators = await self._check_members(evaluation, task)
        seed = await self._ports.seeds.derive(task)
        check_proposal(evaluation, task, operators, seed=seed, block=self._ports.clock.head)
        return task, seed

    async def _check_members(self, evaluation: Evaluation, task: Task) -> OperatorSet:
        """Return the task's operator set. Raises Invalid unless the performer and we are in it."""
        operators = await self._ports.reader.fetch_operator_set(task.set_version)
        if operators.find(evaluation.performer) is None:
            raise Invalid(Reason.UNKNOWN_OPERATOR, "performer is not in the task's set")
        if operators.find(self._ports.signer.operator_id) is None:
            raise Invalid(Reason.UNKNOWN_OPERATOR, "we are not in the task's set")
        return operators

    async def _wait_for_attempt(self, evaluation: Evaluation) -> Task:
        """Return the task once our node has seen the proposal's attempt begin, or after MAX_BLOCKS_BEHIND blocks."""
        task = await fetch_announced_task(self._ports.reader, evaluation.task_id)
        for _ in range(MAX_BLOCKS_BEHIND):
            effective = effective_attempt(task, self._ports.clock.head)
            if effective is None or effective >= evaluation.attempt:
                break
            await self._ports.clock.wait_for_next()
            task = await fetch_announced_task(self._ports.reader, evaluation.task_id)
        return task

    async def _decide_in_time(self, proposal: EvaluationProposed, task: Task, seed: Seed) -> Decision:
        """Decide. On Retry try again at each block, and abstain when the attempt ends."""
        last_block = attempt_end(task, proposal.evaluation.attempt)
        while True:
            try:
                return await self._decide(proposal, task, seed)
            except Retry as error:
                self._log.warning(
                    "Proposal not evaluated yet", task_id=task.task_id, reason=error.reason.code, error=str(error)
                )
                if await self._ports.clock.wait_for_next() >= last_block:
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
