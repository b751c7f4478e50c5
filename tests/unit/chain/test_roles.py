"""The holders of roles, folded from events and compared with the contracts."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.kit.chain.fake_rpc import FakeRpc
from tests.kit.derived import derive_bytes
from zarathustra.chain import abi
from zarathustra.chain.abi import encode_call, load_abi
from zarathustra.chain.logs import Log
from zarathustra.chain.quantities import format_data
from zarathustra.chain.roles import Role, fetch_role_holders, fold_role_logs
from zarathustra.core.errors import Retry
from zarathustra.core.types import Address, BlockHash, BlockNumber

pytestmark = pytest.mark.unit

ADMINISTRATION, TIMELOCK = Address(b"\xa0" * 20), Address(b"\xa1" * 20)
CONTRACTS = {ADMINISTRATION: abi.ADMINISTRATION, TIMELOCK: abi.TIMELOCK}
ALICE, BOB = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
HEAD = 50


def build_log(event: str, role: bytes, account: Address, *, address: Address = ADMINISTRATION) -> Log:
    topics = (load_abi(abi.ADMINISTRATION).get_event(event).hash, role, bytes(12) + account, bytes(12) + ALICE)
    block = BlockHash(derive_bytes(32, "block"))
    return Log(address, topics, b"", BlockNumber(HEAD), block, derive_bytes(32, "transaction"), 0)


def grant(role: Role, account: Address) -> Log:
    return build_log("RoleGranted", role.role_id, account, address=_place(role))


def revoke(role: Role, account: Address) -> Log:
    return build_log("RoleRevoked", role.role_id, account, address=_place(role))


def _place(role: Role) -> Address:
    return TIMELOCK if role.contract == abi.TIMELOCK else ADMINISTRATION


def test_fold_role_logs__granted_twice_and_revoked__one_holder_left() -> None:
    logs = [
        grant(Role.GUARDIAN, ALICE),
        grant(Role.GUARDIAN, BOB),
        grant(Role.GUARDIAN, ALICE),
        revoke(Role.GUARDIAN, ALICE),
        grant(Role.PROPOSER, ALICE),
    ]
    holders = fold_role_logs(logs, CONTRACTS)
    assert holders[Role.GUARDIAN] == (BOB,)
    assert holders[Role.PROPOSER] == (ALICE,)
    assert holders[Role.ADMISSION] == ()


def test_fold_role_logs__zero_role__is_that_of_its_contract() -> None:
    """Both contracts have a role with the id zero."""
    holders = fold_role_logs([grant(Role.DEFAULT_ADMIN, ALICE), grant(Role.TIMELOCK_ADMIN, BOB)], CONTRACTS)
    assert (holders[Role.DEFAULT_ADMIN], holders[Role.TIMELOCK_ADMIN]) == ((ALICE,), (BOB,))


def test_fold_role_logs__unknown_role_and_role_that_nobody_had__are_ignored() -> None:
    logs = [build_log("RoleGranted", b"\x99" * 32, ALICE), revoke(Role.GUARDIAN, ALICE)]
    assert not any(fold_role_logs(logs, CONTRACTS).values())


def test_fold_role_logs__no_timelock__none_of_its_roles() -> None:
    holders = fold_role_logs([], {ADMINISTRATION: abi.ADMINISTRATION})
    assert set(holders) == {Role.DEFAULT_ADMIN, Role.ADMISSION, Role.PARAMETERS, Role.GUARDIAN}


def build_node(logs: Sequence[Log], *, holders: Sequence[tuple[Role, Address]]) -> FakeRpc:
    """Build a node with these events, whose contracts know these holders."""
    known = {
        encode_call(load_abi(abi.ADMINISTRATION), "hasRole", role.role_id, account): _place(role)
        for role, account in holders
    }

    def has_role(request: dict[str, str], _block: Any) -> str:
        data, to = (bytes.fromhex(request[name][2:]) for name in ("data", "to"))
        return format_data(int(known.get(data) == to).to_bytes(32, "big"))

    block = {
        "number": hex(HEAD),
        "hash": format_data(bytes(32)),
        "parentHash": format_data(bytes(32)),
        "timestamp": "0x1",
    }
    return FakeRpc(
        {
            "eth_getBlockByNumber": lambda _number, _full: block,
            "eth_getLogs": lambda _query: [
                {
                    "address": format_data(log.address),
                    "topics": [format_data(topic) for topic in log.topics],
                    "data": "0x",
                    "blockNumber": hex(log.block_number),
                    "blockHash": format_data(log.block_hash),
                    "transactionHash": format_data(log.transaction_hash),
                    "logIndex": hex(place),
                }
                for place, log in enumerate(logs)
            ],
            "eth_call": has_role,
        }
    )


ADDRESSES = {name: address for address, name in CONTRACTS.items()}


async def test_fetch_role_holders__contracts_agree__the_holders() -> None:
    node = build_node([grant(Role.GUARDIAN, ALICE)], holders=[(Role.GUARDIAN, ALICE)])
    holders = await fetch_role_holders(node, ADDRESSES, BlockNumber(0))
    assert holders[Role.GUARDIAN] == (ALICE,)


async def test_fetch_role_holders__node_hides_a_revocation__retry() -> None:
    node = build_node([grant(Role.GUARDIAN, ALICE), grant(Role.GUARDIAN, BOB)], holders=[(Role.GUARDIAN, BOB)])
    with pytest.raises(Retry):
        await fetch_role_holders(node, ADDRESSES, BlockNumber(0))
