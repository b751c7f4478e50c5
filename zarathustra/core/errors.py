"""Errors, by the reaction that they need.

`Retry`: the cause can pass (a node is down, a block is not there yet). The map loop puts the record back, and
dead-letters it after the last delivery attempt; the aggregator's fold waits. `TooEarly` is a Retry that is no failure.
`Invalid`: the input is wrong and stays wrong; the record is dead-lettered at once.
Any other exception is a bug: the service stops and a person must look.
"""

from zarathustra.core.reasons import Reason


class ZarathustraError(Exception):
    """The base class of errors with a reason code.

    `details` are small named values that the caller cannot know; they go to the log and the dead-letter headers.
    """

    def __init__(self, reason: Reason, message: str, **details: object) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.details = details

    def __str__(self) -> str:
        details = " ".join(f"{name}={value}" for name, value in self.details.items())
        return f"{self.reason.code}: {self.message}" + (f" ({details})" if details else "")


class Retry(ZarathustraError):  # noqa: N818  (named for what the reader should do)
    """A failure of infrastructure: the same input may succeed later."""


class TooEarly(Retry):
    """Nothing failed: the input came before its time. It is handled again, and that counts as no failure.

    The raiser bounds how often: it raises Invalid once the time is over.
    """


class Invalid(ZarathustraError):  # noqa: N818
    """A wrong input: the same input will always fail."""
