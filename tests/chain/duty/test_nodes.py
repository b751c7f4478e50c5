"""Services compare the contracts with their deployment file before they do anything else."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from devnet.anvil import DEFAULT_CHAIN_ID, Anvil
from tests.kit.chain.market import DEV_KEYS, OWNER, build_parameters, make_sender
from tests.kit.paths import ROOT
from tests.kit.waiting import within
from zarathustra.chain import abi
from zarathustra.chain.deploy import deploy
from zarathustra.chain.deployment import DeployedContract, DeploymentRecord, dump_record
from zarathustra.chain.quantities import parse_quantity
from zarathustra.chain.rpc import HttpRpc
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlockNumber
from zarathustra.duty.nodes import open_nodes
from zarathustra.runtime.lifecycle import EXIT_BAD_SETTING
from zarathustra.runtime.settings import Secret
from zarathustra.telemetry.metrics import Metrics

pytestmark = pytest.mark.chain
pytest_plugins = ["tests.kit.chain.anvil_fixture"]

NOWHERE = "127.0.0.1:9"
OPERATOR = {"OPERATOR_KEY_FILE": "/missing/key.json", "OPERATOR_KEY_PASSWORD": "unused"}
DUTY = {**OPERATOR, "IPFS_API_URL": f"http://{NOWHERE}"}
# What each service needs besides the nodes. None of it exists: the check comes first.
ENVIRONMENTS = {
    "indexer": {},
    "performer": DUTY,
    "validator": {
        **DUTY,
        "BLS_KEY_FILE": "/missing/voting.json",
        "BLS_KEY_PASSWORD": "unused",
        "VOTE_LOG_FILE": "/missing/votes.sqlite",
    },
    "aggregator": {**OPERATOR, "DATA_DIR": "/missing/data"},
}


@pytest_asyncio.fixture
async def record(rpc: HttpRpc) -> DeploymentRecord:
    sender = make_sender(rpc, DEV_KEYS[OWNER])
    return await deploy(sender, rpc, build_parameters(sender.address), chain_id=DEFAULT_CHAIN_ID)


def forge(record: DeploymentRecord) -> DeploymentRecord:
    """Return the record with a wrong hash of one code."""
    wrong = DeployedContract(record.addresses[abi.VERIFIER], bytes(32))
    return replace(record, contracts={**record.contracts, abi.VERIFIER: wrong})


async def open_with(anvil: Anvil, record: DeploymentRecord) -> int:
    """Open the nodes, and return the head."""
    async with open_nodes(Secret(anvil.url), record, Metrics("indexer")) as rpc:
        return parse_quantity(await rpc.call("eth_blockNumber"))


async def test_open_nodes__right_deployment__opens(anvil: Anvil, record: DeploymentRecord) -> None:
    assert await open_with(anvil, record) >= record.deployed_at


async def test_open_nodes__other_code__wrong_deployment(anvil: Anvil, record: DeploymentRecord) -> None:
    with pytest.raises(Invalid) as caught:
        await open_with(anvil, forge(record))
    assert caught.value.reason is Reason.WRONG_DEPLOYMENT


async def test_open_nodes__other_chain__bad_setting(anvil: Anvil, record: DeploymentRecord) -> None:
    with pytest.raises(Invalid) as caught:
        await open_with(anvil, replace(record, chain_id=1))
    assert caught.value.reason is Reason.BAD_SETTING


async def test_open_nodes__node_behind_the_deployment__retry(anvil: Anvil, record: DeploymentRecord) -> None:
    with pytest.raises(Retry) as caught:
        await open_with(anvil, replace(record, deployed_at=BlockNumber(1_000_000)))
    assert caught.value.reason is Reason.RPC_ERROR


@pytest.mark.parametrize("service", ENVIRONMENTS)
async def test_service__wrong_deployment__ends_with_that_reason(
    service: str, anvil: Anvil, record: DeploymentRecord, tmp_path: Path
) -> None:
    file = tmp_path / "deployment.json"
    file.write_text(dump_record(forge(record)))
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": NOWHERE,
        "ETH_RPC_URLS": anvil.url,
        "DEPLOYMENT_FILE": str(file),
        "HTTP_LISTEN": "127.0.0.1:0",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{service}"),
        cwd=ROOT,
        env=os.environ | settings | ENVIRONMENTS[service],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await within(process.communicate())
    assert process.returncode == EXIT_BAD_SETTING, output
    assert b'"reason": "wrong_deployment"' in output
