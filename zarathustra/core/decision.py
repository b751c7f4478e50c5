"""What an attester answers to a performer's proposal: drop it, approve, reject with a reason, or abstain."""

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
    """An answer, and why unless it approves."""

    answer: Answer
    reason: Reason | None = None

    @property
    def reason_code(self) -> str:
        return self.reason.code if self.reason else ""


APPROVAL = Decision(Answer.APPROVE)


def check_proposal(
    evaluation: Evaluation, task: Task, operators: OperatorSet, *, seed: Seed, block: BlockNumber
) -> None:
    """Raise Invalid unless the proposal is one to vote on: open task, effective attempt, its performer, our input.

    A proposal that fails here gets no vote at all: a vote on the wrong input could be used against an honest signer
    after a reorganisation of the seed block.
    """
    if task.status is not TaskStatus.OPEN:
        raise Invalid(Reason.TASK_CLOSED, "task is final", status=task.status.name)
    effective = effective_attempt(task, block)
    if effective != evaluation.attempt:
        raise Invalid(
            Reason.WRONG_ATTEMPT, "attempt is over or not begun", sent=evaluation.attempt, effective=effective
        )
    performer = performer_of(operators.operators, seed, evaluation.attempt)
    if performer.operator_id != evaluation.performer:
        raise Invalid(Reason.WRONG_PERFORMER, "not this attempt's performer", sent=evaluation.performer.hex())
    if evaluation.input_hash != input_hash(task.input_root, seed):
        raise Invalid(Reason.WRONG_INPUT, "input hash differs from ours", sent=evaluation.input_hash.hex())


def decide(theirs: Scores, ours: Scores, *, tolerance: int) -> Decision:
    """Compare the performer's scores with our own.

    Whether an artefact could be fetched depends on who asked and when: where we and the performer saw that differently
    we abstain, because neither has to be wrong.
    """
    unavailable = (theirs.code is Code.UNAVAILABLE, ours.code is Code.UNAVAILABLE)
    if unavailable == (True, True):
        return APPROVAL
    if any(unavailable):
        return Decision(Answer.ABSTAIN, Reason.UNAVAILABLE)
    if not scores_agree(ours, theirs, tolerance):
        return Decision(Answer.REJECT, Reason.SCORE_MISMATCH)
    return APPROVAL
