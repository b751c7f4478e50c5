"""Tasks, operators and votes for the aggregator's tests, and the fold driven to rest with fake signatures."""

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

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
from zarathustra.core.digests import TaskInput, evaluation_hash, report_hash
from zarathustra.core.messages import Abstained, AttestationSigned, EvaluationProposed
from zarathustra.core.outcomes import Code
from zarathustra.core.task import Operator, OperatorSet, Task, TaskStatus
from zarathustra.core.types import (
    Attempt,
    BlockNumber,
    BlsPublicKey,
    BlsSignature,
    Bps,
    Cid,
    EcdsaSignature,
    Evaluation,
    Micro,
    OperatorId,
    Ppm,
    ProjectId,
    SetVersion,
    Slot,
    SubmissionIndex,
    TaskId,
    Wei,
)
from zarathustra.core.vote import Vote

SEED_BLOCK = 100
ATTEMPT_BLOCKS = 50
MAX_ATTEMPTS = 3
DEADLINE = SEED_BLOCK + MAX_ATTEMPTS * ATTEMPT_BLOCKS
FIRST_BLOCK = SEED_BLOCK + 2
RULES = Rules(collect_blocks=2, reissue_blocks=20, forget_blocks=64)
CID = Cid("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")


def build_operators(*stakes: int, version: int = 1) -> OperatorSet:
    return OperatorSet(
        SetVersion(version),
        tuple(
            Operator(
                Slot(slot), OperatorId(fake(20, "operator", slot)), Wei(stake), BlsPublicKey(fake(48, "key", slot))
            )
            for slot, stake in enumerate(stakes)
        ),
    )


def build_task(
    *,
    name: object = 0,
    status: TaskStatus = TaskStatus.OPEN,
    attempt: int = 0,
    attempt_start: int = SEED_BLOCK,
    set_version: int = 1,
    quorum_bps: int = 6_600,
) -> Task:
    task_id = TaskId(fake(32, "task", name))
    return Task(
        task_id=task_id,
        project_id=ProjectId(1),
        submission_index=SubmissionIndex(1),
        status=status,
        attempt=Attempt(attempt),
        attempt_start=BlockNumber(attempt_start),
        attempt_blocks=ATTEMPT_BLOCKS,
        max_attempts=MAX_ATTEMPTS,
        seed_block=BlockNumber(SEED_BLOCK),
        deadline=BlockNumber(DEADLINE),
        quorum_bps=Bps(quorum_bps),
        set_version=SetVersion(set_version),
        input_root=fake(32, "input root"),
        input=TaskInput(task_id, CID, CID, CID, CID, 32, 0, Ppm(10_000), Micro(2)),
    )


def build_proposal(task: Task, *, attempt: int = 0, score: int = 0, input_name: str = "input") -> EvaluationProposed:
    evaluation = Evaluation(
        task_id=task.task_id,
        attempt=Attempt(attempt),
        performer=OperatorId(fake(20, "operator", 0)),
        input_hash=fake(32, input_name),
        code=Code.VALID,
        champion_score=Micro(0),
        challenger_score=Micro(score),
        gain_lower_bound=Micro(0),
        report_hash=report_hash(CID),
    )
    return EvaluationProposed(evaluation, CID, EcdsaSignature(fake(65, "ecdsa")))


def vote_on(proposal: EvaluationProposed, *, approved: bool = True) -> Vote:
    evaluation = proposal.evaluation
    return Vote(evaluation.task_id, evaluation.attempt, evaluation_hash(evaluation), approved)


def build_attestation(vote: Vote, operator: Operator, *, is_good: bool = True) -> AttestationSigned:
    return AttestationSigned(
        task_id=vote.task_id,
        attempt=vote.attempt,
        evaluation_hash=vote.evaluation_hash,
        approved=vote.approved,
        operator=operator.operator_id,
        signature=fake_signature(vote, operator.operator_id) if is_good else BlsSignature(fake(96, "forged")),
        reason="" if vote.approved else "score_mismatch",
    )


def attest(vote: Vote, operators: Iterable[Operator], *, is_good: bool = True) -> list[Change]:
    return [AttestationAccepted(build_attestation(vote, operator, is_good=is_good)) for operator in operators]


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
    return BlsSignature(fake(96, "signature", vote, operator))


def fake(length: int, *parts: object) -> bytes:
    """Bytes that depend on `parts` only."""
    return hashlib.shake_256(repr(parts).encode()).digest(length)


@dataclass
class Driven:
    """A fold driven to rest: the state, and every effect but the verifications, in order."""

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
