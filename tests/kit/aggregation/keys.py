"""Three operators with real keys, and what they sign."""

from dataclasses import dataclass, replace

from tests.kit.aggregation.votes import build_proposal
from zarathustra.bus.records import Delivery, Record
from zarathustra.chain.port import Deployment
from zarathustra.core.digests import Domain, evaluation_digest, input_hash, seed, vote_digest
from zarathustra.core.messages import AttestationSigned, EvaluationProposed, Message
from zarathustra.core.task import Operator, OperatorSet, Task, performer_of
from zarathustra.core.types import (
    Address,
    Attempt,
    BlockHash,
    BlockNumber,
    EcdsaSignature,
    OperatorId,
    SetVersion,
    Slot,
    Topic,
    Wei,
)
from zarathustra.core.vote import Vote
from zarathustra.runtime.records import build_record
from zarathustra.signing.bls_fast import FastBls
from zarathustra.signing.ecdsa import compute_address, sign_digest
from zarathustra.signing.envelope import sign_record
from zarathustra.signing.keys import BlsSecretKey, EcdsaSecretKey

BLS = FastBls()
DOMAIN = Domain(31_337, Address(b"\x11" * 20))
BLS_KEYS = [BlsSecretKey.from_int(1_000 + number) for number in range(3)]
ECDSA_KEYS = [EcdsaSecretKey.from_int(1_000 + number) for number in range(3)]
BLOCK_HASH = BlockHash(b"\x22" * 32)  # of every task's seed block
DEPLOYMENT = Deployment(
    chain_id=DOMAIN.chain_id,
    governance=Address(b"\x12" * 20),
    attestation_center=DOMAIN.verifying_contract,
    avs_logic=Address(b"\x13" * 20),
    model_submission=Address(b"\x14" * 20),
    deployed_at=BlockNumber(1),
)
OPERATORS = OperatorSet(
    SetVersion(1),
    tuple(
        Operator(Slot(slot), OperatorId(compute_address(ecdsa)), Wei(10), BLS.public_key(bls))
        for slot, (ecdsa, bls) in enumerate(zip(ECDSA_KEYS, BLS_KEYS, strict=True))
    ),
)


@dataclass(frozen=True)
class KeySigner:
    """The aggregator's envelope signer."""

    secret: EcdsaSecretKey

    @property
    def operator_id(self) -> OperatorId:
        return OperatorId(compute_address(self.secret))

    def sign_envelope(self, topic: str, value: bytes) -> EcdsaSignature:
        return sign_record(self.secret, DOMAIN, topic, value)


def sign_attestation(vote: Vote, slot: int, *, is_good: bool = True) -> AttestationSigned:
    """A real BLS signature of an operator of OPERATORS."""
    signed = vote if is_good else replace(vote, approved=not vote.approved)
    signature = BLS.sign(BLS_KEYS[slot], vote_digest(DOMAIN, signed))
    return AttestationSigned(
        task_id=vote.task_id,
        attempt=vote.attempt,
        evaluation_hash=vote.evaluation_hash,
        approved=vote.approved,
        operator=OPERATORS.operators[slot].operator_id,
        signature=signature,
        reason="",
    )


def signer_of(slot: int) -> KeySigner:
    return KeySigner(ECDSA_KEYS[slot])


def find_performer(task: Task, attempt: int = 0) -> Operator:
    """The operator whose attempt it is."""
    task_seed = seed(BLOCK_HASH, DEPLOYMENT.chain_id, DEPLOYMENT.model_submission, task.task_id)
    return performer_of(OPERATORS.operators, task_seed, Attempt(attempt))


def sign_proposal(task: Task, *, slot: int | None = None, **changes: object) -> EvaluationProposed:
    """A proposal of attempt 0 as its performer signs it; `slot` lets another operator do so."""
    task_seed = seed(BLOCK_HASH, DEPLOYMENT.chain_id, DEPLOYMENT.model_submission, task.task_id)
    performer = find_performer(task) if slot is None else OPERATORS.operators[slot]
    proposal = build_proposal(task)
    evaluation = replace(
        proposal.evaluation,
        performer=performer.operator_id,
        input_hash=input_hash(task.input_root, task_seed),
        **changes,  # type: ignore[arg-type]  # fields of Evaluation
    )
    signature = sign_digest(ECDSA_KEYS[performer.slot], evaluation_digest(DOMAIN, evaluation))
    return EvaluationProposed(evaluation, proposal.proof_of_task, signature)


def deliver(topic: Topic, message: Message, *, slot: int, time_ms: int = 0) -> Delivery:
    """The message as the bus brings it, in the envelope of an operator."""
    return deliver_record(build_record(topic, message, signer=signer_of(slot), time_ms=time_ms), time_ms=time_ms)


def deliver_record(record: Record, *, time_ms: int = 0) -> Delivery:
    return Delivery(record, partition=0, offset=0, timestamp_ms=time_ms)
