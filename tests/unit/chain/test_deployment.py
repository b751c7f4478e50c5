"""The deployment file, and how a deployment is planned."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.kit.chain.deployment import EXECUTOR, GUARDIAN, PROPOSER, build_parameters, build_record
from tests.kit.chain.fake_rpc import FakeRpc
from zarathustra.chain import abi
from zarathustra.chain.deploy import build_creation_code, compute_contract_address, deploy, insist, plan_deployment
from zarathustra.chain.deployment import dump_record, load_deployment, load_record, parse_record, to_document
from zarathustra.chain.port import Receipt
from zarathustra.chain.roles import Role
from zarathustra.chain.transactions import Mined, Transaction
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockNumber

pytestmark = pytest.mark.unit

ACCOUNT = Address(b"\xac" * 20)


def test_parse_record__dumped_with_a_timelock__is_the_same() -> None:
    record = build_record()
    assert parse_record(dump_record(record)) == record
    assert record.roles[Role.ADMISSION] == (record.addresses[abi.TIMELOCK],)
    assert record.roles[Role.CANCELLER] == record.roles[Role.PROPOSER] == (PROPOSER,)
    assert (record.roles[Role.EXECUTOR], record.roles[Role.GUARDIAN]) == ((EXECUTOR,), (GUARDIAN,))


def test_parse_record__dumped_with_an_account__is_the_same() -> None:
    record = build_record(build_parameters(ACCOUNT))
    assert parse_record(dump_record(record)) == record
    assert abi.TIMELOCK not in record.addresses
    assert record.roles == {
        Role.DEFAULT_ADMIN: (ACCOUNT,),
        Role.ADMISSION: (ACCOUNT,),
        Role.PARAMETERS: (ACCOUNT,),
        Role.GUARDIAN: (GUARDIAN,),
    }


def test_load_deployment__file__has_what_programs_need(tmp_path: Path) -> None:
    path, record = tmp_path / "deployment.json", build_record()
    path.write_text(dump_record(record))
    deployment = load_deployment(path)
    assert deployment.model_submission == record.addresses[abi.MODEL_SUBMISSION]
    assert (deployment.chain_id, deployment.deployed_at) == (record.chain_id, record.deployed_at)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"a": 1, "a": 1}'])
def test_load_record__no_deployment__bad_setting_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "deployment.json"
    path.write_bytes(content)
    with pytest.raises(Invalid) as caught:
        load_record(path)
    assert caught.value.reason is Reason.BAD_SETTING
    assert caught.value.details["path"] == path


@pytest.mark.parametrize("depth", [33, 1_000_000])
@pytest.mark.parametrize("start", ["", '{"format": "deployment/1", "chain_id": '])
def test_load_record__nested_deep__bad_setting_however_deep(tmp_path: Path, start: str, depth: int) -> None:
    """The parser would end the process here if a library had raised Python's limit of recursion."""
    path = tmp_path / "deployment.json"
    path.write_text(start + "[" * depth + "]" * depth)
    with pytest.raises(Invalid) as caught:
        load_record(path)
    assert caught.value.reason is Reason.BAD_SETTING
    assert "more than 32 levels of brackets" in str(caught.value.details["cause"])


def test_load_record__missing_file__bad_setting(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        load_record(tmp_path / "deployment.json")
    assert caught.value.reason is Reason.BAD_SETTING


@pytest.mark.parametrize(
    "path, value, message",
    [
        (("format",), "deployment/2", "this version reads deployment/1"),
        (("chain_id",), -1, "chain_id must be a whole number"),
        (("chain_id",), True, "chain_id must be a whole number"),
        (("deployed_at",), 1.5, "deployed_at must be a whole number"),
        (("deployer",), "0x12", "deployer: '0x12' is not an address"),
        (("resolver",), "0x" + "00" * 20, "resolver must not be the zero address"),
        (("contracts",), [], "contracts is not an object"),
        (("contracts", "AvsLogic", "address"), "0x" + "00" * 20, "AvsLogic must not be the zero address"),
        (("contracts", "AvsLogic", "code_hash"), "0x" + "ab" * 31, "AvsLogic: code_hash"),
        (("contracts", "AvsLogic", "code_hash"), "ab" * 32, "AvsLogic: code_hash"),
        (("contracts", "AvsLogic", "code_hash"), "0x" + "ab " * 31 + "ab", "AvsLogic: code_hash"),
        (("roles",), [], "roles is not an object"),
        (("roles", "GUARDIAN"), [], "GUARDIAN needs one holder"),
        (("roles", "PROPOSER"), [], "without proposers"),
        (("roles", "ADMISSION"), ["0x" + "12" * 20], "roles are not those that the constructors grant"),
        (("roles", "GUARDIAN"), ["0x" + "00" * 20], "GUARDIAN must not be the zero address"),
        (("timelock_delay_s",), None, "timelock_delay_s is a number of seconds exactly when"),
        (("timelock_delay_s",), "60", "timelock_delay_s must be a whole number"),
        (("parameters", "min_stake"), 1.5, "min_stake must be a whole number"),
    ],
)
def test_parse_record__wrong_value__says_what_is_wrong(path: tuple[str, ...], value: Any, message: str) -> None:
    document: Any = to_document(build_record())
    place = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=message):
        parse_record(json.dumps(document))


def test_parse_record__two_contracts_at_one_address__is_refused() -> None:
    document = to_document(build_record())
    document["contracts"]["AvsLogic"]["address"] = document["contracts"]["Timelock"]["address"]
    with pytest.raises(ValueError, match="one address"):
        parse_record(json.dumps(document))


def test_parse_record__timelock_removed_but_not_its_roles__is_refused() -> None:
    document = to_document(build_record())
    del document["contracts"]["Timelock"]
    document["timelock_delay_s"] = None
    with pytest.raises(ValueError, match="roles are not those"):
        parse_record(json.dumps(document))


# ---- planning


def test_plan_deployment__with_a_timelock__it_is_first_and_administrates() -> None:
    plan = plan_deployment(ACCOUNT, 7, build_parameters())
    assert plan.steps[0].contract == abi.TIMELOCK
    assert [step.nonce for step in plan.steps] == list(range(7, 15))
    assert [step.address for step in plan.steps] == [
        compute_contract_address(ACCOUNT, step.nonce) for step in plan.steps
    ]
    administration = next(step for step in plan.steps if step.contract == abi.ADMINISTRATION)
    assert administration.arguments[0] == plan.addresses[abi.TIMELOCK]


def test_plan_deployment__account_as_admin__no_timelock() -> None:
    plan = plan_deployment(ACCOUNT, 0, build_parameters(ACCOUNT))
    assert abi.TIMELOCK not in plan.addresses
    assert len(plan.steps) == len(abi.CONTRACTS) - 1


def test_build_creation_code__value_too_large__bad_setting() -> None:
    parameters = replace(build_parameters(), turn_blocks=2**32)
    step = next(
        step for step in plan_deployment(ACCOUNT, 0, parameters).steps if step.contract == abi.ATTESTATION_CENTER
    )
    with pytest.raises(Invalid) as caught:
        build_creation_code(step.contract, step.arguments)
    assert caught.value.reason is Reason.BAD_SETTING


class SharedKeySender:
    """A sender whose key another program uses too: it takes one nonce before the second transaction."""

    def __init__(self) -> None:
        self.address = ACCOUNT
        self.sent = 0

    async def fetch_next_nonce(self) -> int:
        return self.sent if self.sent < 2 else self.sent + 1

    async def send(self, _transaction: Transaction) -> Mined:
        self.sent += 1
        return Mined(Receipt(bytes(32), BlockNumber(self.sent), 21_000), ())


async def test_deploy__another_program_uses_the_key__stops_at_once() -> None:
    sender = SharedKeySender()
    with pytest.raises(Invalid) as caught:
        await deploy(sender, FakeRpc({}), build_parameters(), chain_id=1)  # type: ignore[arg-type]
    assert caught.value.reason is Reason.WRONG_DEPLOYMENT
    assert sender.sent == 2


async def test_insist__node_answers_later__its_answer() -> None:
    answers = [Retry(Reason.RPC_ERROR, "behind"), Retry(Reason.RPC_UNREACHABLE, "restarts"), 5]

    async def read() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Retry):
            raise answer
        return answer

    assert await insist(read, pause_s=0) == 5


async def test_insist__wrong_deployment__is_raised_at_once() -> None:
    calls = []

    async def read() -> None:
        calls.append(1)
        raise Invalid(Reason.WRONG_DEPLOYMENT, "code differs")

    with pytest.raises(Invalid):
        await insist(read, pause_s=0)
    assert len(calls) == 1
