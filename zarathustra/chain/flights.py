"""One transaction on its way: what is sent, what is recorded before, and what is known of one nonce meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from zarathustra.chain.fees import Fees
from zarathustra.chain.logs import Log
from zarathustra.chain.port import Receipt
from zarathustra.core.types import Address, BlockNumber, Wei

NO_VALUE: Final = Wei(0)
GENESIS: Final = BlockNumber(0)


@dataclass(frozen=True)
class Transaction:
    """A transaction to send; `to` None creates a contract."""

    to: Address | None
    data: bytes
    value: Wei = NO_VALUE


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
"""Called before every broadcast."""


@dataclass
class Flight:
    """One nonce between allocation and receipt. Any of the hashes that were broadcast for it may be mined."""

    transaction: Transaction
    nonce: int
    gas: int
    fees: Fees
    hashes: list[bytes] = field(default_factory=list)
    sent_at: BlockNumber = GENESIS
    odd_since: float | None = None  # since when the account's count matches none of this sender's nonces

    def note(self, transaction_hash: bytes) -> None:
        """Note a hash that may be mined from now on."""
        if transaction_hash not in self.hashes:
            self.hashes.append(transaction_hash)
