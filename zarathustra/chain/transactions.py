"""Transactions of one key: simulate, sign, send, raise the fees until mined.

Only this module imports eth_account, because the import takes a second.

simulate ─ refused → Invalid(REVERTED, error=…), nothing was sent
   │
allocate nonce ─ sign ─ record intent ─ broadcast          under a lock: nonces are sent in order
   │
watch ─ receipt → status 1: done · status 0: Invalid(REVERTED)
   └─ stuck for N blocks → same nonce, fees + 12.5 %, record intent, broadcast again
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from eth_account import Account

from zarathustra.chain.calls import LATEST, explain_revert
from zarathustra.chain.logs import Log, parse_log
from zarathustra.chain.port import Receipt
from zarathustra.chain.quantities import format_data, format_quantity, parse_data, parse_field, parse_quantity
from zarathustra.chain.rpc import Call, CallReverted, Rpc
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockNumber, Wei

BUMP_NUMERATOR: Final = 9  # + 12.5 %: nodes refuse a replacement that pays less than 10 % more
BUMP_DENOMINATOR: Final = 8
GAS_MARGIN_PERCENT: Final = 25  # state moves between estimate and inclusion; unused gas is not paid
BASE_FEE_HEADROOM: Final = 2  # the base fee doubles in six full blocks
DEFAULT_STUCK_BLOCKS: Final = 3
DEFAULT_POLL_S: Final = 1.0
DEFAULT_PATIENCE_S: Final = 30.0  # nodes count a nonce before they serve its receipt, and some are behind others
DEFAULT_MAX_FEE: Final = Wei(500 * 10**9)  # per gas; high fees must not empty the operator's account
MAX_BROADCASTS: Final = 30  # of one replacement: 1.125^30 is 34 times the first fee

MAX_RESTARTS: Final = 5  # each means that another process used the nonce; with one sender per key, at most one
MAX_BLIND_POLLS: Final = 60  # the node may restart while it is polled; sending again instead could act twice
TRANSFER_GAS: Final = 21_000
NO_VALUE: Final = Wei(0)
GENESIS: Final = BlockNumber(0)

# Nodes use different words for these errors, and no codes.
_NONCE_TOO_LOW: Final = ("nonce too low", "nonce is too low", "oldnonce")
_ALREADY_KNOWN: Final = ("already known", "already imported", "known transaction")
_UNDERPRICED: Final = ("underpriced", "fee too low", "less than block base fee")


@dataclass(frozen=True)
class Transaction:
    """A transaction to send; `to` None creates a contract."""

    to: Address | None
    data: bytes
    value: Wei = NO_VALUE


@dataclass(frozen=True)
class Fees:
    """EIP-1559 fees, per gas."""

    max_fee: Wei
    priority_fee: Wei

    def bumped(self) -> "Fees":
        """Return both fees raised by 12.5 %, rounded up."""
        return Fees(_bump(self.max_fee), _bump(self.priority_fee))


@dataclass(frozen=True)
class Intent:
    """A transaction about to be broadcast. It is recorded first: after a crash it is known what may have been sent."""

    sender: Address
    nonce: int
    transaction_hash: bytes
    to: Address | None
    fees: Fees


@dataclass(frozen=True)
class Mined:
    """A transaction that succeeded, with its logs."""

    receipt: Receipt
    logs: tuple[Log, ...]


RecordIntent = Callable[[Intent], None]


@dataclass
class _Flight:
    """One nonce between allocation and receipt. Any of the hashes that were broadcast for it may be mined."""

    transaction: Transaction
    nonce: int
    gas: int
    fees: Fees
    hashes: list[bytes] = field(default_factory=list)
    sent_at: BlockNumber = GENESIS
    odd_since: float | None = None  # since when the account's count matches none of this sender's nonces


class _NonceTaken(Exception):  # noqa: N818  # never leaves this module: `send` starts again with a new nonce
    """Another transaction of this key was mined with the nonce."""


class Sender:
    """Sends the transactions of one key. Safe for concurrent use.

    Nothing else may use the key's nonces: create one sender per key. `on_intent` is called before every broadcast.
    The secret key is never logged.
    """

    def __init__(
        self,
        rpc: Rpc,
        secret_key: bytes,
        *,
        chain_id: int,
        on_intent: RecordIntent,
        poll_s: float = DEFAULT_POLL_S,
        stuck_blocks: int = DEFAULT_STUCK_BLOCKS,
        patience_s: float = DEFAULT_PATIENCE_S,
        max_fee: Wei = DEFAULT_MAX_FEE,
    ) -> None:
        self._rpc = rpc
        self._account = Account.from_key(secret_key)
        self._chain_id = chain_id
        self._on_intent = on_intent
        self._poll_s = poll_s
        self._stuck_blocks = stuck_blocks
        self._patience_s = patience_s
        self._max_fee = max_fee
        self._lock = asyncio.Lock()
        self._next_nonce: int | None = None  # None: ask the chain first
        self._in_flight: set[int] = set()

    @property
    def address(self) -> Address:
        """The sending address."""
        return Address(bytes.fromhex(self._account.address[2:]))

    async def simulate(self, transaction: Transaction) -> bytes:
        """Return what the call would return at the head. Raises Invalid(REVERTED) with the error's name as `error`."""
        try:
            return parse_data(await self._rpc.call("eth_call", self._to_request(transaction), LATEST))
        except CallReverted as error:
            raise explain_revert(error, "simulate transaction") from error

    async def send(self, transaction: Transaction, *, may_restart: bool = True) -> Mined:
        """Simulate, send, and return once mined. There is no time limit while the node answers.

        When another transaction of the key takes the nonce, it is sent with the next one; not with `may_restart` False,
        for a call that must not happen twice: the other transaction may be the same call by an earlier process.

        Raises Invalid(REVERTED) when the simulation or the mined transaction reverts, Retry when no node accepts it,
        and with the fact `is_nonce_taken` when the nonce was taken. Cancelling stops only the watch: the transaction
        may still be mined, or be replaced by the next one.
        """
        for _ in range(MAX_RESTARTS if may_restart else 1):
            await self.simulate(transaction)
            try:
                return await self._fly(transaction)
            except _NonceTaken:
                continue
        sender = format_data(self.address)
        raise Retry(Reason.RPC_ERROR, "another process uses this key's nonces", sender=sender, is_nonce_taken=True)

    async def fetch_next_nonce(self) -> int:
        """Return the nonce that the next transaction will get."""
        async with self._lock:
            return await self._find_nonce()

    # ---- nonces

    async def _fly(self, transaction: Transaction) -> Mined:
        """Take one nonce from allocation to receipt. After any failure the next nonce is read from the chain."""
        gas = await self._estimate_gas(transaction)
        flight = await self._launch(transaction, gas)
        try:
            return await self._watch(flight)
        except BaseException:
            self._next_nonce = None
            raise
        finally:
            self._in_flight.discard(flight.nonce)

    async def _launch(self, transaction: Transaction, gas: int) -> _Flight:
        """Allocate a nonce and broadcast; on failure the nonce is free again."""
        async with self._lock:
            fees = await self._fetch_fees()
            flight = _Flight(transaction, await self._find_nonce(), gas, fees)
            try:
                await self._broadcast(flight)
            except BaseException:
                self._next_nonce = None
                raise
            self._in_flight.add(flight.nonce)
            self._next_nonce = flight.nonce + 1
            return flight

    async def _find_nonce(self) -> int:
        if self._next_nonce is None:
            # Counts mined transactions only: an earlier process's pending one is replaced, not waited for.
            count = await self._rpc.call("eth_getTransactionCount", format_data(self.address), LATEST)
            self._next_nonce = parse_quantity(count)
        while self._next_nonce in self._in_flight:
            self._next_nonce += 1
        return self._next_nonce

    # ---- sending

    async def _broadcast(self, flight: _Flight) -> None:
        """Send the transaction at its fees, or at the lowest higher ones that the node accepts as a replacement."""
        for _ in range(MAX_BROADCASTS):
            raw, transaction_hash = self._sign(flight)
            self._on_intent(Intent(self.address, flight.nonce, transaction_hash, flight.transaction.to, flight.fees))
            try:
                await self._rpc.call("eth_sendRawTransaction", format_data(raw))
            except Retry as error:
                if _says(error, _UNDERPRICED) and flight.fees.max_fee < self._max_fee:
                    flight.fees = self._cap(flight.fees.bumped())
                    continue
                self._judge_refusal(error, flight)
            flight.hashes.append(transaction_hash)
            flight.sent_at = await self._fetch_block_number()
            return
        raise Retry(Reason.RPC_ERROR, "replace pending transaction", nonce=flight.nonce)

    def _judge_refusal(self, error: Retry, flight: _Flight) -> None:
        """Return when the transaction may be mined despite the refusal; otherwise raise."""
        if _says(error, _ALREADY_KNOWN):
            return
        if _says(error, _NONCE_TOO_LOW):
            if flight.hashes:
                return  # an earlier broadcast of this nonce was mined meanwhile: the watch finds it
            raise _NonceTaken from error
        raise error

    def _sign(self, flight: _Flight) -> tuple[bytes, bytes]:
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": flight.nonce,
            "gas": flight.gas,
            "maxFeePerGas": flight.fees.max_fee,
            "maxPriorityFeePerGas": flight.fees.priority_fee,
            "value": flight.transaction.value,
            "data": flight.transaction.data,
        }
        if flight.transaction.to is not None:
            fields["to"] = flight.transaction.to
        signed = self._account.sign_transaction(fields)
        return bytes(signed.raw_transaction), bytes(signed.hash)

    # ---- watching

    async def _watch(self, flight: _Flight) -> Mined:
        """Wait for a receipt of any of the hashes; raise the fees when none comes."""
        blind_polls = 0
        while True:
            try:
                mined = await self._check_progress(flight)
                blind_polls = 0
            except Retry:
                blind_polls += 1
                if blind_polls > MAX_BLIND_POLLS:
                    raise
                mined = None
            if mined is not None:
                return mined
            await asyncio.sleep(self._poll_s)

    async def _check_progress(self, flight: _Flight) -> Mined | None:
        receipts, mined_count, block = await self._fetch_progress(flight)
        if receipts:
            return await self._judge_receipt(receipts[0], flight)
        if mined_count != flight.nonce and mined_count not in self._in_flight:
            await self._judge_odd_count(flight, mined_count)
        elif block - flight.sent_at >= self._stuck_blocks and flight.fees.max_fee < self._max_fee:
            await self._bump_flight(flight)
        return None

    async def _judge_odd_count(self, flight: _Flight, mined_count: int) -> None:
        """Handle a transaction count of the account that matches none of this sender's nonces.

        The node may only be behind, so wait for `patience_s` first. If the count is above this nonce, the nonce was
        used, but the node has no receipt for our hashes: receipts can be late, and sending again could act twice. If
        it is below, a reorganisation dropped an earlier transaction, and this one cannot be mined before another one
        takes that nonce.
        """
        now = asyncio.get_running_loop().time()
        flight.odd_since = now if flight.odd_since is None else flight.odd_since
        if now - flight.odd_since < self._patience_s:
            return
        if mined_count > flight.nonce:
            raise _NonceTaken
        await self._fill_gap(mined_count, flight.fees)
        flight.odd_since = None

    async def _fill_gap(self, nonce: int, fees: Fees) -> None:
        """Send an empty transaction to the own address with that nonce."""
        filler = _Flight(Transaction(self.address, b""), nonce, TRANSFER_GAS, fees)
        async with self._lock:
            try:
                await self._broadcast(filler)
            except _NonceTaken:
                return

    async def _fetch_progress(self, flight: _Flight) -> tuple[list[Any], int, BlockNumber]:
        calls = [Call("eth_getTransactionReceipt", (format_data(item),)) for item in flight.hashes]
        calls.append(Call("eth_getTransactionCount", (format_data(self.address), LATEST)))
        calls.append(Call("eth_blockNumber", ()))
        *receipts, count, block = await self._rpc.call_many(calls)
        found = [receipt for receipt in receipts if receipt is not None]
        return found, parse_quantity(count), BlockNumber(parse_quantity(block))

    async def _bump_flight(self, flight: _Flight) -> None:
        market = await self._fetch_fees()
        bumped = flight.fees.bumped()
        higher = Fees(Wei(max(bumped.max_fee, market.max_fee)), Wei(max(bumped.priority_fee, market.priority_fee)))
        flight.fees = self._cap(higher)
        await self._broadcast(flight)

    async def _judge_receipt(self, receipt: Any, flight: _Flight) -> Mined:
        block = BlockNumber(parse_quantity(parse_field(receipt, "blockNumber")))
        if parse_quantity(parse_field(receipt, "status")) != 1:
            raise await self._explain_failure(flight.transaction, block)
        return Mined(
            receipt=Receipt(
                transaction_hash=parse_data(parse_field(receipt, "transactionHash"), length=32),
                block_number=block,
                gas_used=parse_quantity(parse_field(receipt, "gasUsed")),
            ),
            logs=tuple(parse_log(log) for log in parse_field(receipt, "logs")),
        )

    async def _explain_failure(self, transaction: Transaction, block: BlockNumber) -> Invalid:
        """Find why a transaction failed: not in the receipt, but the same call on its block usually fails alike."""
        try:
            await self._rpc.call("eth_call", self._to_request(transaction), format_quantity(block))
        except CallReverted as error:
            return explain_revert(error, "mine transaction")
        return Invalid(Reason.REVERTED, "mine transaction", error="UnknownError", block=block)

    # ---- node

    def _to_request(self, transaction: Transaction) -> dict[str, str]:
        request = {
            "from": format_data(self.address),
            "data": format_data(transaction.data),
            "value": format_quantity(transaction.value),
        }
        return request if transaction.to is None else {**request, "to": format_data(transaction.to)}

    async def _estimate_gas(self, transaction: Transaction) -> int:
        # At the head, like the simulation. By default some nodes estimate on top of pending transactions. One that an
        # earlier process left there, and that this transaction replaces, would make them refuse.
        try:
            answer = await self._rpc.call("eth_estimateGas", self._to_request(transaction), LATEST)
        except CallReverted as error:
            raise explain_revert(error, "estimate gas") from error
        return parse_quantity(answer) * (100 + GAS_MARGIN_PERCENT) // 100

    async def _fetch_fees(self) -> Fees:
        calls = [Call("eth_getBlockByNumber", (LATEST, False)), Call("eth_maxPriorityFeePerGas", ())]
        block, priority = await self._rpc.call_many(calls)
        base_fee = parse_quantity(parse_field(block, "baseFeePerGas"))
        priority_fee = Wei(parse_quantity(priority))
        return self._cap(Fees(Wei(base_fee * BASE_FEE_HEADROOM + priority_fee), priority_fee))

    def _cap(self, fees: Fees) -> Fees:
        max_fee = Wei(min(fees.max_fee, self._max_fee))
        return replace(fees, max_fee=max_fee, priority_fee=Wei(min(fees.priority_fee, max_fee)))

    async def _fetch_block_number(self) -> BlockNumber:
        return BlockNumber(parse_quantity(await self._rpc.call("eth_blockNumber")))


def _bump(fee: Wei) -> Wei:
    return Wei(-(-fee * BUMP_NUMERATOR // BUMP_DENOMINATOR))


def _says(error: Retry, phrases: Sequence[str]) -> bool:
    message = error.message.lower()
    return any(phrase in message for phrase in phrases)
