"""The keeper's view of the contracts: numbers that both have."""

import pytest

from services.performer.keeper import ESCROW_GRACE_BLOCKS
from tests.kit.chain import fake
from tests.kit.chain.market import deploy_market
from zarathustra.chain.abi import MODEL_SUBMISSION
from zarathustra.chain.contracts import SendingContract
from zarathustra.chain.rpc import HttpRpc

pytestmark = pytest.mark.chain

pytest_plugins = ["tests.kit.chain.anvil_fixture"]


async def test_escrow_grace__contract_keeper_and_fake__agree(rpc: HttpRpc) -> None:
    market = await deploy_market(rpc)
    contract = SendingContract(market.owner, MODEL_SUBMISSION, market.deployment.model_submission)
    assert await contract.simulate("ESCROW_GRACE") == (ESCROW_GRACE_BLOCKS,)
    assert fake.ESCROW_GRACE_BLOCKS == ESCROW_GRACE_BLOCKS
