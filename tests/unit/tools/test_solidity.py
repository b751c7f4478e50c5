"""What solc is asked about the contracts: the same settings as forge's, and every file."""

import tomllib
from pathlib import Path

import pytest

from tests.kit.solidity import make_contracts
from tools.solidity import CONTRACTS, EVM_VERSION, parse_sources, read_sources

pytestmark = pytest.mark.unit


def test_settings__evm_version__is_forge_s() -> None:
    settings = tomllib.loads((CONTRACTS / "foundry.toml").read_text())["profile"]["default"]
    assert settings["evm_version"] == EVM_VERSION


def test_read_sources__ours__every_file_and_what_it_imports() -> None:
    texts = read_sources(CONTRACTS)
    ours = {path.relative_to(CONTRACTS).as_posix() for path in CONTRACTS.glob("src/**/*.sol")}
    assert ours <= texts.keys()
    assert "node_modules/@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol" in texts
    assert not any(path.startswith("test/") for path in texts)


def test_parse_sources__files_that_import_each_other__a_tree_for_each(tmp_path: Path) -> None:
    contracts = make_contracts(
        tmp_path,
        {
            "src/A.sol": 'import {B} from "./libraries/B.sol";\ncontract A { function f() external pure { B.g(); } }',
            "src/libraries/B.sol": "library B { function g() internal pure {} }",
        },
    )
    trees = parse_sources(contracts).trees
    assert {path: tree["nodeType"] for path, tree in trees.items()} == {
        "src/A.sol": "SourceUnit",
        "src/libraries/B.sol": "SourceUnit",
    }


def test_parse_sources__does_not_compile__raises_with_solc_s_text(tmp_path: Path) -> None:
    contracts = make_contracts(tmp_path, {"src/A.sol": "contract A { uint256 x = true; }"})
    with pytest.raises(ValueError, match="not implicitly convertible"):
        parse_sources(contracts)
