"""What the nodes know of one account's transactions: the state that decides what to send next.

Clients have no common words or codes for why they refuse a transaction. So nobody reads their words: it is asked
whether they know the transaction, and how far the account's nonces are mined or waiting.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from zarathustra.chain.answers import Parse
from zarathustra.chain.calls import LATEST
from zarathustra.chain.fees import Fees
from zarathustra.chain.logs import Log, parse_log
from zarathustra.chain.port import Receipt
from zarathustra.chain.quantities import format_data, parse_data, parse_field, parse_quantity
from zarathustra.chain.rpc import Call, Rpc
from zarathustra.core.types import Address, BlockNumber, Wei

PENDING: Final = "pending"
BASE_FEE_HEADROOM: Final = 2  # the base fee doubles in six full blocks


class FoundReceipt(NamedTuple):
    """The receipt of a transaction that is in a block."""

    receipt: Receipt
    has_succeeded: bool
    logs: tuple[Log, ...]


class Progress(NamedTuple):
    """What became of the transactions of one nonce."""

    found: FoundReceipt | None
    mined_count: int  # of the account's transactions: the next nonce to be mined
    block: BlockNumber  # the head


class Market(NamedTuple):
    """What transactions pay now, and the block in which they do."""

    fees: Fees
    block: BlockNumber


class AccountView:
    """Reads one account's nonces and transactions. All methods raise Retry when no node answers."""

    def __init__(self, rpc: Rpc, address: Address) -> None:
        self._rpc = rpc
        self._address = format_data(address)

    async def is_any_known(self, hashes: Sequence[bytes]) -> bool:
        """Return whether a node has one of these transactions, waiting or mined."""
        calls = [Call("eth_getTransactionByHash", (format_data(item),), _parse_presence) for item in hashes]
        return any(await self._rpc.call_many(calls))

    async def count_mined(self) -> int:
        """Return the account's next nonce after all its mined transactions."""
        return await self._count(LATEST)

    async def count_pending(self) -> int:
        """Return the account's next nonce after those that wait without a gap, as far as the node tells."""
        return await self._count(PENDING)

    async def fetch_balance(self) -> Wei:
        """Return the account's balance at the head."""
        balance: int = await self._rpc.call("eth_getBalance", self._address, LATEST, parse=parse_quantity)
        return Wei(balance)

    async def fetch_market(self) -> Market:
        """Return the fees with which a transaction is mined soon."""
        calls = [
            Call("eth_getBlockByNumber", (LATEST, False), _parse_base_fee),
            Call("eth_maxPriorityFeePerGas", (), parse_quantity),
        ]
        (block, base_fee), priority_fee = await self._rpc.call_many(calls)
        return Market(Fees(Wei(base_fee * BASE_FEE_HEADROOM + priority_fee), Wei(priority_fee)), block)

    async def fetch_progress(self, hashes: Sequence[bytes]) -> Progress:
        """Return what became of these transactions, all of one nonce."""
        calls = [Call("eth_getTransactionReceipt", (format_data(item),), parse_receipt) for item in hashes]
        calls.append(Call("eth_getTransactionCount", (self._address, LATEST), parse_quantity))
        calls.append(Call("eth_blockNumber", (), parse_quantity))
        *receipts, count, block = await self._rpc.call_many(calls)
        found = next((receipt for receipt in receipts if receipt is not None), None)
        return Progress(found, count, BlockNumber(block))

    async def _count(self, tag: str) -> int:
        count: int = await self._rpc.call("eth_getTransactionCount", self._address, tag, parse=parse_quantity)
        return count


def parse_receipt(answer: Any) -> FoundReceipt | None:
    """Parse a receipt; None when there is none, or when its transaction still waits. Raises Retry(RPC_ERROR)."""
    if answer is None or parse_field(answer, "blockNumber") is None:
        return None
    receipt = Receipt(
        transaction_hash=parse_data(parse_field(answer, "transactionHash"), length=32),
        block_number=BlockNumber(parse_quantity(parse_field(answer, "blockNumber"))),
        gas_used=parse_quantity(parse_field(answer, "gasUsed")),
    )
    has_succeeded = parse_quantity(parse_field(answer, "status")) == 1
    return FoundReceipt(receipt, has_succeeded, tuple(parse_log(log) for log in parse_field(answer, "logs")))


def parse_hash_of(expected: bytes) -> Parse:
    """Parse the answer to a broadcast: nothing but the transaction's own hash says that it was taken."""

    def parse(answer: Any) -> bytes:
        sent = parse_data(answer, length=32)
        return sent if sent == expected else parse_data(None)

    return parse


def _parse_presence(answer: Any) -> bool:
    return answer is not None and parse_data(parse_field(answer, "hash"), length=32) is not None


def _parse_base_fee(answer: Any) -> tuple[BlockNumber, int]:
    number = BlockNumber(parse_quantity(parse_field(answer, "number")))
    return number, parse_quantity(parse_field(answer, "baseFeePerGas"))
