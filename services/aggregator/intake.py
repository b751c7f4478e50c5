"""Turns a record into changes of its task's state: checks sender and content, and reads the current task.

record ─▶ envelope, type, bytes ─▶ task and set from our own node ─▶ sender in the set ─▶ checks of its type
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zarathustra.bus.records import Delivery
from zarathustra.chain.port import Deployment, TaskReader
from zarathustra.core.aggregation.changes import (
    AbstentionAccepted,
    AttestationAccepted,
    Change,
    EvaluationAccepted,
    TaskRead,
)
from zarathustra.core.digests import Domain, evaluation_digest, input_hash, report_hash, seed
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.messages import Abstained, AttestationSigned, EvaluationProposed
from zarathustra.core.reasons import Reason
from zarathustra.core.task import performer_of
from zarathustra.core.types import BlockNumber, OperatorId, Seed, TaskId, Topic
from zarathustra.duty.blocks import BlockClock
from zarathustra.runtime.records import read_message
from zarathustra.signing.ecdsa import recover_address

MAX_CACHED_TASKS = 1_000  # records can name any task; past this the oldest read is dropped and costs one more request
# Our node may be a little behind the sender's node. The time is counted from the record's timestamp, so that a flood of
# records about tasks that do not exist delays us by this much once, not once per record.
PATIENCE_MS = 10_000
MAX_CLOCK_SKEW_MS = 2_000  # we do not wait for a record that is dated further in the future

ALLOWED = {
    Topic.EVALUATIONS: (EvaluationProposed,),
    Topic.ATTESTATIONS: (AttestationSigned, Abstained),
}


class TaskCache:
    """Tasks and their operator sets from our own node. Reads each task at most once per block."""

    def __init__(self, reader: TaskReader, clock: BlockClock) -> None:
        self._reader = reader
        self._clock = clock
        self._reads: OrderedDict[TaskId, TaskRead] = OrderedDict()

    async def read(self, task_id: TaskId) -> TaskRead:
        """Return the task at the head. Raises Invalid(UNKNOWN_TASK) or Retry."""
        head = await self._clock.wait_for(0)
        cached = self._reads.get(task_id)
        if cached is not None and cached.block == head:
            return cached

        task = await self._reader.fetch_task(task_id)
        read = TaskRead(task, await self._reader.fetch_operator_set(task.set_version), BlockNumber(head))
        self._reads[task_id] = read
        self._reads.move_to_end(task_id)
        if len(self._reads) > MAX_CACHED_TASKS:
            self._reads.popitem(last=False)
        return read


@dataclass(frozen=True)
class Intake:
    """Reads records of `evaluations.v1` and `attestations.v1`."""

    tasks: TaskCache
    reader: TaskReader
    deployment: Deployment
    now_ms: Callable[[], int]

    async def read(self, delivery: Delivery) -> Sequence[Change]:
        """Return the current task, then the record's change. Raises Retry, or Invalid if the record must not count."""
        domain = Domain(self.deployment.chain_id, self.deployment.attestation_center)
        sender, message = read_message(delivery, domain)
        if not isinstance(message, ALLOWED.get(Topic(delivery.record.topic), ())):
            raise Invalid(Reason.UNKNOWN_TYPE, "message does not belong on its topic", type=type(message).__name__)

        task = await self._read_task(delivery)
        if task.operators.find(sender) is None:
            raise Invalid(Reason.UNKNOWN_OPERATOR, "sender is not in the task's set", sender=sender.hex())
        match message:
            case EvaluationProposed():
                await self._check_proposal(message, task, sender, delivery)
                return task, EvaluationAccepted(message)
            case AttestationSigned():
                _check_sender(sender, message.operator)
                return task, AttestationAccepted(message)
            case Abstained():
                _check_sender(sender, message.operator)
                return task, AbstentionAccepted(message)
        raise TypeError(f"no intake for {type(message).__name__}")

    async def _read_task(self, delivery: Delivery) -> TaskRead:
        try:
            return await self.tasks.read(TaskId(delivery.record.key))
        except Invalid as error:
            if error.reason is Reason.UNKNOWN_TASK and self._is_young(delivery):
                raise Retry(error.reason, error.message, **error.details) from error
            raise

    async def _check_proposal(
        self, proposal: EvaluationProposed, read: TaskRead, sender: OperatorId, delivery: Delivery
    ) -> None:
        evaluation = proposal.evaluation
        _check_sender(sender, evaluation.performer)
        digest = evaluation_digest(Domain(self.deployment.chain_id, self.deployment.attestation_center), evaluation)
        if OperatorId(recover_address(digest, proposal.performer_signature)) != evaluation.performer:
            raise Invalid(Reason.BAD_SIGNATURE, "proposal is signed by another key")
        if evaluation.report_hash != report_hash(proposal.proof_of_task):
            raise Invalid(Reason.REPORT_MISMATCH, "report hash is not that of the report's CID")

        task_seed = await self._fetch_seed(read, delivery)
        performer = performer_of(read.operators.operators, task_seed, evaluation.attempt)
        if performer.operator_id != evaluation.performer:
            raise Invalid(Reason.WRONG_PERFORMER, "not this attempt's performer", sent=sender.hex())
        if evaluation.input_hash != input_hash(read.task.input_root, task_seed):
            raise Invalid(Reason.WRONG_INPUT, "input hash differs from ours", sent=evaluation.input_hash.hex())

    async def _fetch_seed(self, read: TaskRead, delivery: Delivery) -> Seed:
        """Derive the seed from our node's current chain. The contract checks it when the certificate is posted."""
        try:
            header = await self.reader.fetch_seed_header(read.task.seed_block)
        except Retry as error:
            if error.reason is Reason.NO_SEED and not self._is_young(delivery):
                raise Invalid(error.reason, "proposal came before its seed block") from error
            raise
        return seed(header.prev_randao, self.deployment.chain_id, self.deployment.model_submission, read.task.task_id)

    def _is_young(self, delivery: Delivery) -> bool:
        """Return whether our node may still be about to see the record's task or seed block."""
        age_ms = self.now_ms() - delivery.timestamp_ms
        return -MAX_CLOCK_SKEW_MS <= age_ms < PATIENCE_MS


def _check_sender(sender: OperatorId, named: OperatorId) -> None:
    if sender != named:
        raise Invalid(Reason.BAD_ENVELOPE, "message names another operator than its sender", named=named.hex())
