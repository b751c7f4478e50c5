"""What is decided at deployment, and its form in TOML and JSON."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, get_type_hints

from zarathustra.chain.addresses import format_address, parse_address
from zarathustra.core.errors import Invalid
from zarathustra.core.project import MAX_TASK_BLOCKS
from zarathustra.core.reasons import Reason
from zarathustra.core.types import MAX_OPERATORS, ZERO_ADDRESS, Address, Bps, Wei

DAY_S: Final = 24 * 3_600
MAX_SLASH_BPS: Final = Bps(10_000)


@dataclass(frozen=True)
class TimelockParameters:
    """A timelock that is deployed with the contracts and administrates them."""

    proposers: tuple[Address, ...]  # schedule and cancel operations
    executors: tuple[Address, ...]  # execute them after the delay; the zero address: anyone
    delay_s: int = 2 * DAY_S

    def __post_init__(self) -> None:
        if not self.proposers or not self.executors:
            raise ValueError("a timelock without proposers or executors can never act")


@dataclass(frozen=True)
class DeploymentParameters:
    """What is decided at deployment; `docs/protocol.md` §3 and §4 explain the blocks and amounts."""

    admin: Address | TimelockParameters  # admits operators, sets parameters, grants roles; an account: test networks
    guardian: Address  # pauses
    resolver: Address  # rules on disputes
    treasury: Address
    is_registration_open: bool = False  # or the admin admits each operator
    admin_delay_s: int = 2 * DAY_S  # before a new admin can accept
    stake_token: Address = ZERO_ADDRESS  # zero: the chain's own coin
    min_stake: Wei = Wei(10**18)
    epoch_blocks: int = 7_200
    unbonding_blocks: int = 4 * MAX_TASK_BLOCKS
    activation_delay: int = 7_200
    min_operators: int = 3
    turn_blocks: int = 5
    guilty_slash_bps: Bps = Bps(100)
    conflict_slash_bps: Bps = Bps(1_000)
    overturned_slash_bps: Bps = Bps(1_000)
    max_pending: int = 16
    max_pending_per_account: int = 2
    open_timeout: int = 7_200
    min_attempt_blocks: int = 10
    min_dispute_blocks: int = 7_200
    max_dispute_blocks: int = 14_400
    resolve_blocks: int = 7_200
    dispute_bond: Wei = Wei(10**17)
    coin_min_fee: Wei = Wei(10**14)


ACCOUNTS: Final = ("guardian", "resolver", "treasury")
PLAIN_FIELDS: Final = tuple(
    field.name for field in fields(DeploymentParameters) if field.name not in {"admin", *ACCOUNTS}
)
_HINTS: Final = get_type_hints(DeploymentParameters)


def dump_plain_parameters(parameters: DeploymentParameters) -> dict[str, Any]:
    """Return all but the admin and the accounts as JSON values. Amounts of coin are decimal text."""
    return {name: _dump_value(name, getattr(parameters, name)) for name in PLAIN_FIELDS}


def parse_plain_parameters(document: Mapping[str, Any]) -> dict[str, Any]:
    """Parse all but the admin and the accounts, by name. A missing name gets its default. Raises ValueError."""
    unknown = sorted(document.keys() - set(PLAIN_FIELDS))
    if unknown:
        raise ValueError(f"unknown parameters: {', '.join(unknown)}")
    return {name: _parse_value(name, value) for name, value in document.items()}


def load_parameters(path: Path) -> DeploymentParameters:
    """Load the parameters of a new deployment from a TOML file. Raises Invalid(BAD_SETTING)."""
    try:
        return parse_parameters(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise Invalid(Reason.BAD_SETTING, "read parameters of a deployment", path=path, cause=error) from error


def parse_parameters(document: Mapping[str, Any]) -> DeploymentParameters:
    """Parse the parameters of a new deployment; the admin is a table `timelock` or an address `admin`.

    Raises ValueError for an unknown or missing name, a value of another type, and a value that a contract would refuse.
    """
    rest = dict(document)
    missing = [name for name in ACCOUNTS if name not in rest]
    if missing:
        raise ValueError(f"missing accounts: {', '.join(missing)}")
    accounts: dict[str, Any] = {name: parse_account(name, rest.pop(name)) for name in ACCOUNTS}
    if ("timelock" in rest) == ("admin" in rest):
        raise ValueError("exactly one of the table `timelock` and the address `admin` is needed")
    admin = _parse_timelock(rest.pop("timelock")) if "timelock" in rest else parse_account("admin", rest.pop("admin"))
    parameters = DeploymentParameters(admin=admin, **accounts, **parse_plain_parameters(rest))
    validate_parameters(parameters)
    return parameters


def validate_parameters(parameters: DeploymentParameters) -> None:
    """Raise ValueError when a constructor would refuse a value. The last contract refuses after the others are paid."""
    rules = {
        "min_stake must be 1 or more": parameters.min_stake >= 1,
        f"unbonding_blocks must be {2 * MAX_TASK_BLOCKS} or more": parameters.unbonding_blocks >= 2 * MAX_TASK_BLOCKS,
        f"min_operators must be 1 to {MAX_OPERATORS}": 1 <= parameters.min_operators <= MAX_OPERATORS,
        "turn_blocks must be 1 or more": parameters.turn_blocks >= 1,
        f"guilty_slash_bps must be at most {MAX_SLASH_BPS}": parameters.guilty_slash_bps <= MAX_SLASH_BPS,
        f"conflict_slash_bps must be at most {MAX_SLASH_BPS}": parameters.conflict_slash_bps <= MAX_SLASH_BPS,
        f"overturned_slash_bps must be at most {MAX_SLASH_BPS}": parameters.overturned_slash_bps <= MAX_SLASH_BPS,
        "max_pending must be 1 or more": parameters.max_pending >= 1,
        "max_pending_per_account must be 1 or more": parameters.max_pending_per_account >= 1,
        "open_timeout must be 1 or more": parameters.open_timeout >= 1,
        "min_attempt_blocks must be 1 or more": parameters.min_attempt_blocks >= 1,
        "min_dispute_blocks must be at most max_dispute_blocks": (
            parameters.min_dispute_blocks <= parameters.max_dispute_blocks
        ),
        "resolve_blocks must be 1 or more if max_dispute_blocks is": (
            parameters.resolve_blocks >= 1 or parameters.max_dispute_blocks == 0
        ),
        f"unbonding_blocks must be at least {MAX_TASK_BLOCKS} + max_dispute_blocks + resolve_blocks": (
            parameters.unbonding_blocks >= MAX_TASK_BLOCKS + parameters.max_dispute_blocks + parameters.resolve_blocks
        ),
    }
    broken = [rule for rule, is_kept in rules.items() if not is_kept]
    if broken:
        raise ValueError("; ".join(broken))


def parse_addresses(name: str, value: Any, *, is_zero_allowed: bool = False) -> tuple[Address, ...]:
    """Parse a list of different addresses. Raises ValueError."""
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list of addresses")
    addresses = tuple(parse_account(name, item, is_zero_allowed=is_zero_allowed) for item in value)
    if len(set(addresses)) != len(addresses):
        raise ValueError(f"{name} names an address twice")
    return addresses


def parse_count(name: str, value: Any) -> int:
    """Parse a number that is not negative. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} must be a whole number, 0 or more; it is {value!r}")
    return value


def parse_account(name: str, value: Any, *, is_zero_allowed: bool = False) -> Address:
    """Parse the address of an account or contract. Raises ValueError that names it."""
    try:
        address = parse_address(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if address == ZERO_ADDRESS and not is_zero_allowed:
        raise ValueError(f"{name} must not be the zero address")
    return address


def _parse_timelock(table: Any) -> TimelockParameters:
    names = {"delay_s", "proposers", "executors"}
    if not isinstance(table, Mapping) or table.keys() != names:
        raise ValueError("timelock must have exactly delay_s, proposers and executors")
    return TimelockParameters(
        proposers=parse_addresses("proposers", table["proposers"]),
        executors=parse_addresses("executors", table["executors"], is_zero_allowed=True),
        delay_s=parse_count("delay_s", table["delay_s"]),
    )


def _dump_value(name: str, value: Any) -> Any:
    hint = _HINTS[name]
    if hint is Address:
        return format_address(value)
    return str(value) if hint is Wei else value


def _parse_value(name: str, value: Any) -> Any:
    hint = _HINTS[name]
    if hint is Address:
        return parse_account(name, value, is_zero_allowed=True)
    if hint is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{name} must be true or false; it is {value!r}")
        return value
    if hint is Wei and isinstance(value, str) and value.isascii() and value.isdecimal():
        return Wei(int(value))
    return parse_count(name, value)
