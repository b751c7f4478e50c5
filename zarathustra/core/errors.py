"""Errors, classed by who acts on them.

`Retry`: time heals (a node is down, a block is not there yet); the loop tries again, then dead-letters.
`Invalid`: the input is wrong for ever; the loop dead-letters it at once.
Anything else is a bug of ours: crash and page.
"""

from zarathustra.core.reasons import Reason


class ZarathustraError(Exception):
    """Base of the errors that carry a reason code.

    `facts` are small named values the caller cannot know; they go to the log and the dead-letter headers.
    """

    def __init__(self, reason: Reason, message: str, **facts: object) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.facts = facts

    def __str__(self) -> str:
        facts = " ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.reason.code}: {self.message}" + (f" ({facts})" if facts else "")


class Retry(ZarathustraError):  # noqa: N818  (named for what the reader should do)
    """Broken infrastructure: the same input may succeed later."""


class Invalid(ZarathustraError):  # noqa: N818
    """Wrong input: the same input will fail for ever."""
