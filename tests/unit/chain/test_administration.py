"""How an administrator's call gets to its contract, and calls as text."""

import pytest

from tests.kit.chain.deployment import build_record
from tests.kit.chain.fake_rpc import FakeRpc
from zarathustra.chain import abi
from zarathustra.chain.administration import (
    AdminCall,
    Authority,
    Permission,
    Route,
    admit,
    choose_route,
    describe_call,
    eject,
    expel,
    pause,
    resolve,
    set_center_parameters,
    set_registration_open,
    set_token,
    unpause,
)
from zarathustra.chain.reader import CenterParameters
from zarathustra.chain.timelock import TimelockCall
from zarathustra.chain.wiring import validate_deployment
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO_ADDRESS, Address, Bps, OperatorId, TaskId, Wei

pytestmark = pytest.mark.unit

ACCOUNT = Address(b"\xac" * 20)
ADDRESSES = build_record().addresses
TEXT = "0x" + "ac" * 20
CENTER = CenterParameters(3, 5, Bps(100), Bps(1_000), Bps(1_000))


@pytest.mark.parametrize(
    "permission, expected",
    [
        (Permission(account_may=True, timelock_may=False, account_proposes=False), Route.DIRECT),
        (Permission(account_may=True, timelock_may=True, account_proposes=True), Route.DIRECT),
        (Permission(account_may=False, timelock_may=True, account_proposes=True), Route.TIMELOCK),
    ],
)
def test_choose_route__account_or_timelock_may__that_way(permission: Permission, expected: Route) -> None:
    assert choose_route(permission, authority=Authority.ADMISSION, account=ACCOUNT) is expected


@pytest.mark.parametrize(
    "permission, authority, missing",
    [
        (Permission(False, timelock_may=True, account_proposes=False), Authority.ADMISSION, "PROPOSER"),
        (Permission(False, timelock_may=False, account_proposes=True), Authority.PAUSE, "GUARDIAN"),
        (Permission(False, timelock_may=False, account_proposes=False), Authority.UNPAUSE, "GUARDIAN or DEFAULT_ADMIN"),
        (Permission(False, timelock_may=False, account_proposes=True), Authority.RESOLVER, "resolver"),
    ],
)
def test_choose_route__neither_may__names_the_missing_role(
    permission: Permission, authority: Authority, missing: str
) -> None:
    with pytest.raises(Invalid) as caught:
        choose_route(permission, authority=authority, account=ACCOUNT)
    assert caught.value.reason is Reason.MISSING_ROLE
    assert caught.value.details["role"] == missing


@pytest.mark.parametrize(
    "call, expected",
    [
        (admit(ACCOUNT), f"AvsGovernance.admit({TEXT})"),
        (expel(ACCOUNT), f"AvsGovernance.expel({TEXT})"),
        (eject(OperatorId(ACCOUNT)), f"AvsGovernance.eject({TEXT})"),
        (set_registration_open(True), "AvsGovernance.setRegistrationOpen(True)"),
        (set_center_parameters(CENTER), "AttestationCenter.setParameters((3, 5, 100, 1000, 1000))"),
        (set_token(ZERO_ADDRESS, Wei(7)), f"ModelSubmission.setToken(0x{'00' * 20}, 7)"),
        (pause(), "Administration.pause()"),
        (unpause(), "Administration.unpause()"),
        (resolve(TaskId(b"\x01" * 32), is_overturned=True), f"AttestationCenter.resolve(0x{'01' * 32}, True)"),
    ],
)
def test_describe_call__each_call__name_and_arguments(call: AdminCall, expected: str) -> None:
    assert describe_call(ADDRESSES, call.to_timelock_call(ADDRESSES)) == expected


def test_describe_call__with_value__shows_it() -> None:
    call = admit(ACCOUNT).to_timelock_call(ADDRESSES)._replace(value=9)
    assert describe_call(ADDRESSES, call) == f"AvsGovernance.admit({TEXT}) with 9 wei"


def test_describe_call__unknown_contract_or_function__hex() -> None:
    assert describe_call(ADDRESSES, TimelockCall(ACCOUNT, b"\xff")) == f"unknown contract {TEXT}: 0xff"
    known = TimelockCall(ADDRESSES[abi.GOVERNANCE], b"\xff\xff\xff\xff")
    assert describe_call(ADDRESSES, known).startswith("AvsGovernance 0x")
    malformed = TimelockCall(ADDRESSES[abi.GOVERNANCE], admit(ACCOUNT).encode()[:-1])
    assert describe_call(ADDRESSES, malformed).startswith("AvsGovernance 0x")


async def test_validate_deployment__node_behind_the_deployment__retry() -> None:
    """A node that synchronises has no code yet: that says nothing about the file."""
    record = build_record()
    head = record.deployed_at - 1
    block = {"number": hex(head), "hash": "0x" + "11" * 32, "parentHash": "0x" + "11" * 32, "timestamp": "0x1"}
    node = FakeRpc({"eth_chainId": lambda: hex(record.chain_id), "eth_getBlockByNumber": lambda *_: block})
    with pytest.raises(Retry):
        await validate_deployment(node, record)
