"""The chain of a development network: start it, fund accounts, mine on demand."""

from types import TracebackType
from typing import Protocol, Self

from zarathustra.chain.rpc import Rpc
from zarathustra.core.types import Address, Wei


class DevelopmentChain(Protocol):
    """A chain process on this machine; `devnet.anvil` has one. Use as an async context manager."""

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
        """Mine a block now if the chain can; otherwise return when the next one is due."""
