"""Projects in an ERC-20: the SDK's calls on the deployed contracts, with tokens of two kinds."""

from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio

from devnet.example import load_artefacts
from devnet.token import MIN_FEE, PLAIN, RESET_FIRST, SUPPLY, deploy_token
from tests.kit.chain.anvil import mine
from tests.kit.chain.market import DEV_KEYS, IMPROVED, TestMarket, Verdict, deploy_market, make_sender
from tests.kit.simnet.accounts import build_client
from tests.kit.simnet.connections import OperatorStore
from zarathustra.chain.abi import MODEL_SUBMISSION
from zarathustra.chain.contracts import SendingContract
from zarathustra.chain.rpc import HttpRpc
from zarathustra.chain.tokens import Token
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, Cid, ProjectId, SubmissionIndex, Wei
from zarathustra.sdk.client import Client
from zarathustra.sdk.contributor import commit, draw_ticket, reveal, withdraw
from zarathustra.sdk.owner import Terms, publish_project, top_up
from zarathustra.sdk.payments import prepare_payment
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.store.memory import MemoryStore

pytestmark = pytest.mark.chain
pytest_plugins = ["tests.kit.chain.anvil_fixture"]

OWNER, CONTRIBUTOR, FAUCET = DEV_KEYS[0], DEV_KEYS[1], DEV_KEYS[3]
POOL, BUDGET, REWARD = Wei(7_000 * MIN_FEE + 1), Wei(50 * MIN_FEE + 3), Wei(2_000 * MIN_FEE + 5)
BOND, FEE = Wei(40 * MIN_FEE + 7), Wei(MIN_FEE + 11)
OWNER_HOLDS, CONTRIBUTOR_HOLDS = Wei(20_000 * MIN_FEE), Wei(100 * MIN_FEE)
DISPUTE_BLOCKS = 3
CID = Cid("bafkchallenger")

# Contracts by hand. Every view answers 1; and the same with 255, but `allowance` answers 0.
ANSWERS_ONE = "0x600160005260206000f3"
ALLOWS_NOTHING = "0x63dd62ed3e60003560e01c1460195760ff60005260206000f35b600060005260206000f3"


class TokenMarket:
    """The contracts, a token that they accept, and the accounts of an owner and a contributor that hold some of it."""

    def __init__(self, market: TestMarket, token: Address) -> None:
        self.market = market
        self.token = token
        store = OperatorStore(MemoryStore())
        self.owner, self.contributor = (
            build_client(market.rpc, market.deployment, EcdsaSecretKey(key), store, poll_s=0.01)
            for key in (OWNER, CONTRIBUTOR)
        )

    @property
    def terms(self) -> Terms:
        return Terms(
            pool=POOL,
            budget=BUDGET,
            max_reward=REWARD,
            bond=BOND,
            fee=FEE,
            seed_delay=2,
            attempt_blocks=20,
            dispute_blocks=DISPUTE_BLOCKS,
            token=self.token,
        )

    def hold(self, client: Client) -> Token:
        return Token(self.market.rpc, client.sender, self.token)

    async def fetch_balance(self, account: Address) -> Wei:
        return await self.hold(self.owner).fetch_balance(account)

    async def fetch_allowance(self, client: Client) -> Wei:
        return await self.hold(client).fetch_allowance(self.market.deployment.model_submission)

    async def publish(self) -> ProjectId:
        """Publish a project and let its baseline pass."""
        project_id = await publish_project(self.owner, load_artefacts(), self.terms)
        await self.market.certify(Verdict())
        return project_id


OpenMarket = Callable[[str], Awaitable[TokenMarket]]


@pytest_asyncio.fixture
async def open_market(rpc: HttpRpc) -> OpenMarket:
    async def build(name: str) -> TokenMarket:
        market = await deploy_market(rpc)
        await market.register_operators()
        token = await deploy_token(rpc, make_sender(rpc, FAUCET), name=name)
        contract = SendingContract(market.owner, MODEL_SUBMISSION, market.deployment.model_submission)
        await contract.send("setToken", token.address, MIN_FEE)
        await token.give(market.owner.address, OWNER_HOLDS)
        await token.give(market.contributor.address, CONTRIBUTOR_HOLDS)
        return TokenMarket(market, token.address)

    return build


@pytest.mark.parametrize("name", [PLAIN, RESET_FIRST])
async def test_token_project__from_publish_to_withdrawal__every_unit_is_where_it_belongs(
    open_market: OpenMarket, name: str
) -> None:
    there = await open_market(name)
    owner, contributor, escrow = there.owner, there.contributor, there.market.deployment.model_submission
    project_id = await there.publish()
    assert await there.fetch_balance(escrow) == POOL + BUDGET
    assert await there.fetch_allowance(owner) == 0

    await top_up(owner, project_id, pool=Wei(13), budget=Wei(17))
    ticket = await draw_ticket(contributor, project_id, CID)
    index = await commit(contributor, ticket)
    assert await there.fetch_balance(escrow) == POOL + BUDGET + 30 + BOND
    assert await there.fetch_balance(contributor.address) == CONTRIBUTOR_HOLDS - BOND
    assert await there.fetch_allowance(contributor) == 0

    assert index == SubmissionIndex(1)
    await reveal(contributor, ticket, index)
    await there.market.certify(IMPROVED)
    await mine(there.market.rpc, DISPUTE_BLOCKS)
    await contributor.market.release(project_id, SubmissionIndex(1))
    assert await withdraw(contributor, token=there.token) == BOND + REWARD

    assert await there.fetch_balance(contributor.address) == CONTRIBUTOR_HOLDS + REWARD
    assert await there.fetch_balance(owner.address) == OWNER_HOLDS - POOL - BUDGET - 30
    assert await there.fetch_balance(escrow) == POOL + BUDGET + 30 - REWARD
    everyone = [await there.fetch_balance(one) for one in (owner.address, contributor.address, escrow)]
    assert sum(everyone) == OWNER_HOLDS + CONTRIBUTOR_HOLDS


async def test_commit__allowance_too_small__is_replaced(open_market: OpenMarket) -> None:
    there = await open_market(RESET_FIRST)
    project_id = await there.publish()
    await there.hold(there.contributor).approve(there.market.deployment.model_submission, Wei(BOND - 1))
    await commit(there.contributor, await draw_ticket(there.contributor, project_id, CID))
    assert await there.fetch_balance(there.contributor.address) == CONTRIBUTOR_HOLDS - BOND
    assert await there.fetch_allowance(there.contributor) == 0


async def test_commit__allowance_large_enough__no_approval_is_sent(open_market: OpenMarket) -> None:
    there = await open_market(PLAIN)
    project_id = await there.publish()
    await there.hold(there.contributor).approve(there.market.deployment.model_submission, Wei(BOND + 5))
    before = await there.contributor.sender.fetch_next_nonce()
    await commit(there.contributor, await draw_ticket(there.contributor, project_id, CID))
    assert await there.contributor.sender.fetch_next_nonce() == before + 1
    assert await there.fetch_allowance(there.contributor) == 5


async def test_commit__again_without_a_second_bond__returns_the_index_and_sends_nothing(
    open_market: OpenMarket,
) -> None:
    there = await open_market(PLAIN)
    project_id = await there.publish()
    ticket = await draw_ticket(there.contributor, project_id, CID)
    index = await commit(there.contributor, ticket)
    await there.hold(there.contributor).transfer(there.owner.address, Wei(CONTRIBUTOR_HOLDS - BOND))
    before = await there.contributor.sender.fetch_next_nonce()
    assert await commit(there.contributor, ticket) == index
    assert await there.contributor.sender.fetch_next_nonce() == before


async def test_commit__balance_too_small__says_so_and_sends_nothing(open_market: OpenMarket) -> None:
    there = await open_market(PLAIN)
    project_id = await there.publish()
    await there.hold(there.contributor).transfer(there.owner.address, Wei(CONTRIBUTOR_HOLDS - BOND + 1))
    before = await there.contributor.sender.fetch_next_nonce()
    with pytest.raises(Invalid) as caught:
        await commit(there.contributor, await draw_ticket(there.contributor, project_id, CID))
    assert caught.value.reason is Reason.LOW_BALANCE
    assert (caught.value.details["balance"], caught.value.details["needed"]) == (BOND - 1, BOND)
    assert await there.contributor.sender.fetch_next_nonce() == before


async def test_publish_project__token_not_allowed__says_so_and_sends_nothing(open_market: OpenMarket) -> None:
    there = await open_market(PLAIN)
    other = await deploy_token(there.market.rpc, there.market.owner)
    there.token = other.address
    before = await there.owner.sender.fetch_next_nonce()
    with pytest.raises(Invalid) as caught:
        await publish_project(there.owner, load_artefacts(), there.terms)
    assert caught.value.details["error"] == "TokenNotAllowed"
    assert await there.owner.sender.fetch_next_nonce() == before
    assert await there.fetch_balance(there.owner.address) == SUPPLY


async def test_prepare_payment__token_that_gives_no_allowance__is_given_up(rpc: HttpRpc) -> None:
    market = await deploy_market(rpc)
    client = build_client(rpc, market.deployment, EcdsaSecretKey(OWNER), OperatorStore(MemoryStore()), poll_s=0.01)
    token = Address(b"\x70" * 20)
    await rpc.call("anvil_setCode", "0x" + token.hex(), ANSWERS_ONE)
    assert await prepare_payment(client, token, Wei(1)) == 0
    await rpc.call("anvil_setCode", "0x" + token.hex(), ALLOWS_NOTHING)
    with pytest.raises(Invalid) as caught:
        await prepare_payment(client, token, Wei(2), read_attempts=2, pause_s=0.0)
    assert caught.value.reason is Reason.NOT_APPROVED
