"""What a failed command prints, and its exit status."""

from zarathustra.cli.reverts import explain_revert
from zarathustra.core.errors import Retry, ZarathustraError

FAILED = 1
TRY_LATER = 3


def find_status(error: ZarathustraError) -> int:
    """Return the exit status for an error."""
    return TRY_LATER if isinstance(error, Retry) else FAILED


def describe_error(error: ZarathustraError) -> str:
    """Return the error, what its reason means, and what the contract's error means."""
    return "\n".join(filter(None, (f"zarathustra: {error}", error.reason.long, explain_revert(error))))
