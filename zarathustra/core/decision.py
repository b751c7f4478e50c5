"""An attester's answer to a performer's proposal: no vote, approve, reject with a reason, or abstain."""

from dataclasses import dataclass
from enum import StrEnum

from zarathustra.core.digests import input_hash
from zarathustra.core.errors import Invalid
from zarathustra.core.outcomes import Code
from zarathustra.core.promotion import Scores, scores_agree
from zarathustra.core.reasons import Reason
from zarathustra.core.task import OperatorSet, Task, TaskStatus, effective_attempt, performer_of
from zarathustra.core.types import BlockNumber, Evaluation, Seed


class Answer(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    ABSTAIN = "abstain"


@dataclass(frozen=True)
class Decision:
    """An answer, with its reason unless it approves."""

    answer: Answer
    reason: Reason | None = None

    @property
    def reason_code(self) -> str:
        return self.reason.code if self.reason else ""


APPROVAL = Decision(Answer.APPROVE)


def check_proposal(
    evaluation: Evaluation, task: Task, operators: OperatorSet, *, seed: Seed, block: BlockNumber
) -> None:
    """Raise Invalid unless an attester may vote: open task, effective attempt, its performer, the right input.

    A proposal that fails here gets no vote, not even a rejection. No certificate over a wrong performer or input can
    be posted. And if a reorganisation of the seed block makes the input right later, the vote log would already hold
    the operator's one vote on that input.
    """
    if task.status is not TaskStatus.OPEN:
        raise Invalid(Reason.TASK_CLOSED, "task is final", status=task.status.name)
    effective = effective_attempt(task, block)
    if effective != evaluation.attempt:
        raise Invalid(
            Reason.WRONG_ATTEMPT, "attempt is over or has not begun", sent=evaluation.attempt, effective=effective
        )
    check_duty(evaluation, task, operators, seed=seed)


def check_duty(evaluation: Evaluation, task: Task, operators: OperatorSet, *, seed: Seed) -> None:
    """Raise Invalid unless the proposal is by its attempt's performer and for the task's input."""
    performer = performer_of(operators.operators, seed, evaluation.attempt)
    if performer.operator_id != evaluation.performer:
        raise Invalid(Reason.WRONG_PERFORMER, "not this attempt's performer", sent=evaluation.performer.hex())
    if evaluation.input_hash != input_hash(task.input_root, seed):
        raise Invalid(Reason.WRONG_INPUT, "input hash differs from ours", sent=evaluation.input_hash.hex())


def decide(theirs: Scores, ours: Scores, *, tolerance: int) -> Decision:
    """Compare the performer's scores with the attester's own.

    Whether an artefact can be fetched depends on the operator and the time. If only one of the two evaluations is
    UNAVAILABLE, the answer is to abstain, because neither has to be wrong.
    """
    unavailable = (theirs.code is Code.UNAVAILABLE, ours.code is Code.UNAVAILABLE)
    if unavailable == (True, True):
        return APPROVAL
    if any(unavailable):
        return Decision(Answer.ABSTAIN, Reason.UNAVAILABLE)
    if not scores_agree(ours, theirs, tolerance):
        return Decision(Answer.REJECT, Reason.SCORE_MISMATCH)
    return APPROVAL
