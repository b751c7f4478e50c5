"""What a contract's error means, in words. Errors that are not here are shown by their name alone."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from zarathustra.core.errors import ZarathustraError

MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AccessControlUnauthorizedAccount": "The account does not hold the role that this call needs.",
        "BadParameter": "The named parameter is outside the range that the contract allows.",
        "DisputeTooLate": "The time to dispute this verdict, or to rule on the dispute, is over.",
        "KeyAlreadyRegistered": "This BLS key was registered before; each key registers once.",
        "MissingRole": "The account does not hold the role that this call needs.",
        "NotAdmitted": "The administrators have not admitted this account; ask them, or wait for open registration.",
        "NotDisputed": "There is no dispute about this verdict, or it is ruled on already.",
        "NotDeployed": "There is no contract at the address where the named one should be; start the deployment again.",
        "NotOperatorOwner": "Only the operator's owner may do this.",
        "NotProjectOwner": "Only the project's owner may do this.",
        "NotResolver": "Only the resolver of this deployment may rule on disputes.",
        "NothingToWithdraw": "The account has no credit in this token.",
        "OperatorNotActive": "The operator is not registered, or has left already.",
        "PausedTooRecently": "Seven days must pass after a pause; the argument is the earliest time (Unix seconds).",
        "PausedUntil": "The guardian has paused new work until the time in the argument (Unix seconds).",
        "ProjectNotOpen": "The project takes no more submissions: it is closed, or its time is over.",
        "RevealTooLate": "The blocks in which this submission could be revealed are over.",
        "SealedTooRecently": "The next operator set can be sealed from the block in the argument.",
        "StakeTooSmall": "The stake is below the minimum; the second argument is the minimum.",
        "TaskNotSettled": "There is no task with this id that a certificate settled.",
        "TimelockInsufficientDelay": "The delay is shorter than the timelock's; the second argument is the least.",
        "TimelockUnexecutedPredecessor": "Another operation must be executed before this one.",
        "TimelockUnexpectedOperationState": "The operation is not in the state that this needs.",
        "TokenNotAllowed": "The administrators do not allow this token for new projects.",
        "UnknownTask": "There is no task with this id.",
        "WrongWiring": "A contract names another address than planned; start the deployment again, with an unused key.",
    }
)


def explain_revert(error: ZarathustraError) -> str:
    """Return the meaning of the contract's error behind a failure; empty if there is none, or none is known."""
    return MEANINGS.get(str(error.details.get("error", "")), "")
