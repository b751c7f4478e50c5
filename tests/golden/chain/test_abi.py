"""The contracts' ABI, the fact classes and the protobuf messages have the same names in the same order."""

import dataclasses
import re
from enum import IntEnum

import pytest

from tests.kit.paths import ROOT
from zarathustra.chain import abi, market, operator_sender, reader
from zarathustra.chain.abi import CONTRACTS, FACT_CLASSES, Entry, Parameter, load_abi, to_snake_case
from zarathustra.chain.contracts import Registration
from zarathustra.chain.operator_sender import EVALUATION_TYPE
from zarathustra.core.outcomes import Code, Outcome
from zarathustra.core.project import ProjectParams, ProjectStatus, RewardRule, SubmissionStatus
from zarathustra.core.task import TaskStatus
from zarathustra.v1 import chain_events_pb2

pytestmark = pytest.mark.golden

TYPES_FILE = ROOT / "contracts" / "src" / "types" / "Types.sol"
# OpenZeppelin's events; no program here reads them.
FOREIGN_EVENTS = {
    "CallExecuted",
    "CallSalt",
    "CallScheduled",
    "Cancelled",
    "DefaultAdminDelayChangeCanceled",
    "DefaultAdminDelayChangeScheduled",
    "DefaultAdminTransferCanceled",
    "DefaultAdminTransferScheduled",
    "EIP712DomainChanged",
    "MinDelayChange",
    "RoleAdminChanged",
    "RoleGranted",
    "RoleRevoked",
}
# Events of our contracts that no consumer needs: a setting is read where it is used.
UNREAD_EVENTS = {
    "LogicChanged",
    "LogicFailed",
    "OperatorOwnerOffered",
    "ParametersChanged",
    "RegistrationOpened",
    "StakeCredited",
    "StakeWithdrawn",
    "TokenChanged",
}
EVENTS = {entry.name: entry for name in CONTRACTS for entry in load_abi(name).events.values()}


def output_of(contract: str, function: str) -> Parameter:
    return load_abi(contract).functions[function].outputs[0]


def input_of(contract: str, function: str, number: int) -> Parameter:
    return load_abi(contract).functions[function].inputs[number]


STRUCTS: dict[type, Parameter] = {
    reader.StoredTask: output_of(abi.ATTESTATION_CENTER, "getTask"),
    reader.SealedSet: output_of(abi.GOVERNANCE, "sealedSet"),
    market.OperatorRecord: output_of(abi.GOVERNANCE, "getOperator"),
    Registration: input_of(abi.GOVERNANCE, "registerOperator", 0),
    market.StoredProject: output_of(abi.MODEL_SUBMISSION, "getProject"),
    ProjectParams: input_of(abi.MODEL_SUBMISSION, "createProject", 0),
    market.StoredSubmission: output_of(abi.MODEL_SUBMISSION, "getSubmission"),
    market.WithheldReward: output_of(abi.MODEL_SUBMISSION, "withheldReward"),
    market.MarketLimits: output_of(abi.MODEL_SUBMISSION, "limits"),
    reader.CenterParameters: output_of(abi.ATTESTATION_CENTER, "parameters"),
    operator_sender.TaskInfo: input_of(abi.ATTESTATION_CENTER, "submitTask", 0),
    operator_sender.Certificate: input_of(abi.ATTESTATION_CENTER, "submitTask", 1),
}


def test_abi__every_event__is_a_fact() -> None:
    assert EVENTS.keys() - FOREIGN_EVENTS - UNREAD_EVENTS == FACT_CLASSES.keys()


@pytest.mark.parametrize("name", sorted(FACT_CLASSES))
def test_abi__event__has_the_fields_of_its_fact(name: str) -> None:
    names = [to_snake_case(parameter.name) for parameter in EVENTS[name].inputs]
    assert names == [field.name for field in dataclasses.fields(FACT_CLASSES[name])]


@pytest.mark.parametrize("name", sorted(FACT_CLASSES))
def test_proto__message__has_the_fields_of_its_fact(name: str) -> None:
    descriptor = chain_events_pb2.DESCRIPTOR.message_types_by_name[name]
    assert [field.name for field in descriptor.fields] == [
        field.name for field in dataclasses.fields(FACT_CLASSES[name])
    ]


@pytest.mark.parametrize("value_class", STRUCTS, ids=lambda value_class: value_class.__name__)
def test_abi__struct__has_the_fields_of_its_class(value_class: type) -> None:
    names = [to_snake_case(component.name) for component in STRUCTS[value_class].components]
    assert sorted(names) == sorted(field.name for field in dataclasses.fields(value_class))


def test_abi__evaluation__is_what_submit_task_decodes() -> None:
    """No ABI describes a struct inside `bytes`: compare with the struct that AvsLogic takes."""
    verdict = input_of(abi.AVS_LOGIC, "afterTaskSubmission", 0)
    evaluation = next(component for component in verdict.components if component.name == "evaluation")
    assert evaluation.canonical_type == EVALUATION_TYPE


@pytest.mark.parametrize(
    "enum_class",
    [
        Code,
        Outcome,
        ProjectStatus,
        SubmissionStatus,
        TaskStatus,
        RewardRule,
        market.OperatorStatus,
        market.RewardStatus,
    ],
    ids=lambda enum_class: enum_class.__name__,
)
def test_enum__numbers__are_the_contracts(enum_class: type[IntEnum]) -> None:
    body = re.search(rf"enum {enum_class.__name__} \{{(.*?)\}}", TYPES_FILE.read_text(), re.S)
    assert body is not None
    assert [member.name for member in enum_class] == [name.strip() for name in body[1].split(",")]
    assert [member.value for member in enum_class] == list(range(len(enum_class)))


def test_abi__two_errors_of_one_selector__have_one_meaning() -> None:
    """`describe_revert` looks a selector up in all contracts at once."""
    meanings: dict[bytes, set[Entry]] = {}
    for name in CONTRACTS:
        for selector, entry in load_abi(name).errors.items():
            meanings.setdefault(selector, set()).add(Entry(entry.name, tuple(_unnamed(p) for p in entry.inputs)))
    assert all(len(entries) == 1 for entries in meanings.values())


def _unnamed(parameter: Parameter) -> Parameter:
    return dataclasses.replace(parameter, name="")
