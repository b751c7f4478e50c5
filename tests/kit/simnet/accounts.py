"""The accounts of owner, contributors and strangers in a simnet, and how they send transactions."""

from typing import Final

from tests.kit.simnet.connections import OperatorStore
from zarathustra.chain.contracts import CenterContract, GovernanceContract, MarketContract
from zarathustra.chain.market import MarketReader
from zarathustra.chain.port import Deployment
from zarathustra.chain.reader import ChainTaskReader
from zarathustra.chain.rpc import Rpc
from zarathustra.chain.transactions import Sender
from zarathustra.core.types import Address
from zarathustra.sdk.client import Client, Reader, log_intent
from zarathustra.sdk.network import Network
from zarathustra.signing.keys import EcdsaSecretKey

ETHER: Final = 10**18
TREASURY: Final = Address(b"\x7e" * 20)
OWNER_KEY: Final = EcdsaSecretKey.from_int(0x0DE0)
CONTRIBUTOR_KEYS: Final = tuple(EcdsaSecretKey.from_int(0xC0DE + number) for number in range(3))
STRANGER_KEY: Final = EcdsaSecretKey.from_int(0x57A6)


def build_sender(rpc: Rpc, key: EcdsaSecretKey, chain_id: int, *, poll_s: float) -> Sender:
    return Sender(rpc, key.reveal(), chain_id=chain_id, on_intent=log_intent, poll_s=poll_s)


def build_client(
    rpc: Rpc, deployment: Deployment, key: EcdsaSecretKey, store: OperatorStore, *, poll_s: float
) -> Client:
    """Build an account's client for the SDK's calls."""
    sender = build_sender(rpc, key, deployment.chain_id, poll_s=poll_s)
    reader = Reader(
        network=Network((), "", deployment),
        rpc=rpc,
        market=MarketReader(rpc, deployment),
        tasks=ChainTaskReader(rpc, deployment),
        artefacts=store,
    )
    return Client(
        reader=reader,
        sender=sender,
        writer=store,
        governance=GovernanceContract(sender, deployment),
        center=CenterContract(sender, deployment),
        market=MarketContract(sender, deployment),
    )
