"""The calls of administrators: what each one is, who may make it, and how it gets to its contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from zarathustra.chain import abi
from zarathustra.chain.abi import decode_call, encode_call, load_abi
from zarathustra.chain.calls import LATEST, Contract, ViewCall, explain_revert, fetch_head, fetch_views
from zarathustra.chain.deployment import DeploymentRecord
from zarathustra.chain.market import MarketLimits
from zarathustra.chain.quantities import format_data, parse_data
from zarathustra.chain.reader import CenterParameters
from zarathustra.chain.roles import ANYONE, Role, fetch_has_roles
from zarathustra.chain.rpc import CallReverted, Rpc
from zarathustra.chain.timelock import TimelockCall
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO_ADDRESS, Address, OperatorId, TaskId, Wei


class Authority(Enum):
    """Who may make a call: the holders of one of these roles, or the resolver, which is no role."""

    ADMISSION = (Role.ADMISSION,)
    PARAMETERS = (Role.PARAMETERS,)
    PAUSE = (Role.GUARDIAN,)
    UNPAUSE = (Role.GUARDIAN, Role.DEFAULT_ADMIN)
    RESOLVER = ()

    @property
    def holders(self) -> str:
        """The words for those who may, as errors name them."""
        return " or ".join(role.name for role in self.value) or "resolver"


class Route(Enum):
    """How a call gets to its contract."""

    DIRECT = "direct"  # the account may make it
    TIMELOCK = "timelock"  # the timelock may, and the account can propose to it


@dataclass(frozen=True)
class AdminCall:
    """One call of one contract."""

    contract: str
    function: str
    arguments: tuple[object, ...]
    authority: Authority

    def to_timelock_call(self, addresses: Mapping[str, Address]) -> TimelockCall:
        """Return what the timelock would call."""
        return TimelockCall(addresses[self.contract], self.encode())

    def encode(self) -> bytes:
        """Return the call's data."""
        return encode_call(load_abi(self.contract), self.function, *self.arguments)


def admit(owner: Address) -> AdminCall:
    """Allow an account to register one operator."""
    return AdminCall(abi.GOVERNANCE, "admit", (owner,), Authority.ADMISSION)


def expel(owner: Address) -> AdminCall:
    """Take back an admission that was not used."""
    return AdminCall(abi.GOVERNANCE, "expel", (owner,), Authority.ADMISSION)


def set_registration_open(is_open: bool) -> AdminCall:
    """Let anyone register an operator, or admitted accounts only."""
    return AdminCall(abi.GOVERNANCE, "setRegistrationOpen", (is_open,), Authority.ADMISSION)


def eject(operator: OperatorId) -> AdminCall:
    """Remove an operator from later sets."""
    return AdminCall(abi.GOVERNANCE, "eject", (operator,), Authority.ADMISSION)


def set_center_parameters(parameters: CenterParameters) -> AdminCall:
    """Set AttestationCenter's parameters."""
    return AdminCall(abi.ATTESTATION_CENTER, "setParameters", (parameters,), Authority.PARAMETERS)


def set_token(token: Address, min_fee: Wei) -> AdminCall:
    """Set a token's least fee; zero forbids it for new projects."""
    return AdminCall(abi.MODEL_SUBMISSION, "setToken", (token, min_fee), Authority.PARAMETERS)


def pause() -> AdminCall:
    """Stop new work for at most seven days."""
    return AdminCall(abi.ADMINISTRATION, "pause", (), Authority.PAUSE)


def unpause() -> AdminCall:
    """End the pause now."""
    return AdminCall(abi.ADMINISTRATION, "unpause", (), Authority.UNPAUSE)


def resolve(task_id: TaskId, *, is_overturned: bool) -> AdminCall:
    """Rule on a dispute."""
    return AdminCall(abi.ATTESTATION_CENTER, "resolve", (task_id, is_overturned), Authority.RESOLVER)


# ---- who may


@dataclass(frozen=True)
class Permission:
    """What the chain says about an account and one authority."""

    account_may: bool
    timelock_may: bool
    account_proposes: bool  # it can schedule at the timelock


def choose_route(permission: Permission, *, authority: Authority, account: Address) -> Route:
    """Return how the account can make the call. Raises Invalid(MISSING_ROLE)."""
    if permission.account_may:
        return Route.DIRECT
    if permission.timelock_may and permission.account_proposes:
        return Route.TIMELOCK
    missing = Role.PROPOSER.name if permission.timelock_may else authority.holders
    raise Invalid(Reason.MISSING_ROLE, "choose how to send", account=format_data(account), role=missing)


async def fetch_permission(rpc: Rpc, record: DeploymentRecord, account: Address, authority: Authority) -> Permission:
    """Ask the contracts what the account may do."""
    timelock = record.addresses.get(abi.TIMELOCK)
    account_may = await _is_authorised(rpc, record, account, authority)
    if timelock is None:
        return Permission(account_may, timelock_may=False, account_proposes=False)
    return Permission(
        account_may=account_may,
        timelock_may=await _is_authorised(rpc, record, timelock, authority),
        account_proposes=(await fetch_has_roles(rpc, record.addresses, [(Role.PROPOSER, account)]))[0],
    )


async def validate_holder(rpc: Rpc, record: DeploymentRecord, account: Address, role: Role) -> None:
    """Raise Invalid(MISSING_ROLE) unless the account has the role. EXECUTOR may be given to everyone."""
    accounts = (account, ANYONE) if role is Role.EXECUTOR else (account,)
    if not any(await fetch_has_roles(rpc, record.addresses, [(role, holder) for holder in accounts])):
        raise Invalid(Reason.MISSING_ROLE, "check role", account=format_data(account), role=role.name)


async def _is_authorised(rpc: Rpc, record: DeploymentRecord, account: Address, authority: Authority) -> bool:
    if authority is Authority.RESOLVER:
        return account == record.parameters.resolver
    return any(await fetch_has_roles(rpc, record.addresses, [(role, account) for role in authority.value]))


async def simulate_from(rpc: Rpc, sender: Address, call: TimelockCall) -> None:
    """Raise Invalid(REVERTED) if the call would revert at the head. Any address can be the sender of a simulation."""
    request = {"from": format_data(sender), "to": format_data(call.target), "data": format_data(call.data)}
    try:
        await rpc.call("eth_call", request, LATEST, parse=parse_data)
    except CallReverted as error:
        raise explain_revert(error, "simulate the timelock's call") from error


# ---- what is there


@dataclass(frozen=True)
class Settings:
    """What the administrators decide, as it is on chain now."""

    is_paused: bool
    paused_until: int  # Unix seconds; of the last pause
    is_registration_open: bool
    center: CenterParameters
    limits: MarketLimits
    coin_min_fee: Wei
    admin_delay_s: int


async def fetch_settings(rpc: Rpc, record: DeploymentRecord) -> Settings:
    """Read all settings at one block."""
    administration, governance, center, market = (
        Contract(load_abi(name), record.addresses[name])
        for name in (abi.ADMINISTRATION, abi.GOVERNANCE, abi.ATTESTATION_CENTER, abi.MODEL_SUBMISSION)
    )
    views = [
        ViewCall(administration, "isPaused"),
        ViewCall(administration, "pausedUntil"),
        ViewCall(governance, "isRegistrationOpen"),
        ViewCall(center, "parameters"),
        ViewCall(market, "limits"),
        ViewCall(market, "minFeeOf", (ZERO_ADDRESS,)),
        ViewCall(administration, "defaultAdminDelay"),
    ]
    head = await fetch_head(rpc)
    answers = await fetch_views(rpc, head.block_hash, views)
    return Settings(
        is_paused=views[0].parse(answers[0])[0],
        paused_until=views[1].parse(answers[1])[0],
        is_registration_open=views[2].parse(answers[2])[0],
        center=views[3].parse_struct(answers[3], CenterParameters),
        limits=views[4].parse_struct(answers[4], MarketLimits),
        coin_min_fee=Wei(views[5].parse(answers[5])[0]),
        admin_delay_s=views[6].parse(answers[6])[0],
    )


async def fetch_min_fee(rpc: Rpc, record: DeploymentRecord, token: Address) -> Wei:
    """Return a token's least fee; zero: new projects may not use it."""
    market = Contract(load_abi(abi.MODEL_SUBMISSION), record.addresses[abi.MODEL_SUBMISSION])
    view = ViewCall(market, "minFeeOf", (token,))
    head = await fetch_head(rpc)
    return Wei(view.parse((await fetch_views(rpc, head.block_hash, [view]))[0])[0])


# ---- words

_UNKNOWN: Final = "unknown contract"


def describe_call(addresses: Mapping[str, Address], call: TimelockCall) -> str:
    """Return a call as text: `AvsGovernance.admit(0x…)`. What is not ours is shown as hex."""
    name = next((name for name, address in addresses.items() if address == call.target), _UNKNOWN)
    decoded = None if name == _UNKNOWN else decode_call(load_abi(name), call.data)
    value = f" with {call.value} wei" if call.value else ""
    if decoded is None:
        return f"{name} {format_data(call.target)}: {format_data(call.data)}{value}"
    function, arguments = decoded
    return f"{name}.{function}({', '.join(map(_format_argument, arguments))}){value}"


def _format_argument(value: Any) -> str:
    if isinstance(value, bytes):
        return format_data(value)
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(_format_argument, value)) + ")"
    text = str(value)
    return text if text.isprintable() else repr(text)  # a proposer's text must not move a terminal's cursor
