"""`python -m tools.coverage`: how many lines of `contracts/src` the contracts' tests run; exit status 1 below 95 %.

Tests of gas are left out. forge compiles without the optimizer for this, into folders of its own.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.solidity import CONTRACTS, SOURCES, environment, find_forge

LEAST_PERCENT = 95.0
SETTINGS = {
    "FOUNDRY_PROFILE": "quick",
    "FOUNDRY_DENY": "never",  # the gate shows warnings already
    "FOUNDRY_OUT": "out/coverage",
    "FOUNDRY_CACHE_PATH": "cache/coverage",
}


@dataclass(frozen=True)
class Coverage:
    """Of one file: how often each line that has code was run."""

    runs: Mapping[int, int]

    @property
    def covered(self) -> int:
        return sum(count > 0 for count in self.runs.values())

    @property
    def uncovered(self) -> list[int]:
        return sorted(line for line, count in self.runs.items() if count == 0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.coverage", description=__doc__)
    parser.add_argument("--contracts", type=Path, default=CONTRACTS, help="another copy of the contracts")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "lcov.info"
        measure(arguments.contracts, report)
        files = parse_lcov(report.read_text())
    print(render(files))
    return verdict_of(files)


def verdict_of(files: Mapping[str, Coverage]) -> int:
    """The exit status."""
    return 0 if percent(files) >= LEAST_PERCENT else 1


def measure(contracts: Path, report: Path) -> None:
    """Run all tests with forge's counters. Raises RuntimeError when one fails."""
    command = [find_forge(contracts), "coverage", "--report", "lcov", "--report-file", str(report)]
    run = subprocess.run(command, cwd=contracts, env={**environment(), **SETTINGS}, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"forge coverage ended with status {run.returncode}")


def parse_lcov(text: str) -> dict[str, Coverage]:
    """The files of `src`, from LCOV's text: `SF:` names a file, `DA:` a line and its count.

    >>> parse_lcov("SF:src/A.sol\\nDA:3,1\\nDA:4,0\\nend_of_record\\nSF:test/A.t.sol\\nDA:1,1\\n")
    {'src/A.sol': Coverage(runs={3: 1, 4: 0})}
    """
    runs: dict[str, dict[int, int]] = {}
    file = ""
    for line in text.splitlines():
        kind, _, value = line.partition(":")
        if kind == "SF":
            file = value
        elif kind == "DA" and file.startswith(f"{SOURCES}/"):
            number, count = map(int, value.split(",")[:2])
            known = runs.setdefault(file, {})
            known[number] = max(count, known.get(number, 0))
    return {name: Coverage(counts) for name, counts in sorted(runs.items())}


def percent(files: Mapping[str, Coverage]) -> float:
    """The covered part of all lines. Raises ValueError without any line: then nothing was measured."""
    lines = sum(len(file.runs) for file in files.values())
    if not lines:
        raise ValueError("no line was measured")
    return 100 * sum(file.covered for file in files.values()) / lines


def render(files: Mapping[str, Coverage]) -> str:
    """A row for each file, with the lines that no test runs."""
    rows = [
        f"{name:<40} {file.covered:>4} of {len(file.runs):>4}  {', '.join(map(str, file.uncovered))}".rstrip()
        for name, file in files.items()
    ]
    return "\n".join([*rows, f"lines covered: {percent(files):.1f} %; at least {LEAST_PERCENT} % are wanted"])


if __name__ == "__main__":
    sys.exit(main())
