"""Transactions of one key: simulate, sign, send, raise the fees until mined.

Only this module imports eth_account, because the import takes a second.

simulate ─ refused → Invalid(REVERTED, error=…), nothing was sent
   │
allocate nonce ─ sign ─ record intent ─ broadcast          under a lock: nonces are sent in order
   │                                       └─ refused → ask the chain: is the transaction known? is its nonce used?
   │                                                    is another one waiting? then the same nonce, fees + 12.5 %
watch ─ receipt → status 1: done · status 0: Invalid(REVERTED)
   └─ stuck for N blocks → same nonce, fees + 12.5 %, record intent, broadcast again
"""

import asyncio
from typing import Any, Final

from eth_account import Account

from zarathustra.chain.calls import LATEST, explain_revert
from zarathustra.chain.fees import Fees
from zarathustra.chain.flights import NO_VALUE, Flight, Intent, Mined, RecordIntent, Transaction
from zarathustra.chain.pool import AccountView, FoundReceipt, parse_hash_of
from zarathustra.chain.quantities import format_data, format_quantity, parse_data, parse_quantity
from zarathustra.chain.rpc import CallReverted, Rpc
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockNumber, Wei

__all__ = ["DEFAULT_POLL_S", "NO_VALUE", "Fees", "Intent", "Mined", "Sender", "Transaction"]

GAS_MARGIN_PERCENT: Final = 25  # state moves between estimate and inclusion; unused gas is not paid
DEFAULT_STUCK_BLOCKS: Final = 3
DEFAULT_POLL_S: Final = 1.0
DEFAULT_PATIENCE_S: Final = 30.0  # nodes count a nonce before they serve its receipt, and some are behind others
DEFAULT_MAX_FEE: Final = Wei(500 * 10**9)  # per gas; high fees must not empty the operator's account
MAX_BROADCASTS: Final = 30  # of one replacement: 1.125^30 is 34 times the first fee
# Refusals in a row for which the chain's state gives no reason. The pool may be full, or want more than the market's
# fees: 1.125^8 is 2.6 times as much. Anything else does not change by paying more.
MAX_UNEXPLAINED: Final = 8

MAX_RESTARTS: Final = 5  # each means that another process used the nonce; with one sender per key, at most one
TRANSFER_GAS: Final = 21_000

# After these, nobody knows whether a node took the transaction.
_LOST_ANSWERS: Final = frozenset({Reason.RPC_UNREACHABLE, Reason.RPC_TIMEOUT, Reason.RATE_LIMITED})


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
        self._view = AccountView(rpc, self.address)
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
            result: bytes = await self._rpc.call("eth_call", self._to_request(transaction), LATEST, parse=parse_data)
        except CallReverted as error:
            raise explain_revert(error, "simulate transaction") from error
        return result

    async def send(self, transaction: Transaction, *, may_restart: bool = True) -> Mined:
        """Simulate, send, and return once mined. Once it is sent there is no time limit, whether a node answers or not.

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

    async def _launch(self, transaction: Transaction, gas: int) -> Flight:
        """Allocate a nonce and broadcast; on failure the nonce is free again."""
        async with self._lock:
            market = await self._view.fetch_market()
            fees = market.fees.capped(self._max_fee)
            flight = Flight(transaction, await self._find_nonce(), gas, fees, sent_at=market.block)
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
            self._next_nonce = await self._view.count_mined()
        while self._next_nonce in self._in_flight:
            self._next_nonce += 1
        return self._next_nonce

    # ---- sending

    async def _broadcast(self, flight: Flight) -> None:
        """Send the transaction at its fees, or at the lowest higher ones that the pool accepts.

        Returns when it was sent, or may have been: then the watch finds out. Raises Retry when no node takes it.
        """
        unexplained = 0
        for _ in range(MAX_BROADCASTS):
            raw, transaction_hash = self._sign(flight)
            self._on_intent(Intent(self.address, flight.nonce, transaction_hash, flight.transaction.to, flight.fees))
            try:
                await self._rpc.call("eth_sendRawTransaction", format_data(raw), parse=parse_hash_of(transaction_hash))
                flight.note(transaction_hash)
                return
            except Retry as error:
                if await self._is_taken(flight, transaction_hash, error):
                    flight.note(transaction_hash)
                    return
                unexplained = 0 if await self._is_nonce_waiting(flight) else unexplained + 1
                if unexplained > MAX_UNEXPLAINED or not await self._may_pay_more(flight):
                    raise
            flight.fees = flight.fees.bumped().capped(self._max_fee)
        raise Retry(Reason.RPC_ERROR, "replace pending transaction", nonce=flight.nonce)

    async def _is_taken(self, flight: Flight, transaction_hash: bytes, error: Retry) -> bool:
        """Return whether this transaction, or an earlier one of the flight, may be mined despite the failure.

        Raises `_NonceTaken` when another process's transaction was mined, and the failure itself when no node has this
        transaction and none of them refused it.
        """
        try:
            if await self._view.is_any_known([transaction_hash]):
                return True
            mined_count = await self._view.count_mined()
        except Retry:
            if error.reason in _LOST_ANSWERS:
                return True  # and now nobody can tell
            raise
        if mined_count > flight.nonce:
            if flight.hashes:
                return True  # an earlier broadcast of this nonce was mined meanwhile: the watch finds it
            raise _NonceTaken from error
        if error.reason in _LOST_ANSWERS:
            raise error
        return False

    async def _is_nonce_waiting(self, flight: Flight) -> bool:
        """Return whether a transaction of this nonce waits in the pool: only higher fees replace it."""
        return await self._view.count_pending() > flight.nonce

    async def _may_pay_more(self, flight: Flight) -> bool:
        """Return whether the fees may still be raised, and whether the account holds what it offers now."""
        cost = flight.transaction.value + flight.gas * flight.fees.max_fee
        return flight.fees.max_fee < self._max_fee and await self._view.fetch_balance() >= cost

    def _sign(self, flight: Flight) -> tuple[bytes, bytes]:
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

    async def _watch(self, flight: Flight) -> Mined:
        """Wait for a receipt of any of the hashes; raise the fees when none comes. Nodes may fail meanwhile."""
        while True:
            try:
                mined = await self._check_progress(flight)
            except Retry:
                mined = None
            if mined is not None:
                return mined
            await asyncio.sleep(self._poll_s)

    async def _check_progress(self, flight: Flight) -> Mined | None:
        progress = await self._view.fetch_progress(flight.hashes)
        if progress.found is not None:
            return await self._judge_receipt(progress.found, flight)
        if progress.mined_count != flight.nonce and progress.mined_count not in self._in_flight:
            await self._judge_odd_count(flight, progress.mined_count)
        elif progress.block - flight.sent_at >= self._stuck_blocks:
            flight.sent_at = progress.block
            await self._send_again(flight)
        return None

    async def _judge_odd_count(self, flight: Flight, mined_count: int) -> None:
        """Handle a transaction count of the account that matches none of this sender's nonces.

        The node may only be behind, so wait for `patience_s` first. If the count is above this nonce, the nonce was
        used, but the node has no receipt for our hashes: receipts can be late, and sending again could act twice. So
        another process used it only if the node knows none of our transactions either. If the count is below, a
        reorganisation dropped an earlier transaction, and this one cannot be mined before another one takes that nonce.
        """
        now = asyncio.get_running_loop().time()
        flight.odd_since = now if flight.odd_since is None else flight.odd_since
        if now - flight.odd_since < self._patience_s:
            return
        if mined_count > flight.nonce:
            if await self._view.is_any_known(flight.hashes):
                return
            raise _NonceTaken
        await self._fill_gap(mined_count, flight.fees)
        flight.odd_since = None

    async def _fill_gap(self, nonce: int, fees: Fees) -> None:
        """Send an empty transaction to the own address with that nonce."""
        filler = Flight(Transaction(self.address, b""), nonce, TRANSFER_GAS, fees)
        async with self._lock:
            try:
                await self._broadcast(filler)
            except _NonceTaken:
                return

    async def _send_again(self, flight: Flight) -> None:
        """Raise the fees; at the limit send the same bytes, because a pool may have dropped them."""
        if flight.fees.max_fee < self._max_fee:
            market = await self._view.fetch_market()
            flight.fees = flight.fees.bumped().raised_to(market.fees).capped(self._max_fee)
        await self._broadcast(flight)

    async def _judge_receipt(self, found: FoundReceipt, flight: Flight) -> Mined:
        if not found.has_succeeded:
            raise await self._explain_failure(flight.transaction, found.receipt.block_number)
        return Mined(found.receipt, found.logs)

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
            gas: int = await self._rpc.call(
                "eth_estimateGas", self._to_request(transaction), LATEST, parse=parse_quantity
            )
        except CallReverted as error:
            raise explain_revert(error, "estimate gas") from error
        return gas * (100 + GAS_MARGIN_PERCENT) // 100
