"""`zarathustra submission …` as its script runs it, interrupted and resumed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from devnet.anvil import Anvil
from devnet.example import build_random_parameters, load_artefacts
from tests.kit.chain.market import (
    CONTRIBUTOR,
    DEV_KEYS,
    OPERATOR_KEYS,
    OWNER,
    TestMarket,
    Verdict,
    deploy_record,
    make_sender,
)
from tests.kit.paths import ROOT
from tests.kit.simnet.projects import TERMS
from tests.kit.store.stores import serve_store
from tests.kit.waiting import until, within
from zarathustra.chain.rpc import HttpRpc
from zarathustra.core.types import Wei
from zarathustra.sdk.client import open_client, open_reader
from zarathustra.sdk.network import NetworkFile, save_network
from zarathustra.sdk.owner import publish_project
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.signing.keystore import KeystoreCost, save_ecdsa_keystore

pytestmark = pytest.mark.chain
pytest_plugins = ["tests.kit.chain.anvil_fixture"]

INTERRUPTED = 130


@dataclass(frozen=True)
class Run:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Shell:
    """A contributor's shell on a network with a project that takes submissions."""

    rpc: HttpRpc
    network: NetworkFile
    folder: Path

    @property
    def tickets(self) -> list[Path]:
        return sorted((self.folder / "tickets").glob("*.json"))

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        options = {
            "ZARATHUSTRA_NETWORK": "network.json",
            "ZARATHUSTRA_KEY_FILE": "key.json",
            "ZARATHUSTRA_KEY_PASSWORD_FILE": "password",
            "ZARATHUSTRA_TICKETS": "tickets",
        }
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "zarathustra.cli",
            "submission",
            *arguments,
            cwd=self.folder,
            env={**os.environ, **options, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def finish(self, process: asyncio.subprocess.Process) -> Run:
        out, err = await within(process.communicate())
        return Run(process.returncode or 0, out.decode(), err.decode())

    async def run(self, *arguments: str) -> Run:
        return await self.finish(await self.start(*arguments))

    async def is_broadcast(self) -> bool:
        """Return whether a transaction waits in the pool."""
        status = await self.rpc.call("txpool_status")
        return bool(int(status["pending"], 16))

    async def fetch_paid(self) -> Wei:
        async with open_reader(self.network.network) as reader:
            return await reader.market.fetch_balance(self.network.record.deployment.model_submission)


@pytest_asyncio.fixture
async def shell(anvil: Anvil, rpc: HttpRpc, tmp_path: Path) -> AsyncIterator[Shell]:
    async with serve_store(tmp_path / "store") as url:
        record = await deploy_record(rpc)
        network = NetworkFile((anvil.url,), url, record)
        save_network(network, tmp_path / "network.json")
        (tmp_path / "password").write_text("correct horse")
        key = EcdsaSecretKey(DEV_KEYS[CONTRIBUTOR])
        save_ecdsa_keystore(tmp_path / "key.json", key, "correct horse", cost=KeystoreCost.DEVELOPMENT)
        parameters = build_random_parameters(load_artefacts().architecture, seed=7)
        (tmp_path / "model.safetensors").write_bytes(parameters)
        await open_project(rpc, network)
        yield Shell(rpc, network, tmp_path)


async def open_project(rpc: HttpRpc, network: NetworkFile) -> None:
    """Register operators, publish a project and let its baseline pass."""
    owner = make_sender(rpc, DEV_KEYS[OWNER])
    operators = tuple(make_sender(rpc, keys.ecdsa.reveal()) for keys in OPERATOR_KEYS)
    contributor = make_sender(rpc, DEV_KEYS[CONTRIBUTOR])
    market = TestMarket(rpc, network.record.deployment, owner, contributor, operators)
    await market.register_operators()
    async with open_client(network.network, EcdsaSecretKey(DEV_KEYS[OWNER]), poll_seconds=0.01) as client:
        terms = replace(TERMS, seed_delay=2, attempt_blocks=20, dispute_blocks=3)
        await publish_project(client, load_artefacts(), terms)
    await market.certify(Verdict())


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_submit__interrupted_while_the_commit_is_on_its_way__resume_pays_one_bond(
    shell: Shell, signal_number: signal.Signals
) -> None:
    before = await shell.fetch_paid()
    await shell.rpc.call("evm_setAutomine", False)
    process = await shell.start("submit", "1", "model.safetensors")
    await until(shell.is_broadcast)
    process.send_signal(signal_number)
    interrupted = await shell.finish(process)
    [ticket] = shell.tickets
    if signal_number is not signal.SIGKILL:
        assert interrupted.status == INTERRUPTED
        assert "zarathustra submission resume" in interrupted.err
        assert "no bond is paid, unless the transaction is still on its way" in interrupted.err
        assert "Traceback" not in interrupted.err

    await shell.rpc.call("evm_setAutomine", True)
    resumed = await shell.run("resume")
    assert (resumed.status, resumed.err) == (0, "")
    assert "committed       submission 1 of project 1" in resumed.out
    assert "revealed        submission 1" in resumed.out
    assert await shell.fetch_paid() - before == TERMS.bond
    assert shell.tickets == [ticket]  # kept until the submission is final


async def test_submit__interrupted_after_the_commit__says_until_when_to_reveal(shell: Shell) -> None:
    await shell.rpc.call("evm_setAutomine", False)
    process = await shell.start("submit", "1", "model.safetensors")
    await until(shell.is_broadcast)
    await shell.rpc.call("evm_mine")  # the commit
    await until(shell.is_broadcast)  # the reveal waits
    process.send_signal(signal.SIGINT)
    interrupted = await shell.finish(process)
    assert interrupted.status == INTERRUPTED
    assert "submission 1 is committed; reveal it until block" in interrupted.err
    await shell.rpc.call("evm_setAutomine", True)
    resumed = await shell.run("resume")
    assert (resumed.status, resumed.err) == (0, "")


async def test_submit__same_file_twice__keeps_both_tickets(shell: Shell) -> None:
    assert (await shell.run("submit", "1", "model.safetensors")).status == 0
    assert (await shell.run("submit", "1", "model.safetensors")).status == 0
    assert len(shell.tickets) == 2


async def test_resume__malformed_ticket__is_a_reason(shell: Shell) -> None:
    (shell.folder / "tickets").mkdir()
    (shell.folder / "tickets" / f"{shell.network.record.chain_id}-1-junk.json").write_text('{"format": "ticket/1"}')
    run = await shell.run("resume")
    assert run.status == 1
    assert "bad_ticket" in run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(("submit", "-1", "model.safetensors"), 2), (("submit", "1", "none"), 2), (("wait", "1", "-1"), 2)],
)
async def test_submission__wrong_arguments__are_wrong_usage(
    shell: Shell, arguments: tuple[str, ...], status: int
) -> None:
    run = await shell.run(*arguments)
    assert (run.status, "Traceback" in run.err) == (status, False)
