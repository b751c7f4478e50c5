"""Proposals and votes with fake signatures, and a fold that is driven until no verification is pending."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.kit.chain.tasks import SEED_BLOCK
from tests.kit.derived import derive_bytes
from zarathustra.core.aggregation.changes import (
    AbstentionAccepted,
    AttestationAccepted,
    Change,
    EvaluationAccepted,
    SignaturesVerified,
    TaskRead,
)
from zarathustra.core.aggregation.effects import Effect, IssueCertificate, VerifySignatures
from zarathustra.core.aggregation.fold import fold
from zarathustra.core.aggregation.rules import Rules
from zarathustra.core.aggregation.state import TaskState
from zarathustra.core.digests import evaluation_hash, report_hash
from zarathustra.core.messages import Abstained, AttestationSigned, EvaluationProposed
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Operator, OperatorSet, Task
from zarathustra.core.types import (
    Attempt,
    BlockNumber,
    BlsSignature,
    Cid,
    EcdsaSignature,
    Evaluation,
    Micro,
    OperatorId,
)
from zarathustra.core.vote import Vote

FIRST_BLOCK = SEED_BLOCK + 2
RULES = Rules(collect_blocks=2, reissue_blocks=20, forget_blocks=64)
CID = Cid("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")


def build_proposal(task: Task, *, attempt: int = 0, score: int = 0, input_name: str = "input") -> EvaluationProposed:
    evaluation = Evaluation(
        task_id=task.task_id,
        attempt=Attempt(attempt),
        performer=OperatorId(derive_bytes(20, "operator", 0)),
        input_hash=derive_bytes(32, input_name),
        code=Code.VALID,
        champion_score=Micro(0),
        challenger_score=Micro(score),
        gain_lower_bound=Micro(0),
        report_hash=report_hash(CID),
    )
    return EvaluationProposed(evaluation, CID, EcdsaSignature(derive_bytes(65, "ecdsa")))


def vote_on(proposal: EvaluationProposed, *, approved: bool = True) -> Vote:
    evaluation = proposal.evaluation
    return Vote(evaluation.task_id, evaluation.attempt, evaluation_hash(evaluation), approved)


def build_attestation(vote: Vote, operator: OperatorId, signature: BlsSignature) -> AttestationSigned:
    """Return an operator's vote as it publishes it, with any signature."""
    return AttestationSigned(
        task_id=vote.task_id,
        attempt=vote.attempt,
        evaluation_hash=vote.evaluation_hash,
        approved=vote.approved,
        operator=operator,
        signature=signature,
        reason="" if vote.approved else Reason.SCORE_MISMATCH.code,
    )


def fake_attestation(vote: Vote, operator: Operator, *, is_good: bool = True) -> AttestationSigned:
    signature = fake_signature(vote, operator.operator_id) if is_good else BlsSignature(derive_bytes(96, "forged"))
    return build_attestation(vote, operator.operator_id, signature)


def attest(vote: Vote, operators: Iterable[Operator], *, is_good: bool = True) -> list[Change]:
    return [AttestationAccepted(fake_attestation(vote, operator, is_good=is_good)) for operator in operators]


def abstain(vote: Vote, operators: Iterable[Operator]) -> list[Change]:
    return [
        AbstentionAccepted(Abstained(vote.task_id, vote.attempt, vote.evaluation_hash, one.operator_id, "unavailable"))
        for one in operators
    ]


def read(task: Task, operators: OperatorSet, *, block: int = FIRST_BLOCK) -> TaskRead:
    return TaskRead(task, operators, BlockNumber(block))


def propose(proposal: EvaluationProposed) -> EvaluationAccepted:
    return EvaluationAccepted(proposal)


def fake_signature(vote: Vote, operator: OperatorId) -> BlsSignature:
    return BlsSignature(derive_bytes(96, "signature", vote, operator))


@dataclass
class Driven:
    """The state of a fold with no verification pending, and all its effects but the verifications, in order."""

    state: TaskState | None = None
    effects: list[Effect] = field(default_factory=list)
    verified: list[tuple[OperatorId, ...]] = field(default_factory=list)

    @property
    def certificates(self) -> list[IssueCertificate]:
        return [effect for effect in self.effects if isinstance(effect, IssueCertificate)]

    def of(self, kind: type) -> list[Effect]:
        return [effect for effect in self.effects if isinstance(effect, kind)]


def drive(changes: Sequence[Change], *, rules: Rules = RULES, driven: Driven | None = None) -> Driven:
    """Fold changes one by one; signatures are verified by comparing them with the fake ones."""
    driven = driven or Driven()
    for change in changes:
        pending = deque([change])
        while pending:
            transition = fold(driven.state, pending.popleft(), rules)
            driven.state = transition.state
            for effect in transition.effects:
                if isinstance(effect, VerifySignatures):
                    driven.verified.append(tuple(signer.operator_id for signer in effect.signers))
                    pending.append(_verify(effect))
                else:
                    driven.effects.append(effect)
    return driven


def _verify(effect: VerifySignatures) -> SignaturesVerified:
    good = frozenset(
        signer.operator_id
        for signer in effect.signers
        if signer.signature == fake_signature(effect.vote, signer.operator_id)
    )
    return SignaturesVerified(effect.vote, good, frozenset(one.operator_id for one in effect.signers) - good)
