"""An operator's transactions: certificates, proofs of conflicts, and a keeper's calls. Implements `port.TaskSender`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode

from zarathustra.chain import abi
from zarathustra.chain.contracts import SendingContract, SignedVote
from zarathustra.chain.port import Deployment, Receipt, SeedHeader
from zarathustra.chain.transactions import Sender
from zarathustra.core.errors import Invalid
from zarathustra.core.messages import CastVote, CertificateIssued, ConflictFound
from zarathustra.core.types import (
    Address,
    BlsSignature,
    EcdsaSignature,
    Evaluation,
    OperatorId,
    ProjectId,
    Slot,
    SubmissionIndex,
    TaskId,
)

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
    poster_slot: Slot
    signature: bytes
    performer_signature: EcdsaSignature
    header: bytes


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

    async def submit_certificate(self, certificate: CertificateIssued, slot: Slot, header: SeedHeader) -> Receipt:
        """See `port.TaskSender`."""
        argument = self._build_certificate(certificate, slot, header)
        return (await self._center.send("submitTask", build_task_info(certificate), argument)).receipt

    async def prove_conflict(self, found: ConflictFound, slot: Slot, header: SeedHeader) -> Receipt | None:
        """See `port.TaskSender`. Raises Invalid(REVERTED, error=WrongInputHash) for votes on another input."""
        votes = [self._build_vote(vote, slot) for vote in (found.first, found.second)]
        return await _send_unless(self._center, "NothingToSlash", "proveConflict", *votes, header.encoded)

    async def advance(self, project_id: ProjectId, max_steps: int) -> Receipt | None:
        """See `port.TaskSender`."""
        (steps,) = await self._market.simulate("advance", project_id, max_steps)
        if steps == 0:
            return None
        return (await self._market.send("advance", project_id, max_steps)).receipt

    async def expire_task(self, task_id: TaskId) -> Receipt | None:
        """See `port.TaskSender`. Raises Invalid(REVERTED, error=DeadlineNotPassed) when it is too early."""
        return await _send_unless(self._center, "TaskNotOpen", "expireTask", task_id)

    async def release(self, project_id: ProjectId, index: SubmissionIndex) -> Receipt | None:
        """See `port.TaskSender`. Raises Invalid(REVERTED, error=WithheldUntil) when it is too early."""
        return await _send_unless(self._market, "NothingWithheld", "release", project_id, index)

    async def close_project(self, project_id: ProjectId) -> Receipt | None:
        """See `port.TaskSender`. Raises Invalid(REVERTED, error=NotProjectOwner) when it is too early."""
        return await _send_unless(self._market, "ProjectNotOpen", "closeProject", project_id)

    async def withdraw_escrow(self, project_id: ProjectId) -> Receipt | None:
        """See `port.TaskSender`. Raises Invalid(REVERTED, error=NotProjectOwner) when it is too early."""
        return await _send_unless(self._market, "NothingToWithdraw", "withdrawEscrow", project_id)

    def _build_vote(self, vote: CastVote, slot: Slot) -> SignedVote:
        return SignedVote(vote.evaluation, vote.approved, 1 << slot, self._encode_signature(vote.signature))

    def _build_certificate(self, certificate: CertificateIssued, slot: Slot, header: SeedHeader) -> Certificate:
        return Certificate(
            bitmap=certificate.bitmap,
            approved=certificate.approved,
            poster_slot=slot,
            signature=self._encode_signature(certificate.signature),
            performer_signature=certificate.proposal.performer_signature,
            header=header.encoded,
        )


async def _send_unless(contract: SendingContract, done: str, function: str, *arguments: object) -> Receipt | None:
    """Send; return None when the contract's error `done` says that another account did it."""
    try:
        return (await contract.send(function, *arguments)).receipt
    except Invalid as error:
        if error.details.get("error") != done:
            raise
        return None


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
