"""The chains of a development network: one suite for all of them. That of geth is skipped where it is not installed."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from devnet.chain import DevelopmentChain
from devnet.chains import CHAINS, build_chain
from devnet.geth import BINARY_VARIABLE, GethError, build_genesis, find_geth
from devnet.keys import create_administrator_key
from devnet.network import ETHER, deploy_contracts, in_a_hurry, offer_token
from devnet.token import MIN_FEE
from tests.kit.chain.geth import skip_without_geth
from tests.kit.chain.market import DEV_KEYS, deploy_market
from tests.kit.waiting import until
from zarathustra.chain.abi import ATTESTATION_CENTER, SEED_SOURCE
from zarathustra.chain.calls import fetch_head
from zarathustra.chain.contracts import SendingContract
from zarathustra.chain.headers import fetch_seed_header
from zarathustra.chain.market import MarketReader
from zarathustra.chain.quantities import parse_quantity
from zarathustra.chain.rpc import HttpRpc, Rpc
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockNumber, Wei
from zarathustra.sdk.network import NetworkFile
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import EcdsaSecretKey

pytestmark = pytest.mark.chain

DEEP_BLOCKS = 260  # more than BLOCKHASH reaches: the contract asks the history contract of EIP-2935
ACCOUNT = Address(b"\xac" * 20)


@pytest_asyncio.fixture(params=CHAINS)
async def chain(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DevelopmentChain]:
    if request.param == "geth":
        skip_without_geth()
    async with build_chain(request.param, tmp_path) as started:
        yield started


@pytest_asyncio.fixture
async def rpc(chain: DevelopmentChain) -> AsyncIterator[HttpRpc]:
    async with HttpRpc([chain.url]) as client:
        yield client


async def fetch_balance(rpc: Rpc, account: Address) -> int:
    return parse_quantity(await rpc.call("eth_getBalance", "0x" + account.hex(), "latest"))


async def test_chain__started__answers_with_its_id_and_mines_by_itself(chain: DevelopmentChain, rpc: HttpRpc) -> None:
    assert parse_quantity(await rpc.call("eth_chainId")) == chain.chain_id

    async def has_mined() -> bool:
        return (await fetch_head(rpc)).number > 1

    await until(has_mined)


async def test_fund__twice__the_account_has_the_amount(chain: DevelopmentChain, rpc: HttpRpc) -> None:
    await chain.fund(rpc, ACCOUNT, Wei(3 * ETHER))
    assert await fetch_balance(rpc, ACCOUNT) == 3 * ETHER
    await chain.fund(rpc, ACCOUNT, Wei(5 * ETHER))
    assert await fetch_balance(rpc, ACCOUNT) == 5 * ETHER


async def test_mine__several_at_once__each_is_there_and_later_than_the_last(
    chain: DevelopmentChain, rpc: HttpRpc
) -> None:
    heads = [await fetch_head(rpc)]
    for _ in range(5):
        await chain.mine(rpc)
        heads.append(await fetch_head(rpc))
    for earlier, later in itertools.pairwise(heads):
        assert later.number > earlier.number
        assert later.timestamp_s > earlier.timestamp_s


async def test_seed_header__new_and_old_blocks__contract_reads_the_same(chain: DevelopmentChain, rpc: HttpRpc) -> None:
    for key in DEV_KEYS:
        await chain.fund(rpc, compute_address(EcdsaSecretKey(key)), Wei(100 * ETHER))
    async with in_a_hurry(chain, rpc):
        market = await deploy_market(rpc)
    center = SendingContract(market.owner, ATTESTATION_CENTER, market.deployment.attestation_center)
    source = SendingContract(market.owner, SEED_SOURCE, (await center.simulate("seedSource"))[0])
    for _ in range(DEEP_BLOCKS):
        await chain.mine(rpc)

    head = (await fetch_head(rpc)).number
    for number in (market.deployment.deployed_at, market.deployment.deployed_at + 1, head - 1):
        header = await fetch_seed_header(rpc, BlockNumber(number))
        assert await source.simulate("randomnessOf", number, header.encoded) == (header.prev_randao,)


async def test_seed_header__first_block__has_no_randomness(rpc: HttpRpc) -> None:
    with pytest.raises(Invalid) as caught:
        await fetch_seed_header(rpc, BlockNumber(0))
    assert caught.value.reason is Reason.NO_RANDOMNESS


async def test_offer_token__by_the_timelock__projects_may_use_it(
    chain: DevelopmentChain, rpc: HttpRpc, tmp_path: Path
) -> None:
    administrator = create_administrator_key(tmp_path / "administrator")
    async with in_a_hurry(chain, rpc):
        record = await deploy_contracts(chain, rpc, administrator, ACCOUNT, operator_count=3)
        reader = MarketReader(rpc, record.deployment)
        token = await offer_token(chain, rpc, NetworkFile((chain.url,), "", record), administrator)
        await token.give(ACCOUNT, Wei(7))
    assert await reader.fetch_min_fee(token.address) == MIN_FEE
    assert await reader.fetch_min_fee(ACCOUNT) == 0
    assert await token.faucet.fetch_balance(ACCOUNT) == 7


# ---- geth


def test_find_geth__not_installed__says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(GethError, match="go install"):
        find_geth({"PATH": str(tmp_path)})
    with pytest.raises(GethError, match=f"{BINARY_VARIABLE} names no program"):
        find_geth({BINARY_VARIABLE: str(tmp_path / "geth"), "PATH": str(tmp_path)})


def test_build_genesis__with_drafts_of_forks__leaves_them_out() -> None:
    dumped = {
        "config": {"osakaTime": 0, "draftTime": 0, "londonBlock": 0, "blobSchedule": {"prague": {"max": 9}}},
        "alloc": {"01": {"balance": "0x1"}},
    }
    genesis = build_genesis(dumped, chain_id=7, faucet=ACCOUNT)
    assert genesis["config"].keys() == {"osakaTime", "londonBlock", "chainId", "blobSchedule"}
    assert genesis["config"]["blobSchedule"] == {"prague": {"max": 9}, "osaka": {"max": 9}}
    assert genesis["alloc"].keys() == {"01", ACCOUNT.hex()}
