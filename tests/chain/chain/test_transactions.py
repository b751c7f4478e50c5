"""The sender on anvil: nonces, bumps, restarts, reorganisations, reverts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio

from tests.kit.chain.anvil import mine, reorganise
from tests.kit.chain.market import DEV_KEYS, make_sender
from tests.kit.waiting import until
from zarathustra.chain.answers import Parse, keep
from zarathustra.chain.quantities import format_data, parse_quantity
from zarathustra.chain.rpc import Call, HttpRpc, Rpc
from zarathustra.chain.transactions import Fees, Intent, Sender, Transaction
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, Wei

pytestmark = pytest.mark.chain
pytest_plugins = ["tests.kit.chain.anvil_fixture"]

RECEIVER = Address(b"\x4e" * 20)
COIN = Transaction(RECEIVER, b"", Wei(1))

# Works once: PUSH0 SLOAD, PUSH1 10, JUMPI, PUSH1 1, PUSH0 SSTORE, STOP, JUMPDEST, PUSH0 PUSH0 REVERT
ONCE_CODE = bytes.fromhex("5f54600a5760015f55005b5f5ffd")


@pytest_asyncio.fixture
async def intents() -> list[Intent]:
    return []


@pytest_asyncio.fixture
async def sender(rpc: HttpRpc, intents: list[Intent]) -> Sender:
    return make_sender(rpc, DEV_KEYS[0], intents, stuck_blocks=2)


@pytest_asyncio.fixture
async def manual(rpc: HttpRpc) -> AsyncIterator[HttpRpc]:
    """A node of the chain that mines only when told."""
    await rpc.call("evm_setAutomine", False)
    yield rpc


async def fetch_balance(rpc: Rpc, account: Address = RECEIVER) -> int:
    return parse_quantity(await rpc.call("eth_getBalance", format_data(account), "latest"))


async def fetch_pending(rpc: Rpc) -> list[Any]:
    """Return the waiting transactions of all keys."""
    content = await rpc.call("txpool_content")
    return [item for pool in content.values() for nonces in pool.values() for item in nonces.values()]


async def test_send__automine__mined_once_with_its_intent_recorded_before(
    sender: Sender, rpc: HttpRpc, intents: list[Intent]
) -> None:
    mined = await sender.send(COIN)
    assert await fetch_balance(rpc) == 1
    assert [intent.transaction_hash for intent in intents] == [mined.receipt.transaction_hash]
    assert (intents[0].nonce, intents[0].sender, mined.receipt.gas_used) == (0, sender.address, 21_000)


async def test_send__ten_at_once__ten_nonces_in_order(sender: Sender, rpc: HttpRpc, intents: list[Intent]) -> None:
    await asyncio.gather(*(sender.send(COIN) for _ in range(10)))
    assert await fetch_balance(rpc) == 10
    assert [intent.nonce for intent in intents] == list(range(10))


async def test_send__receipt_served_late__never_sent_again(rpc: HttpRpc, intents: list[Intent]) -> None:
    """A node counts the nonce before it knows the receipt: the sender must wait."""
    slow = SlowReceipts(rpc, hidden_for=20)
    await make_sender(slow, DEV_KEYS[0], intents).send(COIN)
    assert slow.hidden_for == 0
    assert len(intents) == 1
    assert await fetch_balance(rpc) == 1


async def test_send__stuck__bumped_by_an_eighth_until_mined(manual: HttpRpc, intents: list[Intent]) -> None:
    node = SlowReceipts(manual, hidden_for=1)
    task = asyncio.create_task(make_sender(node, DEV_KEYS[0], intents, stuck_blocks=2).send(COIN))
    # Once it asks for a receipt it has noted the block of its broadcast; blocks mined sooner would not count.
    await until(lambda: node.hidden_for == 0)
    await manual.call("anvil_setNextBlockBaseFeePerGas", hex(100 * 10**9))
    await mine(manual, 2)
    await until(lambda: _is_outbid(manual, intents))
    await mine(manual, 1)
    await task
    first, last = intents[0], intents[-1]
    assert first.nonce == last.nonce
    assert last.fees.max_fee >= first.fees.max_fee * 9 / 8
    assert last.fees.priority_fee >= first.fees.priority_fee * 9 / 8
    assert await fetch_balance(manual) == 1


async def _is_long(intents: list[Intent], length: int) -> bool:
    return len(intents) >= length


async def test_send__left_over_from_an_ended_process__replaced(manual: HttpRpc, intents: list[Intent]) -> None:
    """The new process takes the same nonce and must outbid its predecessor."""
    dead = asyncio.create_task(make_sender(manual, DEV_KEYS[0], intents).send(COIN))
    await until(lambda: _is_long(intents, 1))
    await until(lambda: _has_pending(manual))
    dead.cancel()

    task = asyncio.create_task(make_sender(manual, DEV_KEYS[0], intents).send(Transaction(RECEIVER, b"", Wei(500))))
    await until(lambda: _is_outbid(manual, intents))
    await mine(manual, 1)
    await task
    assert await fetch_balance(manual) == 500
    assert {intent.nonce for intent in intents} == {0}


async def _has_pending(rpc: Rpc, count: int = 1) -> bool:
    return len(await fetch_pending(rpc)) >= count


async def _is_outbid(rpc: Rpc, intents: list[Intent]) -> bool:
    hashes = [item["hash"] for item in await fetch_pending(rpc)]
    return len(intents) > 1 and hashes == [format_data(intents[-1].transaction_hash)]


async def test_send__nonce_used_by_another_process__starts_over(rpc: HttpRpc, intents: list[Intent]) -> None:
    first, second = (make_sender(rpc, DEV_KEYS[0], intents) for _ in range(2))
    await first.send(COIN)
    await second.send(COIN)
    await second.send(COIN)
    await first.send(COIN)
    assert await fetch_balance(rpc) == 4


async def test_send__earlier_one_dropped_by_a_reorganisation__gap_is_filled(
    sender: Sender, rpc: HttpRpc, intents: list[Intent]
) -> None:
    await mine(rpc, 3)
    await sender.send(COIN)
    await reorganise(rpc, 1)
    assert await fetch_balance(rpc) == 0
    await sender.send(Transaction(RECEIVER, b"", Wei(7)))
    assert await fetch_balance(rpc) == 7
    assert [(intent.nonce, intent.to) for intent in intents] == [(0, RECEIVER), (1, RECEIVER), (0, sender.address)]


async def test_send__simulation_reverts__nothing_sent(sender: Sender, rpc: HttpRpc, intents: list[Intent]) -> None:
    created = await sender.send(Transaction(None, build_init_code(bytes.fromhex("60006000fd"))))
    refuser = await fetch_created(rpc, created.receipt.transaction_hash)
    with pytest.raises(Invalid) as caught:
        await sender.send(Transaction(refuser, b""))
    assert (caught.value.reason, caught.value.details["error"]) == (Reason.REVERTED, "EmptyRevert")
    assert len(intents) == 1
    assert await sender.fetch_next_nonce() == 1


async def test_send__mined_but_reverted__says_so_and_the_nonce_is_used(rpc: HttpRpc, intents: list[Intent]) -> None:
    """Both pass their simulation; the one that is mined second reverts."""
    senders = [make_sender(rpc, DEV_KEYS[number], intents) for number in range(2)]
    created = await senders[0].send(Transaction(None, build_init_code(ONCE_CODE)))
    once = await fetch_created(rpc, created.receipt.transaction_hash)

    await rpc.call("evm_setAutomine", False)
    sending = asyncio.gather(*(sender.send(Transaction(once, b"")) for sender in senders), return_exceptions=True)
    await until(lambda: _has_pending(rpc, 2))
    await mine(rpc, 1)
    (refused,) = [result for result in await sending if isinstance(result, Invalid)]
    assert (refused.reason, refused.message) == (Reason.REVERTED, "mine transaction")
    assert refused.details["error"] == "EmptyRevert"
    assert [await sender.fetch_next_nonce() for sender in senders] == [2, 1]


async def test_send__node_fails_at_the_broadcast__retry_and_the_nonce_is_free(
    rpc: HttpRpc, intents: list[Intent]
) -> None:
    failing = FailingRpc(rpc, "eth_sendRawTransaction", failures=1)
    sender = make_sender(failing, DEV_KEYS[0], intents)
    with pytest.raises(Retry):
        await sender.send(COIN)
    await sender.send(COIN)
    assert [intent.nonce for intent in intents] == [0, 0]
    assert await fetch_balance(rpc) == 1


async def test_send__node_fails_while_watching__still_mined_once(rpc: HttpRpc, intents: list[Intent]) -> None:
    failing = FailingRpc(rpc, "eth_getTransactionReceipt", failures=5)
    await make_sender(failing, DEV_KEYS[0], intents).send(COIN)
    assert await fetch_balance(rpc) == 1
    assert len(intents) == 1


async def test_send__fee_spike__never_over_the_limit(rpc: HttpRpc, intents: list[Intent]) -> None:
    limit = Wei(3 * 10**9)
    sender = Sender(
        rpc, DEV_KEYS[0], chain_id=31_337, on_intent=intents.append, poll_s=0.01, stuck_blocks=1, max_fee=limit
    )
    await rpc.call("anvil_setNextBlockBaseFeePerGas", hex(2 * 10**9))
    await sender.send(COIN)
    assert intents[0].fees.max_fee == limit


def test_fees__bumped__rounds_up() -> None:
    assert Fees(Wei(8), Wei(1)).bumped() == Fees(Wei(9), Wei(2))


def test_sender__shown__does_not_show_its_key(rpc: HttpRpc) -> None:
    sender = make_sender(rpc, DEV_KEYS[0])
    assert DEV_KEYS[0].hex() not in repr(sender) + repr(vars(sender))


class FailingRpc:
    """A node that fails the first calls of one method."""

    def __init__(self, rpc: Rpc, method: str, *, failures: int) -> None:
        self._rpc = rpc
        self._method = method
        self._failures = failures

    async def call(self, method: str, *params: Any, parse: Parse = keep) -> Any:
        self._fail(method)
        return await self._rpc.call(method, *params, parse=parse)

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        for call in calls:
            self._fail(call.method)
        return await self._rpc.call_many(calls)

    def _fail(self, method: str) -> None:
        if method == self._method and self._failures > 0:
            self._failures -= 1
            raise Retry(Reason.RPC_UNREACHABLE, "ask node")


class SlowReceipts:
    """A node that counts nonces at once but shows a receipt only when asked often enough."""

    def __init__(self, rpc: Rpc, *, hidden_for: int) -> None:
        self._rpc = rpc
        self.hidden_for = hidden_for

    async def call(self, method: str, *params: Any, parse: Parse = keep) -> Any:
        return await self._rpc.call(method, *params, parse=parse)

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        results = await self._rpc.call_many(calls)
        if calls[0].method == "eth_getTransactionReceipt" and self.hidden_for > 0:
            self.hidden_for -= 1
            return [None, *results[1:]]
        return results


def build_init_code(code: bytes) -> bytes:
    """Creation code that stores `code`: PUSH1 length, DUP1, PUSH1 9, PUSH1 0, CODECOPY, PUSH1 0, RETURN."""
    return bytes([0x60, len(code), 0x80, 0x60, 0x0B, 0x60, 0x00, 0x39, 0x60, 0x00, 0xF3]) + code


async def fetch_created(rpc: Rpc, transaction_hash: bytes) -> Address:
    receipt = await rpc.call("eth_getTransactionReceipt", format_data(transaction_hash))
    return Address(bytes.fromhex(receipt["contractAddress"][2:]))
