"""What the commands print, and what they ask of their options."""

import pytest
from click.testing import CliRunner

from tests.kit.chain.deployment import GUARDIAN, PROPOSER, build_record
from zarathustra.chain import abi
from zarathustra.chain.abi import load_abi
from zarathustra.chain.port import Receipt
from zarathustra.chain.quantities import format_data
from zarathustra.chain.reader import CenterParameters
from zarathustra.chain.roles import ANYONE, Role
from zarathustra.chain.timelock import Operation, OperationState, ScheduledOperation, TimelockCall
from zarathustra.cli.administrator.params import apply_changes
from zarathustra.cli.administrator.results import echo_result, format_holders, format_ready
from zarathustra.cli.administrator.roles import describe_roles
from zarathustra.cli.errors import FAILED, TRY_LATER, describe_error, find_status
from zarathustra.cli.main import cli
from zarathustra.cli.reverts import MEANINGS, explain_revert
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockNumber, Bps

pytestmark = pytest.mark.unit

ID = b"\x1d" * 32


def build_scheduled(state: OperationState, *, ready_at: int = 86_400, seconds_left: int = 90) -> ScheduledOperation:
    operation = Operation((TimelockCall(Address(b"\x01" * 20), b""),))
    return ScheduledOperation(operation, ID, state, ready_at, seconds_left)


# ---- results


def test_echo_result__receipt__transaction_and_block(capsys: pytest.CaptureFixture[str]) -> None:
    echo_result(Receipt(b"\x7a" * 32, BlockNumber(5), 21_000), "Administration.pause()", as_json=False)
    assert (
        capsys.readouterr().out == f"done         Administration.pause()\ntransaction  0x{'7a' * 32}\nblock        5\n"
    )


def test_echo_result__scheduled__says_what_to_run_and_when(capsys: pytest.CaptureFixture[str]) -> None:
    echo_result(build_scheduled(OperationState.WAITING), "AvsGovernance.admit(0x01)", as_json=False)
    out = capsys.readouterr().out
    assert "possible   from 1970-01-02 00:00:00 UTC, in 0:01:30" in out
    assert f"then run   zarathustra admin execute {format_data(ID)}" in out


def test_format_ready__ready__now() -> None:
    assert format_ready(build_scheduled(OperationState.READY)) == "now"


def test_format_ready__absurd_delay_of_a_proposer__never() -> None:
    """Otherwise one operation would break the list of all."""
    found = build_scheduled(OperationState.WAITING, ready_at=2**256 - 1, seconds_left=2**255)
    assert format_ready(found) == "never"


def test_format_holders__nobody_anyone_and_an_account__words_and_hex() -> None:
    assert format_holders(()) == "none"
    assert format_holders((ANYONE, GUARDIAN)) == f"anyone {format_data(GUARDIAN)}"


def test_describe_roles__changed_since_deployment__shows_both() -> None:
    record = build_record()
    shown = describe_roles(record, {**record.roles, Role.PROPOSER: (GUARDIAN,)})
    assert shown["PROPOSER"] == f"{format_data(GUARDIAN)}  (at deployment: {format_data(PROPOSER)})"
    assert shown["GUARDIAN"] == format_data(GUARDIAN)


def test_apply_changes__some_parameters__others_stay() -> None:
    current = CenterParameters(3, 5, Bps(100), Bps(1_000), Bps(1_000))
    assert apply_changes(current, {"turn_blocks": 9}) == CenterParameters(3, 9, Bps(100), Bps(1_000), Bps(1_000))


# ---- errors


def test_meanings__each_name__is_an_error_of_a_contract() -> None:
    names = {entry.name for contract in abi.CONTRACTS for entry in load_abi(contract).errors.values()}
    assert MEANINGS.keys() <= names


def test_explain_revert__known_unknown_and_none__meaning_or_nothing() -> None:
    assert explain_revert(Invalid(Reason.REVERTED, "call", error="NotResolver")) == MEANINGS["NotResolver"]
    assert explain_revert(Invalid(Reason.REVERTED, "call", error="SomethingElse")) == ""
    assert explain_revert(Retry(Reason.RPC_UNREACHABLE, "ask node")) == ""


def test_describe_error__revert__reason_and_meaning() -> None:
    lines = describe_error(Invalid(Reason.REVERTED, "simulate", error="NotResolver")).splitlines()
    assert lines == [
        "zarathustra: reverted: simulate (error=NotResolver)",
        Reason.REVERTED.long,
        MEANINGS["NotResolver"],
    ]


def test_describe_error__no_revert__two_lines() -> None:
    assert len(describe_error(Invalid(Reason.TOO_EARLY, "execute operation")).splitlines()) == 2


def test_find_status__retry_or_refused__three_or_one() -> None:
    assert find_status(Retry(Reason.RPC_UNREACHABLE, "ask node")) == TRY_LATER
    assert find_status(Invalid(Reason.TOO_EARLY, "execute operation")) == FAILED


# ---- options


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("admit", "0x12"), "is not an address"),
        (("execute", "0x12"), "is not 0x and 64 hex digits"),
        (("execute", "0x" + "1 " * 32), "is not 0x and 64 hex digits"),
        (("params", "set", "--min-operators", "0"), "--min-operators"),
        (("params", "set", "--guilty-slash-bps", "10001"), "--guilty-slash-bps"),
    ],
)
def test_admin__wrong_argument__usage_error(arguments: tuple[str, ...], message: str) -> None:
    with CliRunner().isolated_filesystem():
        ended = CliRunner().invoke(cli, ["admin", *arguments])
    assert ended.exit_code == 2
    assert message in ended.output
