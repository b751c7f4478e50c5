"""`zarathustra admin …` on the deployed contracts: every command, with keys that may and keys that may not."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio

from devnet.anvil import DEFAULT_CHAIN_ID, Anvil
from tests.kit.chain.market import (
    CONTRIBUTOR,
    DEV_KEYS,
    IMPROVED,
    OPERATOR_KEYS,
    OWNER,
    TestMarket,
    Verdict,
    make_params,
    make_sender,
)
from tests.kit.paths import ROOT
from zarathustra.chain.abi import load_abi
from zarathustra.chain.addresses import format_address
from zarathustra.chain.calls import Contract, ViewCall, fetch_head, fetch_views
from zarathustra.chain.deploy import deploy
from zarathustra.chain.deploy_parameters import parse_parameters
from zarathustra.chain.deployment import DeploymentRecord, load_record, to_document
from zarathustra.chain.market import MarketReader, OperatorStatus
from zarathustra.chain.rpc import HttpRpc
from zarathustra.cli.errors import FAILED, TRY_LATER
from zarathustra.cli.main import main
from zarathustra.core.types import OperatorId, TaskId
from zarathustra.sdk.network import NetworkFile, load_network_file, save_network
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.signing.keystore import KeystoreCost, save_ecdsa_keystore

pytestmark = pytest.mark.chain
pytest_plugins = ["tests.kit.chain.anvil_fixture"]

DELAY_S = 3_600
PASSWORD = "correct horse"
WRONG_USAGE = 2
ETHER = 10**18
ADMINISTRATOR, GUARDIAN, RESOLVER, STRANGER = (EcdsaSecretKey.from_int(0xAD0 + number) for number in range(4))
IPFS_API_URL = "http://127.0.0.1:5001"

T = TypeVar("T")


def hex_of(key: EcdsaSecretKey) -> str:
    return format_address(compute_address(key))


PARAMETERS = {
    "guardian": hex_of(GUARDIAN),
    "resolver": hex_of(RESOLVER),
    "treasury": "0x" + "7e" * 20,
    "is_registration_open": False,
    "epoch_blocks": 1,
    "activation_delay": 0,
    "min_dispute_blocks": 0,
    "timelock": {"delay_s": DELAY_S, "proposers": [hex_of(ADMINISTRATOR)], "executors": ["0x" + "00" * 20]},
}
PARAMETERS_TOML = f"""
guardian = "{PARAMETERS["guardian"]}"
resolver = "{PARAMETERS["resolver"]}"
treasury = "{PARAMETERS["treasury"]}"
min_stake = "2000000000000000000"

[timelock]
delay_s = {DELAY_S}
proposers = ["{hex_of(ADMINISTRATOR)}"]
executors = ["0x{"00" * 20}"]
"""


@dataclass(frozen=True)
class Run:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Runs commands in one folder, on one chain."""

    url: str
    folder: Path
    capture: pytest.CaptureFixture[str]

    @property
    def network(self) -> Path:
        return self.folder / "network.json"

    @property
    def record(self) -> DeploymentRecord:
        return load_network_file(self.network).record

    def run(self, *arguments: str) -> Run:
        """Run `zarathustra` as its script does."""
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = self.capture.readouterr()
        return Run(int(ended.value.code or 0), out, err)

    def show(self, *arguments: str) -> Run:
        """Run an `admin` command that needs no account."""
        return self.run("admin", *arguments, "--network", str(self.network))

    def act(self, key: EcdsaSecretKey, *arguments: str) -> Run:
        """Run an `admin` command with an account."""
        return self.run("admin", *arguments, "--network", str(self.network), *self.account_of(key))

    def account_of(self, key: EcdsaSecretKey) -> tuple[str, ...]:
        """Return the options that name a key."""
        path, password = self.folder / f"{hex_of(key)}.json", self.folder / "password"
        if not path.exists():
            password.write_text(PASSWORD)
            save_ecdsa_keystore(path, key, PASSWORD, cost=KeystoreCost.DEVELOPMENT)
        return "--key-file", str(path), "--password-file", str(password)

    def on_chain(self, act: Callable[[HttpRpc], Awaitable[T]]) -> T:
        """Do something with the chain that is no command."""

        async def connect() -> T:
            async with HttpRpc([self.url]) as rpc:
                return await act(rpc)

        return asyncio.run(connect())

    def pass_time(self, seconds: int) -> None:
        async def move(rpc: HttpRpc) -> None:
            await rpc.call("evm_increaseTime", seconds)
            await rpc.call("evm_mine")

        self.on_chain(move)

    def read(self, contract: str, getter: str, *arguments: object) -> Any:
        """Return what one view says now."""
        view = ViewCall(Contract(load_abi(contract), self.record.addresses[contract]), getter, arguments)

        async def fetch(rpc: HttpRpc) -> Any:
            answers = await fetch_views(rpc, (await fetch_head(rpc)).block_hash, [view])
            return view.parse(answers[0])[0]

        return self.on_chain(fetch)


@pytest_asyncio.fixture
async def funded(anvil: Anvil) -> Anvil:
    async with HttpRpc([anvil.url]) as rpc:
        for key in (ADMINISTRATOR, GUARDIAN, RESOLVER, STRANGER):
            await rpc.call("anvil_setBalance", hex_of(key), hex(100 * ETHER))
    return anvil


@pytest.fixture
def bare(funded: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A chain without contracts."""
    return Shell(funded.url, tmp_path, capsys)


@pytest.fixture
def shell(bare: Shell) -> Shell:
    """A chain with a deployment that a timelock administrates."""

    async def deploy_all(rpc: HttpRpc) -> DeploymentRecord:
        sender = make_sender(rpc, DEV_KEYS[OWNER])
        return await deploy(sender, rpc, parse_parameters(PARAMETERS), chain_id=DEFAULT_CHAIN_ID)

    record = bare.on_chain(deploy_all)
    save_network(NetworkFile((bare.url,), IPFS_API_URL, record), bare.network)
    return bare


async def open_market(rpc: HttpRpc, record: DeploymentRecord) -> TestMarket:
    operators = tuple(make_sender(rpc, keys.ecdsa.reveal()) for keys in OPERATOR_KEYS)
    owner, contributor = make_sender(rpc, DEV_KEYS[OWNER]), make_sender(rpc, DEV_KEYS[CONTRIBUTOR])
    return TestMarket(rpc, record.deployment, owner, contributor, operators)


def open_to_anyone(shell: Shell) -> None:
    """Open registration through the timelock, and register all operators."""
    assert shell.act(ADMINISTRATOR, "open-registration").status == 0
    shell.pass_time(DELAY_S)
    assert shell.act(STRANGER, "open-registration", "--execute").status == 0
    record = shell.record

    async def register(rpc: HttpRpc) -> None:
        await (await open_market(rpc, record)).register_operators()

    shell.on_chain(register)


# ---- deploy


def deploy_arguments(shell: Shell, *more: str, parameters: str = PARAMETERS_TOML) -> tuple[str, ...]:
    file = shell.folder / "parameters.toml"
    file.write_text(parameters)
    options = ("--rpc-url", shell.url, "--out", str(shell.folder / "deployment.json"))
    return "admin", "deploy", str(file), *options, *more, *shell.account_of(EcdsaSecretKey(DEV_KEYS[OWNER]))


def count_transactions(shell: Shell) -> int:
    async def count(rpc: HttpRpc) -> int:
        return int(await rpc.call("eth_getTransactionCount", hex_of(EcdsaSecretKey(DEV_KEYS[OWNER])), "latest"), 16)

    return shell.on_chain(count)


def test_deploy__with_a_timelock__files_hold_what_is_on_chain(bare: Shell) -> None:
    outputs = ("--network-out", str(bare.network), "--ipfs-api-url", IPFS_API_URL)
    ended = bare.run(*deploy_arguments(bare, "--chain-id", str(DEFAULT_CHAIN_ID), *outputs))
    assert ended.status == 0, ended.err
    record = load_record(bare.folder / "deployment.json")
    assert bare.record == record
    assert record.deployed_at == 1
    assert record.parameters.min_stake == 2 * ETHER
    assert ended.out.startswith("Timelock ")
    assert all(format_address(address) in ended.out for address in record.addresses.values())
    assert f"GUARDIAN        {hex_of(GUARDIAN)}" in ended.out

    checked = bare.show("check")
    assert checked.status == 0
    assert checked.out.count("as in the file") == len(record.contracts)
    assert "changed" not in checked.out
    roles = bare.show("roles", "--json").document["roles"]
    timelock = format_address(record.addresses["Timelock"])
    assert roles["ADMISSION"] == {"now": [timelock], "at_deployment": [timelock]}
    assert roles["PROPOSER"]["now"] == [hex_of(ADMINISTRATOR)]


def test_deploy__as_json__prints_the_deployment_file(bare: Shell) -> None:
    ended = bare.run(*deploy_arguments(bare, "--chain-id", str(DEFAULT_CHAIN_ID), "--json"))
    assert ended.document == json.loads((bare.folder / "deployment.json").read_text())
    assert "ModelSubmission" in ended.err


@pytest.mark.parametrize(
    "chain_id, parameters, expected",
    [
        (1, PARAMETERS_TOML, "another chain"),
        (DEFAULT_CHAIN_ID, "min_operators = 0\n" + PARAMETERS_TOML, "min_operators must be 1 to 128"),
        (DEFAULT_CHAIN_ID, "max_pending = 4294967296\n" + PARAMETERS_TOML, "Must be bounded between [0, 4294967295]"),
        (DEFAULT_CHAIN_ID, PARAMETERS_TOML.replace("guardian", "gardian"), "missing accounts: guardian"),
        (DEFAULT_CHAIN_ID, "guardian = ", "parameters.toml"),
    ],
)
def test_deploy__wrong_setting__nothing_is_sent_or_written(
    bare: Shell, chain_id: int, parameters: str, expected: str
) -> None:
    ended = bare.run(*deploy_arguments(bare, "--chain-id", str(chain_id), parameters=parameters))
    assert (ended.status, count_transactions(bare)) == (FAILED, 0)
    assert "bad_setting" in ended.err
    assert expected in ended.err
    assert not (bare.folder / "deployment.json").exists()


def test_deploy__file_exists__needs_force(bare: Shell) -> None:
    (bare.folder / "deployment.json").write_text("kept")
    arguments = deploy_arguments(bare, "--chain-id", str(DEFAULT_CHAIN_ID))
    refused = bare.run(*arguments)
    assert (refused.status, count_transactions(bare)) == (FAILED, 0)
    assert "file exists" in refused.err
    assert (bare.folder / "deployment.json").read_text() == "kept"
    assert bare.run(*arguments, "--force").status == 0
    assert load_record(bare.folder / "deployment.json").chain_id == DEFAULT_CHAIN_ID


def test_deploy__network_file_without_ipfs_node__wrong_usage(bare: Shell) -> None:
    ended = bare.run(*deploy_arguments(bare, "--chain-id", "1", "--network-out", str(bare.network)))
    assert (ended.status, count_transactions(bare)) == (WRONG_USAGE, 0)


def test_deploy__no_node__try_later(bare: Shell) -> None:
    arguments = deploy_arguments(replace(bare, url="http://127.0.0.1:1"), "--chain-id", "1")
    ended = bare.run(*arguments)
    assert ended.status == TRY_LATER
    assert "rpc_unreachable" in ended.err


# ---- calls through the timelock


def test_admit__through_the_timelock__only_after_the_delay(shell: Shell) -> None:
    owner = hex_of(STRANGER)
    scheduled = shell.act(ADMINISTRATOR, "admit", owner, "--json").document
    assert scheduled["scheduled"] == f"AvsGovernance.admit({owner})"
    operation = scheduled["operation"]
    again = shell.act(ADMINISTRATOR, "admit", owner)
    assert operation in again.out
    assert f"zarathustra admin execute {operation}" in again.out

    (waiting,) = shell.show("operations", "--json").document["operations"]
    assert (waiting["operation"], waiting["state"]) == (operation, "waiting")
    assert waiting["calls"] == [f"AvsGovernance.admit({owner})"]
    early = shell.act(STRANGER, "execute", operation)
    assert early.status == FAILED
    assert "too_early" in early.err
    assert shell.read("AvsGovernance", "isAdmitted", compute_address(STRANGER)) is False

    shell.pass_time(DELAY_S)
    assert "possible   now" in shell.show("operations").out
    assert shell.act(STRANGER, "admit", owner, "--execute").status == 0
    assert shell.read("AvsGovernance", "isAdmitted", compute_address(STRANGER)) is True
    assert shell.show("operations").out == "no operations\n"
    assert "done" in shell.show("operations", "--all").out
    late = shell.act(STRANGER, "execute", operation)
    assert late.status == FAILED
    assert "not_scheduled" in late.err

    assert shell.act(ADMINISTRATOR, "expel", owner).status == 0
    shell.pass_time(DELAY_S)
    assert shell.act(STRANGER, "expel", owner, "--execute").status == 0
    assert shell.read("AvsGovernance", "isAdmitted", compute_address(STRANGER)) is False


def test_admit__no_proposer__missing_role(shell: Shell) -> None:
    ended = shell.act(STRANGER, "admit", hex_of(STRANGER))
    assert ended.status == FAILED
    assert "missing_role" in ended.err
    assert "role=PROPOSER" in ended.err


def test_admit__not_scheduled__cannot_be_executed(shell: Shell) -> None:
    ended = shell.act(ADMINISTRATOR, "admit", hex_of(STRANGER), "--execute")
    assert ended.status == FAILED
    assert "not_scheduled" in ended.err
    unknown = shell.act(ADMINISTRATOR, "execute", "0x" + "11" * 32)
    assert "not_scheduled" in unknown.err


def test_cancel__waiting_operation__is_gone_and_can_be_scheduled_again(shell: Shell) -> None:
    first = shell.act(ADMINISTRATOR, "admit", hex_of(STRANGER), "--json").document["operation"]
    refused = shell.act(STRANGER, "cancel", first)
    assert "role=CANCELLER" in refused.err
    assert shell.act(ADMINISTRATOR, "cancel", first).status == 0
    assert shell.show("operations").out == "no operations\n"
    assert "not_scheduled" in shell.act(ADMINISTRATOR, "execute", first).err
    second = shell.act(ADMINISTRATOR, "admit", hex_of(STRANGER), "--json").document["operation"]
    assert second != first


def test_params__set_through_the_timelock__others_keep_their_value(shell: Shell) -> None:
    change = ("params", "set", "--turn-blocks", "9", "--guilty-slash-bps", "250")
    assert shell.act(ADMINISTRATOR, *change).status == 0
    shell.pass_time(DELAY_S)
    assert shell.act(ADMINISTRATOR, *change, "--execute").status == 0
    shown = shell.show("params", "show", "--json").document["settings"]["center"]
    assert (shown["turn_blocks"], shown["guilty_slash_bps"], shown["min_operators"]) == (9, 250, 3)
    assert "turn blocks" in shell.show("params", "show").out
    assert "AttestationCenter.parameters" in shell.show("check").out

    token = "0x" + "70" * 20
    assert shell.act(ADMINISTRATOR, "params", "set-token", token, "5").status == 0
    shell.pass_time(DELAY_S)
    assert shell.act(ADMINISTRATOR, "params", "set-token", token, "5", "--execute").status == 0
    assert shell.show("params", "show", "--token", token, "--json").document["token_min_fees"] == {token: 5}
    nothing = shell.act(ADMINISTRATOR, "params", "set")
    assert nothing.status == WRONG_USAGE


def test_eject__registered_operator__leaves_and_strangers_address_is_refused_when_scheduled(shell: Shell) -> None:
    unknown = shell.act(ADMINISTRATOR, "eject", hex_of(STRANGER))
    assert unknown.status == FAILED
    assert "OperatorNotActive" in unknown.err
    assert "not registered, or has left" in unknown.err  # what the contract's error means

    open_to_anyone(shell)
    operator = OPERATOR_KEYS[0].operator_id
    assert shell.act(ADMINISTRATOR, "eject", "0x" + operator.hex()).status == 0
    shell.pass_time(DELAY_S)
    assert shell.act(ADMINISTRATOR, "eject", "0x" + operator.hex(), "--execute").status == 0
    record = shell.record

    async def fetch_status(rpc: HttpRpc) -> OperatorStatus:
        return (await MarketReader(rpc, record.deployment).fetch_operator(OperatorId(operator))).status

    assert shell.on_chain(fetch_status) is OperatorStatus.EJECTED


# ---- direct calls


def test_pause__guardian__at_once_and_not_twice_in_a_week(shell: Shell) -> None:
    refused = shell.act(STRANGER, "pause")
    assert "missing_role" in refused.err
    assert "role=GUARDIAN" in refused.err
    paused = shell.act(GUARDIAN, "pause", "--json").document
    assert paused["done"] == "Administration.pause()"
    assert shell.show("params", "show").out.startswith("paused")
    assert shell.read("Administration", "isPaused") is True

    assert shell.act(GUARDIAN, "unpause").status == 0
    assert shell.read("Administration", "isPaused") is False
    again = shell.act(GUARDIAN, "pause")
    assert again.status == FAILED
    assert "PausedTooRecently" in again.err
    assert "Seven days must pass" in again.err


def test_unpause__default_admin__through_the_timelock(shell: Shell) -> None:
    assert shell.act(GUARDIAN, "pause").status == 0
    assert shell.act(ADMINISTRATOR, "unpause").status == 0
    shell.pass_time(DELAY_S)
    assert shell.act(ADMINISTRATOR, "unpause", "--execute").status == 0
    assert shell.read("Administration", "isPaused") is False


def test_resolve__disputed_verdict__resolver_overturns_it(shell: Shell) -> None:
    unknown = "0x" + "11" * 32
    assert "role=resolver" in shell.act(ADMINISTRATOR, "resolve", unknown, "--upheld").err
    no_ruling = shell.act(RESOLVER, "resolve", unknown)
    assert no_ruling.status == WRONG_USAGE
    early = shell.act(RESOLVER, "resolve", unknown, "--upheld")
    assert early.status == FAILED
    assert "TaskNotSettled" in early.err

    open_to_anyone(shell)
    record = shell.record

    async def play(rpc: HttpRpc) -> TaskId:
        """Settle a false verdict and dispute it."""
        market = await open_market(rpc, record)
        await market.owner_market.create_project(replace(make_params(), dispute_blocks=10))
        await market.certify(Verdict())
        (project_id,) = range(1, await MarketReader(rpc, record.deployment).fetch_project_count() + 1)
        await market.commit_and_reveal(project_id, "bafkfalse")
        task = await market.open_task()
        await market.post(await market.build_certificate(task, IMPROVED))
        bond = (await MarketReader(rpc, record.deployment).fetch_limits()).dispute_bond
        await market.center.dispute(task.task_id, bond=bond)
        return task.task_id

    task_id = "0x" + shell.on_chain(play).hex()
    assert shell.act(RESOLVER, "resolve", task_id, "--overturned").status == 0
    assert shell.act(RESOLVER, "resolve", task_id, "--overturned").status == FAILED  # it is ruled on

    async def fetch_stake(rpc: HttpRpc) -> int:
        return (await MarketReader(rpc, record.deployment).fetch_operator(OPERATOR_KEYS[0].operator_id)).stake

    assert shell.on_chain(fetch_stake) == 9 * ETHER  # 10 % slashed


# ---- a wrong file


def change_document(shell: Shell, contract: str, **values: str) -> None:
    document = json.loads(shell.network.read_text())
    document["deployment"]["contracts"][contract] |= values
    shell.network.write_text(json.dumps(document))


def test_check__address_without_code__wrong_deployment(shell: Shell) -> None:
    change_document(shell, "ModelSubmission", address="0x" + "ab" * 20)
    for ended in (shell.show("check"), shell.show("roles"), shell.act(GUARDIAN, "pause")):
        assert ended.status == FAILED
        assert "wrong_deployment: address has no code (contract=ModelSubmission" in ended.err


def test_check__other_code__wrong_deployment(shell: Shell) -> None:
    change_document(shell, "AvsLogic", code_hash="0x" + "ab" * 32)
    ended = shell.show("check")
    assert ended.status == FAILED
    assert "wrong_deployment: code differs (contract=AvsLogic" in ended.err


def test_check__two_contracts_exchanged__wrong_deployment(shell: Shell) -> None:
    """Addresses and code agree, but a contract lacks what the other one has."""
    contracts = to_document(shell.record)["contracts"]
    change_document(shell, "AvsLogic", **contracts["BlsSignatureVerifier"])
    change_document(shell, "BlsSignatureVerifier", **contracts["AvsLogic"])
    ended = shell.show("check")
    assert ended.status == FAILED
    assert "wrong_deployment" in ended.err


def test_check__other_limits__wrong_deployment(shell: Shell) -> None:
    document = json.loads(shell.network.read_text())
    document["deployment"]["parameters"]["min_stake"] = "1"
    shell.network.write_text(json.dumps(document))
    ended = shell.show("check")
    assert "wrong_deployment: contract has another value (contract=AvsGovernance getter=minStake" in ended.err


def test_example__every_parameter__is_a_default_and_deploys(bare: Shell) -> None:
    """What `contracts/deployments/example.toml` says works, but for its accounts."""
    example = (ROOT / "contracts" / "deployments" / "example.toml").read_text()
    ended = bare.run(*deploy_arguments(bare, "--chain-id", str(DEFAULT_CHAIN_ID), parameters=example))
    assert ended.status == 0, ended.err
