"""The chain that a simnet runs on: one anvil with the contracts deployed and the operators registered.

Every run starts from this state. Keys, block times and base fees are fixed, so that equal transactions in equal blocks
give equal hashes.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from devnet.anvil import Anvil
from tests.kit.signing.operators import OperatorKeys, make_keys
from tests.kit.simnet.accounts import CONTRIBUTOR_KEYS, ETHER, OWNER_KEY, TREASURY, build_client, build_sender
from tests.kit.simnet.connections import OperatorStore
from zarathustra.chain.deploy import DeploymentParameters, deploy
from zarathustra.chain.port import Deployment
from zarathustra.chain.rpc import HttpRpc, Rpc
from zarathustra.core.types import Address, OperatorId, Wei
from zarathustra.sdk.operators import consent_to_owner, register_operator, seal_operator_set
from zarathustra.signing.backends import FAST, load_backend
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import BlsSecretKey, EcdsaSecretKey
from zarathustra.signing.keystore import KeystoreCost, save_bls_keystore, save_ecdsa_keystore
from zarathustra.store.memory import MemoryStore

STAKE: Final = Wei(10 * ETHER)
GENESIS_S: Final = 1_800_000_000  # any; fixed, so that the chain is the same in every run of the tests
CHAIN_BLOCK_S: Final = 12
BASE_FEE: Final = 10**9  # fixed: anvil's own moves on even when the chain is reset
SLOTS_IN_AN_EPOCH: Final = 4  # the newest 8 blocks can be reorganised
REAL_POLL_S: Final = 0.002  # while the stage is prepared, in real time
PASSWORD: Final = "development"


@dataclass(frozen=True)
class Operator:
    """One operator's keys, and the keystores that the services load them from."""

    number: int
    directory: Path

    @property
    def keys(self) -> OperatorKeys:
        return make_keys(self.number)

    @property
    def signing(self) -> EcdsaSecretKey:
        return self.keys.ecdsa

    @property
    def voting(self) -> BlsSecretKey:
        return self.keys.bls

    @property
    def keeper(self) -> EcdsaSecretKey:
        return EcdsaSecretKey.from_int(0x52_00 + self.number)

    @property
    def operator_id(self) -> OperatorId:
        return self.keys.operator_id

    def save(self) -> None:
        """Write the keystores."""
        self.directory.mkdir()
        cost = KeystoreCost.DEVELOPMENT
        save_ecdsa_keystore(self.directory / "signing.json", self.signing, PASSWORD, cost=cost)
        save_ecdsa_keystore(self.directory / "keeper.json", self.keeper, PASSWORD, cost=cost)
        save_bls_keystore(self.directory / "voting.json", self.voting, PASSWORD, cost=cost)


@dataclass
class Stage:
    """A chain with everything deployed. Each run resets it."""

    anvil: Anvil
    deployment: Deployment
    operators: tuple[Operator, ...]
    snapshot: str

    async def keep(self, rpc: Rpc) -> None:
        """Let every run start from the chain's present state."""
        self.snapshot = await rpc.call("evm_snapshot")

    async def reset(self, rpc: Rpc) -> None:
        """Go back to the state that every run starts from."""
        await rpc.call("evm_revert", self.snapshot)
        await rpc.call("anvil_dropAllTransactions")
        await self.keep(rpc)  # a snapshot serves once


def open_for_tests(factory: pytest.TempPathFactory, *, operator_count: int = 3) -> Iterator[Stage]:
    """Open a stage, for `yield from` in a fixture. It opens and closes in real time, around tests in simulated time."""
    with asyncio.Runner() as runner:
        opening = open_stage(factory.mktemp("simnet"), operator_count=operator_count)
        yield runner.run(opening.__aenter__())
        runner.run(opening.__aexit__(None, None, None))


@asynccontextmanager
async def open_stage(directory: Path, *, operator_count: int = 3) -> AsyncIterator[Stage]:
    """Start a chain, deploy, register the operators and seal their set. Needs real time."""
    operators = tuple(Operator(number, directory / f"operator-{number}") for number in range(1, operator_count + 1))
    for operator in operators:
        operator.save()
    anvil = Anvil(
        slots_in_an_epoch=SLOTS_IN_AN_EPOCH, genesis_time_s=GENESIS_S, log_file=directory / "anvil" / "anvil.log"
    )
    async with anvil, HttpRpc([anvil.url]) as rpc:
        await rpc.call("evm_setAutomine", False)
        miner = asyncio.create_task(_mine_at_once(rpc))
        try:
            deployment = await _deploy(rpc, anvil.chain_id, operator_count)
            await _register(rpc, deployment, operators)
        finally:
            miner.cancel()
            await asyncio.gather(miner, return_exceptions=True)
        yield Stage(anvil, deployment, operators, await rpc.call("evm_snapshot"))


async def mine_block(rpc: Rpc) -> None:
    """Mine a block whose hash depends on its parent and its transactions only."""
    head = await rpc.call("eth_getBlockByNumber", "latest", False)
    await rpc.call("evm_setNextBlockTimestamp", int(head["timestamp"], 16) + CHAIN_BLOCK_S)
    await rpc.call("anvil_setNextBlockBaseFeePerGas", hex(BASE_FEE))
    await rpc.call("evm_mine")


async def _mine_at_once(rpc: Rpc) -> None:
    """Mine a block when a transaction waits: how many blocks there are does not depend on the machine's speed."""
    while True:
        pool = await rpc.call("txpool_status")
        if int(pool["pending"], 16):
            await mine_block(rpc)
        await asyncio.sleep(REAL_POLL_S)


async def _deploy(rpc: Rpc, chain_id: int, operator_count: int) -> Deployment:
    await _fund(rpc, compute_address(OWNER_KEY), *map(compute_address, CONTRIBUTOR_KEYS))
    parameters = DeploymentParameters(
        admin=compute_address(OWNER_KEY),
        guardian=compute_address(OWNER_KEY),
        resolver=compute_address(OWNER_KEY),
        treasury=TREASURY,
        is_registration_open=True,
        min_stake=Wei(ETHER),
        activation_delay=0,
        min_attempt_blocks=6,
        min_dispute_blocks=0,
        min_operators=operator_count,
    )
    sender = build_sender(rpc, OWNER_KEY, chain_id, poll_s=REAL_POLL_S)
    return (await deploy(sender, rpc, parameters, chain_id=chain_id)).deployment


async def _register(rpc: Rpc, deployment: Deployment, operators: Sequence[Operator]) -> None:
    client = build_client(rpc, deployment, OWNER_KEY, OperatorStore(MemoryStore()), poll_s=REAL_POLL_S)
    backend = load_backend(FAST)
    for operator in operators:
        await _fund(rpc, Address(operator.operator_id), compute_address(operator.keeper))
        await register_operator(
            client,
            backend,
            bls_key=operator.voting,
            consent=consent_to_owner(
                deployment,
                operator.signing,
                owner=client.address,
                bls_key_eip2537=backend.g1_to_eip2537(backend.public_key(operator.voting)),
            ),
            rewards_receiver=Address(operator.operator_id),
            stake=STAKE,
        )
    await seal_operator_set(client)


async def _fund(rpc: Rpc, *addresses: Address) -> None:
    for address in addresses:
        await rpc.call("anvil_setBalance", "0x" + address.hex(), hex(1_000 * ETHER))
