"""The fold itself: one change of one task, values in and values out."""

from zarathustra.core.aggregation.apply import apply
from zarathustra.core.aggregation.changes import Change, TaskRead
from zarathustra.core.aggregation.conflicts import find_new_conflicts
from zarathustra.core.aggregation.decide import decide
from zarathustra.core.aggregation.effects import Transition, VerifySignatures
from zarathustra.core.aggregation.proofs import prove
from zarathustra.core.aggregation.rules import Rules
from zarathustra.core.aggregation.state import TaskState
from zarathustra.core.task import TaskStatus


def fold(state: TaskState | None, change: Change, rules: Rules) -> Transition:
    """Fold one change. Duplicates change nothing; the order of records of different operators does not matter.

    A state begins with the `TaskRead` of an open task; any other change of an unknown or forgotten task is dropped.
    """
    if state is None:
        return _begin(change, rules)

    changed, blamed = apply(state, change)
    blamed += find_new_conflicts(state, changed)
    if changed.final_since is not None and changed.block >= changed.final_since + rules.forget_blocks:
        return Transition(None, blamed)

    decided, effects = (changed, ()) if changed.final_since is not None else decide(changed, rules)
    if any(isinstance(effect, VerifySignatures) for effect in effects):
        return Transition(decided, blamed + effects)  # folding its answer goes on from here
    proven, proofs = prove(decided)  # a final task's votes can be punished too
    return Transition(proven, blamed + effects + proofs)


def _begin(change: Change, rules: Rules) -> Transition:
    if not isinstance(change, TaskRead) or change.task.status is not TaskStatus.OPEN:
        return Transition(None)
    state = TaskState(
        task=change.task,
        operators=change.operators,
        block=change.block,
        evaluations={},
        ballots={},
        abstained=frozenset(),
        stalled=frozenset(),
        reported=frozenset(),
        final_since=None,
    )
    return Transition(state)
