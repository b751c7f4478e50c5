"""Our calldata, event topics and creation code equal those of web3, the library that others use."""

import dataclasses
import json
from importlib import resources
from typing import Any

import pytest
from web3 import Web3

from tests.kit.chain.market import make_params
from zarathustra.chain import abi
from zarathustra.chain.abi import CONTRACTS, encode_arguments, encode_call, load_abi
from zarathustra.chain.contracts import Registration
from zarathustra.chain.market import MarketLimits
from zarathustra.chain.operator_sender import Certificate, TaskInfo
from zarathustra.core.types import Address, EcdsaSignature, OperatorId, Slot, Wei

pytestmark = pytest.mark.golden

PERFORMER = OperatorId(b"\x0a" * 20)
REGISTRATION = Registration(
    b"\x01" * 128, b"\x02" * 256, PERFORMER, EcdsaSignature(b"\x0c" * 65), Address(b"\x0b" * 20), Wei(10**18)
)
INFO = TaskInfo("bafkreport", b"\x03" * 288, PERFORMER, 0)
CERTIFICATE = Certificate(2**127 + 5, True, Slot(3), b"\x04" * 256, EcdsaSignature(b"\x05" * 65), b"\x0d" * 600)

CALLS: list[tuple[str, str, tuple[object, ...]]] = [
    (abi.GOVERNANCE, "registerOperator", (REGISTRATION,)),
    (abi.GOVERNANCE, "increaseStake", (PERFORMER, 7)),
    (abi.GOVERNANCE, "sealOperatorSet", ()),
    (abi.ATTESTATION_CENTER, "submitTask", (INFO, CERTIFICATE)),
    (abi.ATTESTATION_CENTER, "claim", (PERFORMER, 2**64 - 1)),
    (abi.ATTESTATION_CENTER, "fixSeed", (b"\x06" * 32, b"\x0d" * 600)),
    (abi.MODEL_SUBMISSION, "createProject", (make_params(),)),
    (abi.MODEL_SUBMISSION, "commit", (1, b"\x07" * 32)),
    (abi.MODEL_SUBMISSION, "reveal", (1, 2, "bafkbetter", b"\x08" * 32)),
    (abi.MODEL_SUBMISSION, "advance", (2**256 - 1, 8)),
    (abi.MODEL_SUBMISSION, "withdraw", (Address(bytes(20)), Address(b"\x09" * 20))),
]


@pytest.mark.parametrize(("contract", "function", "arguments"), CALLS, ids=[call[1] for call in CALLS])
def test_encode_call__each_call_we_send__equals_that_of_web3(
    contract: str, function: str, arguments: tuple[object, ...]
) -> None:
    theirs = _web3_contract(contract).encode_abi(function, args=[_to_web3(argument) for argument in arguments])
    assert encode_call(load_abi(contract), function, *arguments) == bytes.fromhex(theirs[2:])


@pytest.mark.parametrize("contract", CONTRACTS)
def test_event_topics__every_event__equal_those_of_web3(contract: str) -> None:
    theirs = {bytes(Web3.keccak(text=event.signature)) for event in _web3_contract(contract).all_events()}
    assert set(load_abi(contract).events) == theirs


def test_constructor__market__equals_that_of_web3() -> None:
    addresses = tuple(Address(bytes([number]) * 20) for number in range(1, 6))
    arguments = (*addresses, MarketLimits(16, 2, 7_200, 10, 0, 14_400, 7_200, Wei(10**17), Wei(10**14)))
    ours = load_abi(abi.MODEL_SUBMISSION)
    code = ours.bytecode + encode_arguments(ours.constructor_inputs, arguments)
    theirs = _web3_contract(abi.MODEL_SUBMISSION).constructor(*map(_to_web3, arguments)).data_in_transaction
    assert code == bytes.fromhex(theirs[2:])


def _web3_contract(name: str) -> Any:
    source = resources.files("zarathustra.chain").joinpath("abi", f"{name}.json")
    document = json.loads(source.read_text(encoding="utf-8"))
    return Web3().eth.contract(abi=document["abi"], bytecode=document["bytecode"])


def _to_web3(value: object) -> object:
    """Give structs as tuples and addresses with their checksum."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return tuple(_to_web3(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, bytes) and len(value) == 20:
        return Web3.to_checksum_address(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value
