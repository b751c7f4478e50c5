"""`python -m tools.slither`: run slither over the contracts; exit status 0 when it read everything and found nothing.

slither reads syntax trees alone. So it gets those, without bytecode, in the form in which forge would leave them: that
takes ten seconds instead of minutes. It lives in an environment of its own, because it pins other versions of packages
that the project uses; `make prepare` makes that. `contracts/slither.config.json` names the detectors that are switched
off, and `SWITCHED_OFF` says why. A finding that is right as it is has a comment at its place:
`// slither-disable-next-line <detector> <reason>`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.paths import ROOT
from tools.solidity import CONTRACTS, PACKAGES, Parsed, environment, find_forge, parse_sources

SLITHER = ROOT / ".cache" / "slither" / "bin" / "slither"
SWITCHED_OFF = {
    "assembly": "Each block does what Solidity cannot, says so, and is compared with plain code by a test.",
    "incorrect-equality": "It means balances that anyone can raise. Here it finds states, counts and slashes.",
    "low-level-calls": "Precompiles have no other interface, and the coin is paid with all gas on purpose.",
    "timestamp": "forge's linter finds the same two places, and has its answers there.",
    "too-many-digits": "It finds points of the curve, which a golden test and the constructor's self-test check.",
}
UNREAD = re.compile(r"Impossible to generate IR for (\S+) \((src/[^)]*)\)")  # slither itself only says so, and goes on
NO_CODE = {"object": "", "sourceMap": ""}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.slither", description=__doc__)
    parser.add_argument("--contracts", type=Path, default=CONTRACTS, help="another copy of the contracts")
    parser.add_argument("rest", nargs="*", help="arguments for slither, after --")
    arguments = parser.parse_args()
    if not SLITHER.exists():
        sys.exit("slither is missing: run `make prepare`")
    return run_slither(SLITHER, arguments.contracts.resolve(), arguments.rest)


def run_slither(slither: Path, contracts: Path, rest: Sequence[str] = ()) -> int:
    """Print what slither says; the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "src.json").write_text(json.dumps(build_info_of(parse_sources(contracts))))
        command = [str(slither), ".", "--ignore-compile", "--foundry-build-info-directory", folder, *rest]
        # slither asks forge for the settings, and finds its configuration in the folder where it runs.
        path = f"{Path(find_forge(contracts)).parent}{os.pathsep}{environment()['PATH']}"
        run = subprocess.run(
            command, cwd=contracts, env={**environment(), "PATH": path}, stderr=subprocess.PIPE, text=True, check=False
        )
    print(run.stderr)
    unread = find_unread(run.stderr)
    if unread:
        print(f"slither could not read {', '.join(unread)}: nothing was looked for there")
    return 1 if unread else run.returncode


def find_unread(output: str) -> list[str]:
    """The functions of `src` that slither gave up on. It cannot read OpenZeppelin's guard: that one is not ours.

    >>> find_unread("ERROR: Impossible to generate IR for A.f (src/A.sol#1-3):\\n x")
    ['A.f (src/A.sol#1-3)']
    """
    return [f"{name} ({place})" for name, place in UNREAD.findall(output)]


def build_info_of(parsed: Parsed) -> dict[str, Any]:
    """What forge writes with `--build-info`, with empty bytecode."""
    version = json.loads((CONTRACTS / PACKAGES / "solc" / "package.json").read_text())["version"]
    contracts = {
        path: {name: {**one, "evm": {"bytecode": NO_CODE, "deployedBytecode": NO_CODE}} for name, one in found.items()}
        for path, found in parsed.answer["contracts"].items()
    }
    return {
        "id": "src",
        "solcVersion": version,
        "input": parsed.question,
        "output": {**parsed.answer, "contracts": contracts},
    }


if __name__ == "__main__":
    sys.exit(main())
