"""What an evaluation concluded, and what that means for its submission."""

from enum import IntEnum


class Code(IntEnum):
    """What an evaluation concluded; `Evaluation.code` on chain. Append-only, shared with `contracts/src/types`."""

    NONE = 0  # never signed: an empty struct must not read as a valid evaluation
    VALID = 1
    INVALID = 2  # the challenger's fault
    UNAVAILABLE = 3  # only the challenger's parameters cannot be fetched
    EVALUATOR_FAILED = 4  # champion, architecture or evaluator fails: the owner's fault


class Outcome(IntEnum):
    """What the verdict means for the submission. Append-only, shared with `contracts/src/types`."""

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
