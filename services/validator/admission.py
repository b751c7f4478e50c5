"""Bounds on what other operators' records may cost: per sender and per decision.

    claimed sender listed? ─▶ signatures ─▶ early or unknown: few per sender ─▶ one decision per (task, attempt, input)

Everything here is refused before anything waits, is fetched or is evaluated.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from zarathustra.bus.records import Record
from zarathustra.core.digests import evaluation_hash
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Attempt, BlockNumber, Evaluation, OperatorId, TaskId

# An honest performer's proposal is early only by the blocks that our node is behind.
MAX_UNSETTLED_PER_SENDER: Final = 64
MAX_DECISIONS: Final = 10_000  # open tasks cost a bond each; past this, the oldest decisions are forgotten
MAX_REPEATS: Final = 8  # of one answer: deliveries after a rebalance, not an amplifier for whoever repeats a record

DecisionKey = tuple[TaskId, Attempt, bytes]  # with the input hash


class UnsettledRecords:
    """Counts, anew in each block, the different records of a sender that can be neither refused nor decided yet."""

    def __init__(self) -> None:
        self._block = BlockNumber(-1)
        self._by_sender: defaultdict[OperatorId, set[Hashable]] = defaultdict(set)

    def admit(self, sender: OperatorId, item: Hashable, block: BlockNumber) -> None:
        """Count `item`. Raises Invalid(TOO_MANY_RECORDS) past the bound; a repeated item is no new one."""
        if block != self._block:
            self._block = block
            self._by_sender.clear()
        items = self._by_sender[sender]
        if item not in items and len(items) >= MAX_UNSETTLED_PER_SENDER:
            raise Invalid(Reason.TOO_MANY_RECORDS, "too many early records of one sender", sender=sender.hex())
        items.add(item)


@dataclass
class _Decided:
    evaluation_hash: bytes
    answer: Record | None = None  # None while it is being decided
    repeats: int = 0


class Decisions:
    """One decision per (task, attempt, input). What else a performer proposes there is refused without work."""

    def __init__(self) -> None:
        self._decided: OrderedDict[DecisionKey, _Decided] = OrderedDict()

    def find_answer(self, evaluation: Evaluation) -> Sequence[Record] | None:
        """Return what this very proposal is answered with when it comes again; None if there is no decision yet.

        It comes again when its performer or its partition moved. The answer may be lost then, so it is given again; but
        not while the first one is being decided, and not more than MAX_REPEATS times. Raises Invalid(ALREADY_VOTED)
        for another proposal of the same performer.
        """
        decided = self._decided.get(_key(evaluation))
        if decided is None:
            return None
        if decided.evaluation_hash != evaluation_hash(evaluation):
            raise Invalid(Reason.ALREADY_VOTED, "the performer proposed something else in this attempt before")
        if decided.answer is None or decided.repeats == MAX_REPEATS:
            return ()
        decided.repeats += 1
        return (decided.answer,)

    @contextmanager
    def deciding(self, evaluation: Evaluation) -> Iterator["Decision"]:
        """Hold the decision; it is open again if the block ends without an answer."""
        decided = _Decided(evaluation_hash(evaluation))
        self._decided[_key(evaluation)] = decided
        if len(self._decided) > MAX_DECISIONS:
            self._decided.popitem(last=False)
        try:
            yield Decision(decided)
        finally:
            if decided.answer is None and self._decided.get(_key(evaluation)) is decided:
                del self._decided[_key(evaluation)]


@dataclass(frozen=True)
class Decision:
    """A decision that is being made."""

    _decided: _Decided

    def answer(self, record: Record) -> Record:
        """Keep and return the answer."""
        self._decided.answer = record
        return record


def _key(evaluation: Evaluation) -> DecisionKey:
    return evaluation.task_id, evaluation.attempt, evaluation.input_hash
