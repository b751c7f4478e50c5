"""The examples that use the contracts by their ABI alone: the files of `examples/by-abi`, run as their page says."""

import asyncio
import os
import platform
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from devnet.anvil import DEFAULT_CHAIN_ID, Anvil
from devnet.token import deploy_token
from tests.kit.chain.market import (
    BOND,
    CONTRIBUTOR,
    DEV_KEYS,
    FEE,
    IMPROVED,
    OPERATOR_KEYS,
    OWNER,
    WORSE,
    TestMarket,
    Verdict,
    build_parameters,
    make_params,
    make_sender,
)
from tests.kit.paths import ROOT
from tests.kit.waiting import until, within
from zarathustra.chain.abi import MODEL_SUBMISSION
from zarathustra.chain.contracts import COIN, SendingContract
from zarathustra.chain.deploy import deploy
from zarathustra.chain.deployment import dump_record
from zarathustra.chain.reader import ChainTaskReader
from zarathustra.chain.rpc import HttpRpc
from zarathustra.core.types import Address, ProjectId, Wei
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.signing.keystore import KeystoreCost, save_ecdsa_keystore

pytestmark = pytest.mark.chain
pytest_plugins = ["tests.kit.chain.anvil_fixture"]

EXAMPLES = ROOT / "examples" / "by-abi"
CAST = ROOT / "contracts" / "node_modules" / "@foundry-rs" / "cast-linux-amd64" / "bin"
NODE = ROOT / ".venv" / "bin"
CID = "bafkreichallenger"
PASSWORD = "development"
REWARD = make_params().max_reward


@dataclass
class Prepared:
    """A project that takes submissions, and what the examples need: a deployment file and a key in two forms."""

    market: TestMarket
    project_id: ProjectId
    folder: Path
    url: str

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "PATH": os.pathsep.join((str(CAST), str(NODE), os.environ["PATH"])),
            "HOME": str(self.folder),
            "ETH_RPC_URL": self.url,
            "ETH_KEYSTORE": str(self.folder / "key.json"),
            "ETH_PASSWORD": str(self.folder / "password.txt"),
            "RPC_URL": self.url,
            "PRIVATE_KEY_FILE": str(self.folder / "key.txt"),
        }

    async def has_open_task(self) -> bool:
        return bool(await ChainTaskReader(self.market.rpc, self.market.deployment).fetch_open_tasks())


async def prepare(rpc: HttpRpc, url: str, folder: Path, *, is_token: bool) -> Prepared:
    owner = make_sender(rpc, DEV_KEYS[OWNER])
    record = await deploy(owner, rpc, build_parameters(owner.address), chain_id=DEFAULT_CHAIN_ID)
    operators = tuple(make_sender(rpc, keys.ecdsa.reveal()) for keys in OPERATOR_KEYS)
    market = TestMarket(rpc, record.deployment, owner, make_sender(rpc, DEV_KEYS[CONTRIBUTOR]), operators)
    await market.register_operators()
    params = replace(make_params(), token=await offer_token(market) if is_token else COIN)
    project_id = await market.owner_market.create_project(params)
    await market.certify(Verdict())

    (folder / "deployment.json").write_text(dump_record(record))
    key = EcdsaSecretKey(DEV_KEYS[CONTRIBUTOR])
    save_ecdsa_keystore(folder / "key.json", key, PASSWORD, cost=KeystoreCost.DEVELOPMENT)
    (folder / "password.txt").write_text(PASSWORD)
    (folder / "key.txt").write_text("0x" + key.reveal().hex() + "\n")
    return Prepared(market, project_id, folder, url)


async def offer_token(market: TestMarket) -> Address:
    """Allow a token; the owner approves what a project takes, and the contributor holds one bond."""
    token = await deploy_token(market.rpc, market.owner)
    contract = SendingContract(market.owner, MODEL_SUBMISSION, market.deployment.model_submission)
    await contract.send("setToken", token.address, FEE)
    params = make_params()
    await token.faucet.approve(market.deployment.model_submission, Wei(params.pool + params.budget))
    await token.give(market.contributor.address, BOND)
    return token.address


@asynccontextmanager
async def run_example(prepared: Prepared, command: Sequence[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start an example; kill it at the end of the block if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *command,
        str(prepared.folder / "deployment.json"),
        str(prepared.project_id),
        CID,
        env=prepared.environment,
        cwd=prepared.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


COMMANDS = {"cast": ("bash", str(EXAMPLES / "commit.sh")), "viem": ("node", str(EXAMPLES / "commit.mjs"))}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="cast is installed for this machine only")
@pytest.mark.parametrize(
    ("tool", "is_token", "verdict", "credit"),
    [
        ("cast", False, IMPROVED, BOND + REWARD),
        ("viem", False, WORSE, 0),
        ("cast", True, WORSE, 0),
        ("viem", True, IMPROVED, BOND + REWARD),
    ],
)
async def test_example__coin_or_token__commits_reveals_and_reads_the_outcome(
    rpc: HttpRpc, anvil: Anvil, tmp_path: Path, tool: str, is_token: bool, verdict: Verdict, credit: int
) -> None:
    prepared = await prepare(rpc, anvil.url, tmp_path, is_token=is_token)
    async with run_example(prepared, COMMANDS[tool]) as example:
        ended = asyncio.create_task(example.communicate())

        async def is_revealed() -> bool:
            return ended.done() or await prepared.has_open_task()

        await until(is_revealed)
        if not ended.done():
            await prepared.market.certify(verdict)
        output, _ = await within(ended)
    assert output.decode().splitlines() == [
        f"committed: submission 1 of project {prepared.project_id}",
        f"revealed: {CID}",
        f"outcome: {'IMPROVED' if verdict is IMPROVED else 'WORSE'}",
        f"credit: {credit}",
    ]
    assert example.returncode == 0
    assert len((tmp_path / f"salt-{prepared.project_id}-{CID}").read_text().strip()) == len("0x") + 64
