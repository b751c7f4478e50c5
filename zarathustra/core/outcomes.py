"""The code of an evaluation, and the outcome that a settled task gives its submission."""

from enum import IntEnum


class Code(IntEnum):
    """The conclusion of an evaluation, `Evaluation.code` on chain. Append-only, shared with `contracts/src/types`."""

    NONE = 0  # never signed: an empty struct must not read as a valid evaluation
    VALID = 1
    INVALID = 2  # the challenger is at fault
    UNAVAILABLE = 3  # the challenger's parameters cannot be fetched; all else can
    EVALUATOR_FAILED = 4  # champion, architecture or evaluator fails: the project owner is at fault


class Outcome(IntEnum):
    """The final result of a submission. Append-only, shared with `contracts/src/types`. NONE: not final yet."""

    NONE = 0
    IMPROVED = 1
    NOT_IMPROVED = 2
    WORSE = 3
    INVALID = 4
    UNAVAILABLE = 5
    EVALUATOR_FAILED = 6
    EXPIRED = 7
    CANCELLED = 8
    UNREVEALED = 9
