"""Measures what batch verification saves: `python -m benchmarks.aggregation`.

Prints ratios, which differ less between machines than seconds do:
- one weighted batch of n signatures over one vote, compared with n single verifications;
- the same with one bad signature, which bisection must find;
- a whole fold of 100 attestations to a certificate, compared with verifying each when it arrives.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from zarathustra.core.aggregation.changes import (
    AttestationAccepted,
    Change,
    EvaluationAccepted,
    SignaturesVerified,
    TaskRead,
)
from zarathustra.core.aggregation.effects import IssueCertificate, VerifySignatures
from zarathustra.core.aggregation.fold import fold
from zarathustra.core.aggregation.rules import Rules
from zarathustra.core.aggregation.state import TaskState
from zarathustra.core.digests import Domain, TaskInput, evaluation_hash, report_hash, vote_digest
from zarathustra.core.messages import AttestationSigned, EvaluationProposed
from zarathustra.core.outcomes import Code
from zarathustra.core.task import Operator, OperatorSet, Task, TaskStatus
from zarathustra.core.types import (
    Address,
    Attempt,
    BlockNumber,
    Bps,
    Cid,
    Digest,
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
from zarathustra.signing.bls import BlsBackend, Signed, find_invalid
from zarathustra.signing.bls_fast import FastBls
from zarathustra.signing.keys import BlsSecretKey

REPEATS = 3
SIZES = (100, 1_000)
FOLDED = 100  # a set holds at most 128 operators
DOMAIN = Domain(31_337, Address(bytes([1]) * 20))
TASK_ID = TaskId(bytes([2]) * 32)
CID = Cid("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")


def main() -> None:
    backend = FastBls()
    proposal = build_proposal()
    vote = Vote(TASK_ID, Attempt(0), evaluation_hash(proposal.evaluation), approved=True)
    digest = vote_digest(DOMAIN, vote)
    keys = [BlsSecretKey.from_int(1_000 + number) for number in range(max(SIZES))]
    signed = [Signed(backend.public_key(key), backend.sign(key, digest)) for key in keys]

    for size in SIZES:
        report_batch(backend, digest, signed[:size])
    report_fold(backend, proposal, vote, signed[:FOLDED])


def report_batch(backend: BlsBackend, digest: Digest, signed: list[Signed]) -> None:
    """Print a batch compared with one by one: all good, and with one bad signature."""
    forged = [*signed[1:], Signed(signed[0].public_key, signed[1].signature)]
    single = measure(lambda: verify_singly(backend, digest, signed))
    batch = measure(lambda: check(find_invalid(backend, digest, signed), ()))
    blaming = measure(lambda: check(find_invalid(backend, digest, forged), (len(signed) - 1,)))
    print(f"{len(signed):5d} signatures: batch {single / batch:5.1f} × faster than one by one ({batch * 1e3:.1f} ms)")
    print(f"{len(signed):5d} with a bad one: {single / blaming:5.1f} × faster ({blaming * 1e3:.1f} ms)")


def report_fold(backend: BlsBackend, proposal: EvaluationProposed, vote: Vote, signed: list[Signed]) -> None:
    """Print the fold, which verifies once at the quorum and once at the end, compared with verifying each."""
    operators = build_operators(signed)
    changes = build_changes(proposal, vote, operators, signed)
    digest = vote_digest(DOMAIN, vote)
    batched = Run(backend, digest)
    folding = measure(lambda: batched.play(changes))
    singly = folding - batched.seconds / REPEATS
    singly += measure(lambda: verify_singly(backend, digest, signed))
    print(f"{len(signed):5d} attestations folded: {singly / folding:5.1f} × faster ({folding * 1e3:.1f} ms in all)")


@dataclass
class Run:
    """Folds to a certificate and measures the time of verification."""

    backend: BlsBackend
    digest: Digest
    seconds: float = 0.0

    def play(self, changes: list[Change]) -> None:
        state: TaskState | None = None
        issued = 0
        pending = list(reversed(changes))
        while pending:
            transition = fold(state, pending.pop(), Rules())
            state = transition.state
            for effect in transition.effects:
                if isinstance(effect, VerifySignatures):
                    pending.append(self._verify(effect))
                issued += isinstance(effect, IssueCertificate)
        check(issued, 1)

    def _verify(self, effect: VerifySignatures) -> SignaturesVerified:
        started = time.perf_counter()
        found = find_invalid(
            self.backend, self.digest, [Signed(one.public_key, one.signature) for one in effect.signers]
        )
        self.seconds += time.perf_counter() - started
        check(found, ())
        return SignaturesVerified(effect.vote, frozenset(one.operator_id for one in effect.signers), frozenset())


def verify_singly(backend: BlsBackend, digest: Digest, signed: list[Signed]) -> None:
    for one in signed:
        backend.verify(one.public_key, digest, one.signature)


def measure(work: Callable[[], object]) -> float:
    """Return the mean of a few runs, in seconds."""
    started = time.perf_counter()
    for _ in range(REPEATS):
        work()
    return (time.perf_counter() - started) / REPEATS


def check(found: object, expected: object) -> None:
    """Raise AssertionError if the result is wrong: the time of a wrong result means nothing."""
    if found != expected:
        raise AssertionError(f"found {found}, expected {expected}")


def build_operators(signed: list[Signed]) -> OperatorSet:
    return OperatorSet(
        SetVersion(1),
        tuple(
            Operator(Slot(slot), OperatorId(slot.to_bytes(20, "big")), Wei(10), one.public_key)
            for slot, one in enumerate(signed)
        ),
    )


def build_changes(
    proposal: EvaluationProposed, vote: Vote, operators: OperatorSet, signed: list[Signed]
) -> list[Change]:
    task_input = TaskInput(TASK_ID, CID, CID, CID, CID, 32, 0, Ppm(10_000), Micro(2))
    task = Task(
        task_id=TASK_ID,
        project_id=ProjectId(1),
        submission_index=SubmissionIndex(1),
        status=TaskStatus.OPEN,
        attempt=Attempt(0),
        attempt_start=BlockNumber(100),
        attempt_blocks=50,
        max_attempts=3,
        seed_block=BlockNumber(100),
        deadline=BlockNumber(250),
        quorum_bps=Bps(6_600),
        set_version=SetVersion(1),
        input_root=bytes(32),
        input=task_input,
    )
    votes = [
        AttestationAccepted(
            AttestationSigned(
                TASK_ID, vote.attempt, vote.evaluation_hash, vote.approved, operator.operator_id, one.signature, ""
            )
        )
        for operator, one in zip(operators.operators, signed, strict=True)
    ]
    return [TaskRead(task, operators, BlockNumber(101)), EvaluationAccepted(proposal), *votes]


def build_proposal() -> EvaluationProposed:
    evaluation = Evaluation(
        task_id=TASK_ID,
        attempt=Attempt(0),
        performer=OperatorId(bytes(20)),
        input_hash=bytes(32),
        code=Code.VALID,
        champion_score=Micro(0),
        challenger_score=Micro(1),
        gain_lower_bound=Micro(0),
        report_hash=report_hash(CID),
    )
    return EvaluationProposed(evaluation, CID, EcdsaSignature(bytes(65)))


if __name__ == "__main__":
    main()
