"""A copy of the contracts with every mutant in it, compiled once.

The number of the mutant that is on is the address of the block's proposer: `coinbase`. Foundry takes it from the
environment, no contract or test uses it, and to read it costs 2 gas and touches no state. So tests need no change, and
it holds from the first constructor on.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.mutants.places import Mutant
from tools.mutants.rewrite import Rewriter
from tools.solidity import CONTRACTS, PACKAGES, SOURCES, Node, Parsed, environment, find_forge

COPIED = ("src", "test", "devtokens", "tools", "foundry.toml")
GOLDEN = Path("tests") / "golden"  # beside the contracts, as `foundry.toml` says
SWITCH_FILE = "src/mutants/Mutants.sol"
SWITCH = """// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @dev Says which mutant is on.
library Mutants {
    function isOn(uint256 number) internal pure returns (bool) {
        // Pure functions have mutants too, and a pure function cannot read the block: only the compiler knows that.
        function(uint256) view returns (bool) reading = _isOn;
        function(uint256) pure returns (bool) asking;
        assembly ("memory-safe") {
            asking := reading
        }
        return asking(number);
    }

    function _isOn(uint256 number) private view returns (bool) {
        return uint160(address(block.coinbase)) == number;
    }
}
"""
# The guard against reentrancy is a package's: its copy here can be switched off for one function.
GUARD = "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol"
GUARD_FILE = "src/mutants/ReentrancyGuardTransient.sol"
GUARD_MODIFIER = "nonReentrant"
UNMUTATED = ("src/interfaces/", "src/types/")

SOLC = Path(__file__).with_name("solc")  # with a memory
SETTINGS = {"FOUNDRY_PROFILE": "quick", "FOUNDRY_DENY": "never", "FOUNDRY_LINT_LINT_ON_BUILD": "false"}
BUILD_DEADLINE_S = 3_600.0


@dataclass(frozen=True)
class Workplace:
    """A folder with the compiled copy."""

    folder: Path

    @property
    def contracts(self) -> Path:
        return self.folder / "contracts"

    @property
    def answers(self) -> Path:
        """What solc answered to forge's questions."""
        return self.folder / "answers"

    @property
    def test_files(self) -> list[str]:
        """Of all tests but those of gas: mutants cost gas."""
        files = sorted(self.contracts.glob("test/**/*.t.sol"))
        names = [path.relative_to(self.contracts).as_posix() for path in files]
        return [name for name in names if not name.startswith("test/gas/")]

    def settings(self, number: int, lane: int) -> Mapping[str, str]:
        """The environment of a forge process. `lane` keeps what forge remembers of failures apart."""
        memory = self.folder / "failures" / str(lane)
        return {
            **environment(),
            **SETTINGS,
            "FOUNDRY_SOLC": str(SOLC),
            "MUTANTS_SOLC": str(self.contracts / "tools" / "solc"),
            "MUTANTS_ANSWERS": str(self.answers),
            "FOUNDRY_BLOCK_COINBASE": f"0x{number:040x}",
            "FOUNDRY_TEST_FAILURES_FILE": str(memory / "failures"),
            "FOUNDRY_FUZZ_FAILURE_PERSIST_DIR": str(memory / "fuzz"),
            "FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR": str(memory / "invariant"),
        }


def prepare(folder: Path, parsed: Parsed) -> tuple[Workplace, list[Mutant]]:
    """Write the copy and compile it; its mutants. What did not change since the last time is not compiled again."""
    workplace = Workplace(folder)
    shutil.rmtree(workplace.answers, ignore_errors=True)  # of other sources
    copy_tree(workplace.contracts)
    texts, mutants = mutate(parsed)
    for path, text in texts.items():
        write_if_other(workplace.contracts / path, text)
    command = [find_forge(), "build", "src", "test", "--skip", "test/gas/**"]
    subprocess.run(
        command, cwd=workplace.contracts, env=dict(workplace.settings(0, 0)), check=True, timeout=BUILD_DEADLINE_S
    )
    return workplace, mutants


def mutate(parsed: Parsed) -> tuple[dict[str, bytes], list[Mutant]]:
    """The texts of all files with mutants, and of the switch; the mutants."""
    ours = {path: tree for path, tree in parsed.trees.items() if is_mutated(path)}
    guard_path = f"{PACKAGES}/{GUARD}"
    guard = parsed.trees[guard_path]
    rewriter = Rewriter(modifiers_of(ours.values()) | modifiers_of([guard], GUARD_MODIFIER))
    texts = {
        path: with_imports(path, rewriter.rewrite(path, parsed.texts[path], tree))
        for path, tree in sorted(ours.items())
    }
    copied = Rewriter(rewriter.modifiers, foreign=guard_path).rewrite(guard_path, parsed.texts[guard_path], guard)
    texts[GUARD_FILE] = with_imports(GUARD_FILE, copied.replace(b'"./', f'"{PurePosixPath(GUARD).parent}/'.encode()))
    texts[SWITCH_FILE] = SWITCH.encode()
    return texts, rewriter.mutants


def is_mutated(path: str) -> bool:
    return path.startswith(f"{SOURCES}/") and not path.startswith(UNMUTATED)


def modifiers_of(trees: Iterable[Node], name: str | None = None) -> frozenset[int]:
    """The ids of the modifiers that these files define."""
    return frozenset(
        node["id"]
        for tree in trees
        for contract in tree["nodes"]
        for node in contract.get("nodes", ())
        if node["nodeType"] == "ModifierDefinition" and name in (None, node["name"])
    )


def with_imports(path: str, text: bytes) -> bytes:
    """The file importing the switch, and the copied guard in the place of the package's."""
    text = text.replace(f'"{GUARD}"'.encode(), f'"{relative_import(path, GUARD_FILE)}"'.encode())
    pragma, semicolon, rest = text.partition(b";")
    line = f'\nimport {{Mutants}} from "{relative_import(path, SWITCH_FILE)}";'
    return pragma + semicolon + line.encode() + rest


def relative_import(importer: str, target: str) -> str:
    """
    >>> relative_import("src/libraries/A.sol", "src/mutants/B.sol")
    './../mutants/B.sol'
    """
    return "./" + os.path.relpath(target, os.path.dirname(importer))


def copy_tree(target: Path) -> None:
    """Copy what forge needs; compiled output that is there stays."""
    for name in COPIED:
        copy(CONTRACTS / name, target / name)
    copy(CONTRACTS.parent / GOLDEN, target.parent / GOLDEN)
    packages = target / PACKAGES
    if not packages.is_symlink():
        packages.symlink_to(CONTRACTS / PACKAGES, target_is_directory=True)


def copy(source: Path, target: Path) -> None:
    """Make `target` equal to `source`, without touching the files of `src`, which are written mutated."""
    if source.is_file():
        write_if_other(target, source.read_bytes())
        target.chmod(source.stat().st_mode)
        return
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    for path in [path for path in target.rglob("*") if path.is_file()]:
        if path.relative_to(target) not in wanted:
            path.unlink()
    for name in wanted:
        if not (source.name == SOURCES and is_mutated((Path(SOURCES) / name).as_posix())):
            copy(source / name, target / name)


def write_if_other(path: Path, content: bytes) -> None:
    """forge compiles again what has another time or content."""
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
