"""The chain of a development network: start it, fund accounts, mine on demand."""

from types import TracebackType
from typing import Protocol, Self

from zarathustra.chain.rpc import Rpc
from zarathustra.core.types import Address, Wei


class ChainError(Exception):
    """The chain cannot be started; the message says what to look at."""


class DevelopmentChain(Protocol):
    """A chain process on this machine, `devnet.anvil` or `devnet.geth`. Use as an async context manager."""

    name: str
    chain_id: int

    @property
    def url(self) -> str:
        """The address where it answers JSON-RPC; known once it has started."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def fund(self, rpc: Rpc, address: Address, amount: Wei) -> None:
        """Make sure that `address` has `amount` or more of the chain's coin."""

    async def mine(self, rpc: Rpc) -> None:
        """Mine a block now, at a later second than the last: the chain's clock may run ahead of ours."""
