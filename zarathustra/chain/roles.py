"""The roles of a deployment, and their holders as the chain tells them.

OpenZeppelin's AccessControl keeps no list of holders, but every grant and revocation is an event.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final, NamedTuple

from eth_hash.auto import keccak

from zarathustra.chain import abi
from zarathustra.chain.abi import load_abi
from zarathustra.chain.calls import Contract, ViewCall, fetch_head, fetch_views
from zarathustra.chain.logs import Log, LogFilter, scan_spans
from zarathustra.chain.rpc import Rpc
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO32, ZERO_ADDRESS, Address, BlockNumber

ANYONE: Final = ZERO_ADDRESS  # as the holder of EXECUTOR: any account may execute


class RoleKey(NamedTuple):
    """The contract that keeps a role, and the role's id there."""

    contract: str
    role_id: bytes


class Role(Enum):
    """What an account may do. The names are those of the deployment file."""

    DEFAULT_ADMIN = RoleKey(abi.ADMINISTRATION, ZERO32)  # grants and revokes the next three
    ADMISSION = RoleKey(abi.ADMINISTRATION, keccak(b"ADMISSION_ROLE"))  # admits, expels and ejects operators
    PARAMETERS = RoleKey(abi.ADMINISTRATION, keccak(b"PARAMETERS_ROLE"))  # parameters, tokens, the hook
    GUARDIAN = RoleKey(abi.ADMINISTRATION, keccak(b"GUARDIAN_ROLE"))  # pauses
    TIMELOCK_ADMIN = RoleKey(abi.TIMELOCK, ZERO32)  # the timelock itself: its roles change by its own calls
    PROPOSER = RoleKey(abi.TIMELOCK, keccak(b"PROPOSER_ROLE"))  # schedules operations
    CANCELLER = RoleKey(abi.TIMELOCK, keccak(b"CANCELLER_ROLE"))  # cancels them
    EXECUTOR = RoleKey(abi.TIMELOCK, keccak(b"EXECUTOR_ROLE"))  # executes them after the delay

    @property
    def contract(self) -> str:
        return self.value.contract

    @property
    def role_id(self) -> bytes:
        return self.value.role_id


RoleHolders = Mapping[Role, tuple[Address, ...]]

_EVENTS: Final = load_abi(abi.ADMINISTRATION)
_GRANTED: Final = _EVENTS.get_event("RoleGranted").hash
_REVOKED: Final = _EVENTS.get_event("RoleRevoked").hash


def fold_role_logs(logs: Iterable[Log], contracts: Mapping[Address, str]) -> RoleHolders:
    """Return the holders after the logs, in the order of their grants. Roles that we do not know are left out."""
    roles = {(role.contract, role.role_id): role for role in Role}
    holders: dict[Role, dict[Address, None]] = {role: {} for role in Role if role.contract in contracts.values()}
    for log in logs:
        role = roles.get((contracts[log.address], log.topics[1]))
        if role is None:
            continue
        account = Address(log.topics[2][12:])
        if log.topics[0] == _GRANTED:
            holders[role][account] = None
        else:
            holders[role].pop(account, None)
    return {role: tuple(accounts) for role, accounts in holders.items()}


async def fetch_role_holders(rpc: Rpc, contracts: Mapping[str, Address], first: BlockNumber) -> RoleHolders:
    """Return the holders of all roles at the head.

    `contracts`: Administration, and Timelock if there is one; `first`: the block of the deployment. Raises
    Retry(RPC_ERROR) when the node lacks an event: the contracts are asked about each holder.
    """
    names = {contracts[name]: name for name in (abi.ADMINISTRATION, abi.TIMELOCK) if name in contracts}
    head = await fetch_head(rpc)
    log_filter = LogFilter(tuple(names), (_GRANTED, _REVOKED))
    logs = [log async for span in scan_spans(rpc, log_filter, first, head.number) for log in span.logs]
    holders = fold_role_logs(logs, names)
    pairs = [(role, account) for role, accounts in holders.items() for account in accounts]
    if not all(await fetch_has_roles(rpc, contracts, pairs)):
        raise Retry(Reason.RPC_ERROR, "node's role events disagree with the contracts")
    return holders


async def fetch_has_roles(
    rpc: Rpc, contracts: Mapping[str, Address], pairs: Iterable[tuple[Role, Address]]
) -> list[bool]:
    """Return for each pair, in order, whether the account has the role at the head."""
    head = await fetch_head(rpc)
    views = [
        ViewCall(Contract(load_abi(role.contract), contracts[role.contract]), "hasRole", (role.role_id, account))
        for role, account in pairs
    ]
    answers = await fetch_views(rpc, head.block_hash, views)
    return [view.parse(answer)[0] for view, answer in zip(views, answers, strict=True)]
