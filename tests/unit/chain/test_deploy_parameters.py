"""The parameters of a deployment, as TOML holds them."""

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tests.kit.paths import ROOT
from zarathustra.chain.addresses import format_address
from zarathustra.chain.deploy_parameters import (
    PLAIN_FIELDS,
    DeploymentParameters,
    TimelockParameters,
    load_parameters,
    parse_parameters,
)
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO_ADDRESS, Address

pytestmark = pytest.mark.unit

EXAMPLE = ROOT / "contracts" / "deployments" / "example.toml"


def address(byte: int) -> str:
    return format_address(Address(bytes([byte]) * 20))


def build_document(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "guardian": address(1),
        "resolver": address(2),
        "treasury": address(3),
        "timelock": {"delay_s": 60, "proposers": [address(4)], "executors": [address(0)]},
    }
    return {name: value for name, value in (document | changes).items() if value is not ...}


def build_timelock(**changes: Any) -> dict[str, Any]:
    return {**build_document()["timelock"], **changes}


def test_parse_parameters__accounts_only__everything_else_is_the_default() -> None:
    parameters = parse_parameters(build_document())
    assert parameters.admin == TimelockParameters((Address(b"\x04" * 20),), (ZERO_ADDRESS,), 60)
    defaults = DeploymentParameters(parameters.admin, parameters.guardian, parameters.resolver, parameters.treasury)
    assert parameters == defaults


def test_parse_parameters__account_as_admin__no_timelock() -> None:
    assert parse_parameters(build_document(timelock=..., admin=address(9))).admin == Address(b"\x09" * 20)


@pytest.mark.parametrize("amount", [5, "5"])
def test_parse_parameters__amount__is_a_number_or_text(amount: Any) -> None:
    assert parse_parameters(build_document(min_stake=amount)).min_stake == 5


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"guardian": ...}, "missing accounts: guardian"),
        ({"guardian": "0x12"}, "guardian: '0x12' is not an address"),
        ({"resolver": address(0)}, "resolver must not be the zero address"),
        ({"timelock": ...}, "exactly one of"),
        ({"admin": address(9)}, "exactly one of"),
        ({"timelock": 5}, "timelock must have exactly"),
        ({"timelock": build_timelock(more=1)}, "timelock must have exactly"),
        ({"timelock": build_timelock(proposers=[])}, "without proposers or executors"),
        ({"timelock": build_timelock(proposers=address(4))}, "proposers must be a list"),
        ({"timelock": build_timelock(proposers=[address(0)])}, "proposers must not be the zero address"),
        ({"timelock": build_timelock(executors=[address(5), address(5)])}, "executors names an address twice"),
        ({"timelock": build_timelock(delay_s=-1)}, "delay_s must be a whole number"),
        ({"max_pendin": 3, "turn": 1}, "unknown parameters: max_pendin, turn"),
        ({"max_pending": "3"}, "max_pending must be a whole number"),
        ({"max_pending": 3.0}, "max_pending must be a whole number"),
        ({"max_pending": True}, "max_pending must be a whole number"),
        ({"min_stake": "1e18"}, "min_stake must be a whole number"),
        ({"min_stake": "-1"}, "min_stake must be a whole number"),
        ({"is_registration_open": 1}, "is_registration_open must be true or false"),
        ({"stake_token": 0}, "stake_token"),
    ],
)
def test_parse_parameters__malformed__says_what_is_wrong(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_parameters(build_document(**changes))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"min_stake": 0}, "min_stake must be 1 or more"),
        ({"unbonding_blocks": 15_999, "max_dispute_blocks": 0, "min_dispute_blocks": 0}, "must be 16000 or more"),
        ({"unbonding_blocks": 29_599}, r"8000 \+ max_dispute_blocks \+ resolve_blocks"),
        ({"min_operators": 129}, "min_operators must be 1 to 128"),
        ({"turn_blocks": 0}, "turn_blocks must be 1 or more"),
        ({"guilty_slash_bps": 10_001}, "guilty_slash_bps must be at most 10000"),
        ({"conflict_slash_bps": 10_001}, "conflict_slash_bps must be at most 10000"),
        ({"overturned_slash_bps": 10_001}, "overturned_slash_bps must be at most 10000"),
        ({"max_pending": 0}, "max_pending must be 1"),
        ({"max_pending_per_account": 0}, "max_pending_per_account must be 1"),
        ({"open_timeout": 0}, "open_timeout must be 1"),
        ({"min_attempt_blocks": 0}, "min_attempt_blocks must be 1"),
        ({"min_dispute_blocks": 14_401}, "min_dispute_blocks must be at most max_dispute_blocks"),
        ({"resolve_blocks": 0}, "resolve_blocks must be 1 or more"),
        ({"turn_blocks": 0, "open_timeout": 0}, "turn_blocks must be 1 or more; open_timeout must be 1 or more"),
    ],
)
def test_parse_parameters__contract_would_refuse__is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_parameters(build_document(**changes))


def test_parse_parameters__no_disputes_at_all__needs_no_time_to_rule() -> None:
    changes = {"min_dispute_blocks": 0, "max_dispute_blocks": 0, "resolve_blocks": 0, "unbonding_blocks": 16_000}
    assert parse_parameters(build_document(**changes)).resolve_blocks == 0


# ---- files


@pytest.mark.parametrize("content", [b"guardian =", b"\xff", b"", b"unknown = 1"])
def test_load_parameters__malformed__bad_setting_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "parameters.toml"
    path.write_bytes(content)
    with pytest.raises(Invalid) as caught:
        load_parameters(path)
    assert caught.value.reason is Reason.BAD_SETTING
    assert caught.value.details["path"] == path


def test_load_parameters__example__has_every_parameter_with_its_default() -> None:
    parameters = load_parameters(EXAMPLE)
    assert isinstance(parameters.admin, TimelockParameters)
    for field in fields(DeploymentParameters):
        if field.name in PLAIN_FIELDS:
            assert getattr(parameters, field.name) == field.default, field.name
    assert parameters.admin.delay_s == TimelockParameters((b"",), (b"",)).delay_s  # type: ignore[arg-type]
    names = tomllib.loads(EXAMPLE.read_text()).keys()
    assert names == {*PLAIN_FIELDS, "guardian", "resolver", "treasury", "timelock"}


def test_load_parameters__example__explains_each_parameter() -> None:
    lines = EXAMPLE.read_text().splitlines()
    assert not [line for line in lines if " = " in line and not line.startswith("#") and " # " not in line]
