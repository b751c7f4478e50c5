"""An operator's transactions: certificates, and a keeper's two calls. Implements the port `TaskSender`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode

from zarathustra.chain import abi
from zarathustra.chain.contracts import SendingContract
from zarathustra.chain.port import Deployment, Receipt
from zarathustra.chain.transactions import Sender
from zarathustra.core.errors import Invalid
from zarathustra.core.messages import CertificateIssued
from zarathustra.core.types import Address, BlsSignature, EcdsaSignature, Evaluation, OperatorId, ProjectId, TaskId

TASK_DEFINITION_ID: Final = 0  # a kind of task, as AVS contracts number them; this network has one
EVALUATION_TYPE: Final = "(bytes32,uint8,address,bytes32,uint8,int64,int64,int64,bytes32)"

EncodeSignature = Callable[[BlsSignature], bytes]
"""Convert a compressed G2 point (96 bytes) to EIP-2537 (256 bytes); `BlsBackend.g2_to_eip2537` does it."""


@dataclass(frozen=True)
class TaskInfo:
    """The first argument of `submitTask`, with the ABI's field names."""

    proof_of_task: str
    data: bytes
    task_performer: OperatorId
    task_definition_id: int


@dataclass(frozen=True)
class Certificate:
    """The second argument of `submitTask`, with the ABI's field names."""

    bitmap: int
    approved: bool
    signature: bytes
    performer_signature: EcdsaSignature


class ChainTaskSender:
    """See `port.TaskSender`."""

    def __init__(self, sender: Sender, deployment: Deployment, *, encode_signature: EncodeSignature) -> None:
        self._sender = sender
        self._encode_signature = encode_signature
        self._center = SendingContract(sender, abi.ATTESTATION_CENTER, deployment.attestation_center)
        self._market = SendingContract(sender, abi.MODEL_SUBMISSION, deployment.model_submission)

    @property
    def operator_id(self) -> OperatorId:
        """See `port.TaskSender`."""
        return OperatorId(self._sender.address)

    async def submit_certificate(self, certificate: CertificateIssued) -> Receipt:
        """See `port.TaskSender`."""
        outcome = await self._center.send(
            "submitTask", build_task_info(certificate), self._build_certificate(certificate)
        )
        return outcome.receipt

    async def advance(self, project_id: ProjectId, max_steps: int) -> Receipt | None:
        """See `port.TaskSender`."""
        (steps,) = await self._market.simulate("advance", project_id, max_steps)
        if steps == 0:
            return None
        return (await self._market.send("advance", project_id, max_steps)).receipt

    async def expire_task(self, task_id: TaskId) -> Receipt | None:
        """See `port.TaskSender`. Raises Invalid(REVERTED, error=DeadlineNotPassed) when it is too early."""
        try:
            return (await self._center.send("expireTask", task_id)).receipt
        except Invalid as error:
            if error.details.get("error") != "TaskNotOpen":
                raise
            return None

    def _build_certificate(self, certificate: CertificateIssued) -> Certificate:
        return Certificate(
            bitmap=certificate.bitmap,
            approved=certificate.approved,
            signature=self._encode_signature(certificate.signature),
            performer_signature=certificate.proposal.performer_signature,
        )


def build_task_info(certificate: CertificateIssued) -> TaskInfo:
    """Build the `TaskInfo` of a certificate; its `data` is the whole evaluation."""
    evaluation = certificate.proposal.evaluation
    return TaskInfo(
        proof_of_task=certificate.proposal.proof_of_task,
        data=encode_evaluation(evaluation),
        task_performer=evaluation.performer,
        task_definition_id=TASK_DEFINITION_ID,
    )


def encode_evaluation(evaluation: Evaluation) -> bytes:
    """Encode an evaluation as `abi.encode(Evaluation)` does."""
    fields = (
        evaluation.task_id,
        evaluation.attempt,
        Address(evaluation.performer),
        evaluation.input_hash,
        int(evaluation.code),
        evaluation.champion_score,
        evaluation.challenger_score,
        evaluation.gain_lower_bound,
        evaluation.report_hash,
    )
    return encode([EVALUATION_TYPE], [fields])
