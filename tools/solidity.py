"""The contracts' sources as solc parses them: syntax trees without bytecode, so that it takes seconds."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.paths import ROOT

CONTRACTS = ROOT / "contracts"
SOURCES = "src"
PACKAGES = "node_modules"
EVM_VERSION = "prague"
BIN = Path(sys.executable).parent

IMPORT = re.compile(r'^(?:import|\}) .*?"([^"]+)";', re.MULTILINE)

Node = dict[str, Any]  # a node of solc's syntax tree


@dataclass(frozen=True)
class Parsed:
    """What solc was given, and its answer. Paths are relative to `contracts`."""

    question: Mapping[str, Any]
    answer: Mapping[str, Any]

    @property
    def trees(self) -> Mapping[str, Node]:
        return {path: unit["ast"] for path, unit in self.answer["sources"].items()}

    @property
    def texts(self) -> Mapping[str, bytes]:
        return {path: source["content"].encode() for path, source in self.question["sources"].items()}


def parse_sources(contracts: Path = CONTRACTS) -> Parsed:
    """Parse `src` and what it imports. Raises ValueError with solc's text when it does not compile."""
    question = {
        "language": "Solidity",
        "sources": {path: {"content": text} for path, text in read_sources(contracts).items()},
        "settings": {
            "evmVersion": EVM_VERSION,
            "remappings": [f"@={PACKAGES}/@"],
            "outputSelection": {"*": {"": ["ast"], "*": ["abi", "devdoc", "userdoc"]}},
        },
    }
    run = subprocess.run(
        [str(contracts / "tools" / "solc"), "--standard-json"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    answer = json.loads(run.stdout)
    errors = [error["formattedMessage"] for error in answer.get("errors", ()) if error["severity"] == "error"]
    if errors:
        raise ValueError("\n".join(errors))
    return Parsed(question, answer)


def read_sources(contracts: Path) -> dict[str, str]:
    """The text of every file of `src`, and of every file that one of them imports."""
    waiting = [path.relative_to(contracts).as_posix() for path in sorted(contracts.glob(f"{SOURCES}/**/*.sol"))]
    texts: dict[str, str] = {}
    while waiting:
        path = waiting.pop()
        if path in texts:
            continue
        texts[path] = (contracts / path).read_text()
        waiting += [resolve_import(path, target) for target in IMPORT.findall(texts[path])]
    return dict(sorted(texts.items()))


def resolve_import(importer: str, target: str) -> str:
    """
    >>> resolve_import("src/A.sol", "./libraries/B.sol"), resolve_import("src/A.sol", "@x/B.sol")
    ('src/libraries/B.sol', 'node_modules/@x/B.sol')
    """
    if not target.startswith("."):
        return f"{PACKAGES}/{target}"
    return os.path.normpath(os.path.join(os.path.dirname(importer), target))


def find_forge(contracts: Path = CONTRACTS) -> str:
    """The binary itself: npm's wrapper would exit 0 when a build fails."""
    return str(next((contracts / PACKAGES / "@foundry-rs").glob("forge-*/bin/forge")))


def environment() -> dict[str, str]:
    """Ours, with the commands that come as packages, such as Node, from our own `bin`."""
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
