"""The connection of one account to one network. Every call of the SDK uses it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from zarathustra.chain.contracts import CenterContract, GovernanceContract, MarketContract
from zarathustra.chain.market import MarketReader
from zarathustra.chain.port import Deployment
from zarathustra.chain.reader import ChainTaskReader
from zarathustra.chain.rpc import HttpRpc, Rpc
from zarathustra.chain.transactions import DEFAULT_POLL_S, Intent, Sender
from zarathustra.core.types import Address
from zarathustra.sdk.network import Network
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.store.endpoints import list_endpoints
from zarathustra.store.fetch import Fetcher
from zarathustra.store.port import ArtefactWriter
from zarathustra.store.writer import Writer
from zarathustra.telemetry.log import get_logger


@dataclass(frozen=True)
class Reader:
    """A network without an account: for all calls that only read."""

    network: Network
    rpc: Rpc
    market: MarketReader
    tasks: ChainTaskReader
    artefacts: Fetcher

    @property
    def deployment(self) -> Deployment:
        return self.network.deployment


@dataclass(frozen=True)
class Client:
    """A network with an account that signs transactions and adds artefacts."""

    reader: Reader
    sender: Sender
    writer: ArtefactWriter
    governance: GovernanceContract
    center: CenterContract
    market: MarketContract

    @property
    def address(self) -> Address:
        """The account's address."""
        return self.sender.address


@asynccontextmanager
async def open_reader(network: Network) -> AsyncIterator[Reader]:
    """Open a network for reading."""
    async with (
        HttpRpc(network.rpc_urls, chain_id=network.deployment.chain_id) as rpc,
        Fetcher(list_endpoints(network.ipfs_api_url)) as fetcher,
    ):
        yield Reader(
            network=network,
            rpc=rpc,
            market=MarketReader(rpc, network.deployment),
            tasks=ChainTaskReader(rpc, network.deployment),
            artefacts=fetcher,
        )


@asynccontextmanager
async def open_client(
    network: Network, key: EcdsaSecretKey, *, poll_seconds: float = DEFAULT_POLL_S
) -> AsyncIterator[Client]:
    """Open a network with an account. Use one client per key at a time: it alone assigns the key's nonces."""
    async with open_reader(network) as reader:
        sender = Sender(
            reader.rpc,
            key.reveal(),
            chain_id=network.deployment.chain_id,
            on_intent=log_intent,
            poll_s=poll_seconds,
        )
        yield Client(
            reader=reader,
            sender=sender,
            writer=Writer(network.ipfs_api_url, source=reader.artefacts),
            governance=GovernanceContract(sender, network.deployment),
            center=CenterContract(sender, network.deployment),
            market=MarketContract(sender, network.deployment),
        )


def log_intent(intent: Intent) -> None:
    """Log a transaction at level debug before it is broadcast: after a crash the log shows what may still be mined."""
    get_logger(component="sender").debug("Transaction signed", nonce=intent.nonce, sender=intent.sender)
