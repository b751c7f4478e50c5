"""slither over the contracts: what is switched off, what it is given, and how it fails."""

import json
from pathlib import Path

import pytest

from tests.kit.solidity import make_contracts
from tools.slither import SWITCHED_OFF, build_info_of, find_unread, run_slither
from tools.solidity import CONTRACTS, parse_sources

pytestmark = pytest.mark.unit


def test_configuration__each_switched_off_detector__has_a_reason() -> None:
    configuration = json.loads((CONTRACTS / "slither.config.json").read_text())
    assert configuration["detectors_to_exclude"].split(",") == sorted(SWITCHED_OFF)
    assert configuration["filter_paths"] == "node_modules"  # and no file of ours


def test_answers__each_comment_in_src__gives_a_reason() -> None:
    mark = "// slither-disable"
    lines = [line for path in CONTRACTS.glob("src/**/*.sol") for line in path.read_text().splitlines() if mark in line]
    assert lines
    for line in lines:
        kind, detector, reason = line.strip().removeprefix("// ").split(" ", 2)
        assert kind == "slither-disable-next-line", line
        assert detector.replace("-", "").isalpha(), line
        assert reason.endswith("."), line


def test_build_info__parsed_sources__have_no_bytecode_and_the_compiler_s_version(tmp_path: Path) -> None:
    contracts = make_contracts(tmp_path, {"src/A.sol": "contract A { function f() external pure {} }"})
    info = build_info_of(parse_sources(contracts))
    answer = info["output"]["contracts"]["src/A.sol"]["A"]
    assert answer["evm"]["deployedBytecode"] == {"object": "", "sourceMap": ""}
    assert [entry["name"] for entry in answer["abi"]] == ["f"]
    assert info["output"]["sources"]["src/A.sol"]["ast"]["nodeType"] == "SourceUnit"
    assert info["solcVersion"] == json.loads((CONTRACTS / "package.json").read_text())["devDependencies"]["solc"]


@pytest.mark.parametrize(
    ("place", "count"),
    [("src/libraries/A.sol#1-3", 1), ("node_modules/@openzeppelin/contracts/utils/A.sol#1-3", 0)],
)
def test_find_unread__a_function_that_slither_gave_up_on__counts_if_it_is_ours(place: str, count: int) -> None:
    output = f"ERROR:ContractSolcParsing:Impossible to generate IR for A.f ({place}):\n 'NoneType' object\n"
    assert len(find_unread(output)) == count


@pytest.mark.parametrize(
    ("said", "status", "expected"),
    [
        ("INFO:Slither:. analyzed (1 contracts), 0 result(s) found", 0, 0),
        ("INFO:Slither:. analyzed (1 contracts), 1 result(s) found", 255, 255),
        ("ERROR:ContractSolcParsing:Impossible to generate IR for A.f (src/A.sol#1):", 0, 1),
    ],
)
def test_run_slither__what_it_says__decides_the_exit_status(
    said: str, status: int, expected: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contracts = make_contracts(tmp_path / "contracts", {"src/A.sol": "contract A { function f() external pure {} }"})
    slither = tmp_path / "slither"
    slither.write_text(f"#!/bin/sh\ntest -f \"$4/src.json\" || exit 9\necho '{said}' >&2\nexit {status}\n")
    slither.chmod(0o755)
    assert run_slither(slither, contracts) == expected
    assert said in capsys.readouterr().out
