"""Messages of three operators with real keys, on a chain that is the same in every test."""

from dataclasses import replace

from tests.kit.aggregation.votes import FIRST_BLOCK, build_attestation, build_proposal, vote_on
from tests.kit.bus.records import deliver
from tests.kit.chain.deployment import DOMAIN
from tests.kit.chain.fake import FakeChain
from tests.kit.signing.operators import make_keys, seal_operators
from zarathustra.bus.records import Delivery
from zarathustra.core.digests import evaluation_digest, vote_digest
from zarathustra.core.messages import AttestationSigned, CastVote, ConflictFound, EvaluationProposed, Message
from zarathustra.core.task import Operator, Task
from zarathustra.core.types import Topic
from zarathustra.core.vote import Vote
from zarathustra.runtime.records import build_record
from zarathustra.signing.bls_fast import FastBls
from zarathustra.signing.ecdsa import sign_digest
from zarathustra.signing.signer import EcdsaSigner

BLS = FastBls()
KEYS = tuple(make_keys(number) for number in range(3))
OPERATORS = seal_operators(*KEYS)
TURN_BLOCKS = 4


def open_chain(*tasks: Task, head: int = FIRST_BLOCK) -> FakeChain:
    """Return a chain with OPERATORS and these tasks."""
    chain = FakeChain(OPERATORS, head=head, turn_blocks=TURN_BLOCKS)
    for task in tasks:
        chain.put_task(task)
    return chain


CHAIN = open_chain()  # for seeds and performers; no test changes it


def signer_of(slot: int) -> EcdsaSigner:
    return EcdsaSigner(KEYS[slot].ecdsa, DOMAIN)


def find_performer(task: Task, attempt: int = 0) -> Operator:
    """Return the operator whose attempt it is."""
    return CHAIN.get_performer(task, attempt)


def sign_attestation(vote: Vote, slot: int, *, is_good: bool = True) -> AttestationSigned:
    """Return the vote with a real BLS signature. A bad one is the signature of the opposite vote."""
    signed = vote if is_good else replace(vote, approved=not vote.approved)
    signature = BLS.sign(KEYS[slot].bls, vote_digest(DOMAIN, signed))
    return build_attestation(vote, KEYS[slot].operator_id, signature)


def sign_proposal(task: Task, *, slot: int | None = None) -> EvaluationProposed:
    """Return a proposal of attempt 0, signed by its performer or by the operator in `slot`."""
    performer = find_performer(task) if slot is None else OPERATORS.operators[slot]
    proposal = build_proposal(task)
    evaluation = replace(proposal.evaluation, performer=performer.operator_id, input_hash=CHAIN.get_input_hash(task))
    signature = sign_digest(KEYS[performer.slot].ecdsa, evaluation_digest(DOMAIN, evaluation))
    return EvaluationProposed(evaluation, proposal.proof_of_task, signature)


def sign_conflict(task: Task, slot: int) -> ConflictFound:
    """Return the evidence that the operator in `slot` approved and rejected the performer's proposal."""
    proposal = sign_proposal(task)
    votes = [vote_on(proposal, approved=is_approval) for is_approval in (False, True)]
    cast = [CastVote(proposal.evaluation, vote.approved, sign_attestation(vote, slot).signature) for vote in votes]
    return ConflictFound(KEYS[slot].operator_id, cast[0], cast[1])


def deliver_message(topic: Topic, message: Message, *, slot: int, time_ms: int = 0) -> Delivery:
    """Return the message as the bus delivers it, in the envelope of the operator in `slot`."""
    return deliver(build_record(topic, message, signer=signer_of(slot), time_ms=time_ms), time_ms=time_ms)
