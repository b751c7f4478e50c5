"""Seed headers of a real node: what the contract accepts as proof, and what it refuses."""

import pytest

from tests.kit.chain.anvil import mine
from tests.kit.chain.market import TestMarket, deploy_market
from zarathustra.chain.abi import ATTESTATION_CENTER, SEED_SOURCE
from zarathustra.chain.contracts import SendingContract
from zarathustra.chain.headers import encode_header, fetch_seed_header
from zarathustra.chain.rpc import HttpRpc
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlockNumber

pytestmark = pytest.mark.chain

pytest_plugins = ["tests.kit.chain.anvil_fixture"]

DEEP_BLOCKS = 300  # more than BLOCKHASH reaches: the contract asks the history contract of EIP-2935


async def open_source(market: TestMarket) -> SendingContract:
    """Open the deployed source of randomness, for simulated calls."""
    center = SendingContract(market.owner, ATTESTATION_CENTER, market.deployment.attestation_center)
    (address,) = await center.simulate("seedSource")
    return SendingContract(market.owner, SEED_SOURCE, address)


async def test_fetch_seed_header__blocks_with_and_without_transactions__contract_reads_the_same(rpc: HttpRpc) -> None:
    market = await deploy_market(rpc)
    await mine(rpc, 2)
    source = await open_source(market)
    for number in range(1, market.deployment.deployed_at + 3):
        header = await fetch_seed_header(rpc, BlockNumber(number))
        assert await source.simulate("randomnessOf", number, header.encoded) == (header.prev_randao,)


async def test_fetch_seed_header__old_block__still_proven(rpc: HttpRpc) -> None:
    market = await deploy_market(rpc)
    number = market.deployment.deployed_at
    await mine(rpc, DEEP_BLOCKS)
    header = await fetch_seed_header(rpc, number)
    assert await (await open_source(market)).simulate("randomnessOf", number, header.encoded) == (header.prev_randao,)


async def test_fetch_seed_header__first_block__refused_here_and_by_the_contract(rpc: HttpRpc) -> None:
    with pytest.raises(Invalid) as ours:
        await fetch_seed_header(rpc, BlockNumber(0))
    assert ours.value.reason is Reason.NO_RANDOMNESS

    source = await open_source(await deploy_market(rpc))
    encoded = encode_header(await rpc.call("eth_getBlockByNumber", "0x0", False))
    with pytest.raises(Invalid) as contracts:
        await source.simulate("randomnessOf", 0, encoded)
    assert contracts.value.details["error"] == "NoRandomness"


async def test_fetch_seed_header__header_of_another_block__contract_refuses_it(rpc: HttpRpc) -> None:
    market = await deploy_market(rpc)
    source = await open_source(market)
    header = await fetch_seed_header(rpc, BlockNumber(1))
    with pytest.raises(Invalid) as caught:
        await source.simulate("randomnessOf", 2, header.encoded)
    assert caught.value.details["error"] == "WrongHeader"
