"""The page that shows how to use the contracts by their ABI, against the files that a test of the tier `chain` runs."""

import json
import re

import pytest

from tests.kit.paths import ROOT
from zarathustra.chain.abi import MODEL_SUBMISSION, Parameter, load_abi
from zarathustra.core.outcomes import Outcome
from zarathustra.core.project import SubmissionStatus

pytestmark = pytest.mark.unit

FOLDER = ROOT / "examples" / "by-abi"
PAGE = (ROOT / "docs" / "contracts" / "by-abi.md").read_text(encoding="utf-8")
SCRIPT, MODULE = ((FOLDER / name).read_text(encoding="utf-8") for name in ("commit.sh", "commit.mjs"))
FUNCTIONS = load_abi(MODEL_SUBMISSION).functions


def list_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_page__code__is_that_of_the_files() -> None:
    assert list_blocks("bash") == [SCRIPT]
    assert list_blocks("js") == [MODULE]


def test_page__named_functions__are_in_the_abi_with_these_parameters() -> None:
    named = dict(re.findall(r"`(\w+)\((\w+(?:, \w+)*)\)`", PAGE))
    own = {name: parameters.split(", ") for name, parameters in named.items() if name not in {"approve", "keccak256"}}
    assert own.keys() >= {"getProject", "commitmentOf", "commit", "reveal", "getSubmission", "withdraw", "release"}
    for name, parameters in own.items():
        assert [parameter.name for parameter in FUNCTIONS[name].inputs] == parameters


def fields_of(function: str) -> tuple[Parameter, ...]:
    return FUNCTIONS[function].outputs[0].components


def test_script__structs_by_position__are_those_of_the_abi() -> None:
    types = "".join(re.findall(r"^types\+?=(.*)$", SCRIPT, re.MULTILINE))
    structs = (fields_of("getProject"), fields_of("getSubmission"))
    assert types == "".join(",".join(field.type for field in struct) for struct in structs)
    project, submission = structs
    assert (project[2].name, project[17].name) == ("token", "bond")
    assert (submission[2].name, submission[3].name) == ("status", "outcome")


def test_examples__outcomes_and_status__have_the_contracts_numbers() -> None:
    names = [outcome.name for outcome in Outcome]
    assert re.findall(r"\w+", re.findall(r"^outcomes=\((.*)\)$", SCRIPT, re.MULTILINE)[0]) == names
    assert re.findall(r"\w+", re.findall(r"const OUTCOMES = \[(.*?)\]", MODULE, re.DOTALL)[0]) == names
    final = str(SubmissionStatus.FINAL.value)
    assert re.findall(r"^final=(\d+)$", SCRIPT, re.MULTILINE) == [final]
    assert re.findall(r"^const FINAL = (\d+)$", MODULE, re.MULTILINE) == [final]


def test_packages__lock__pins_viem_and_names_no_host() -> None:
    wanted = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    lock = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    assert {name: lock[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all("integrity" in package and "resolved" not in package for name, package in lock.items() if name)
