"""`make test`: every check and every test tier, one after the other, each with its time; all run, then the verdict."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.paths import ROOT

BIN = Path(sys.executable).parent
CONTRACTS = ROOT / "contracts"
FORGE_PACKAGES = CONTRACTS / "node_modules" / "@foundry-rs"

LINT = "lint"
CONTRACT_TESTS = "contracts"


@dataclass(frozen=True)
class Check:
    """One command. `tier` is what `--only` names."""

    name: str
    tier: str
    command: Sequence[str]
    directory: Path = ROOT


def build_checks() -> list[Check]:
    """Everything that must pass, quick ones first."""
    python = sys.executable
    forge = str(next(FORGE_PACKAGES.glob("forge-*/bin/forge")))
    return [
        Check("format", LINT, (str(BIN / "ruff"), "format", "--check", ".")),
        Check("lint", LINT, (str(BIN / "ruff"), "check", ".")),
        Check("layers", LINT, (str(BIN / "lint-imports"), "--no-cache")),
        Check("types", LINT, (str(BIN / "mypy"),)),
        Check("protobuf lint", LINT, (str(CONTRACTS / "node_modules" / ".bin" / "buf"), "lint", "proto")),
        Check("protobuf code is current", LINT, (python, "-m", "tools.generated")),
        Check("Solidity format", LINT, (forge, "fmt", "--check"), CONTRACTS),
        Check("contract tests", CONTRACT_TESTS, (forge, "test"), CONTRACTS),
        Check("ABI is current", CONTRACT_TESTS, (python, "tools/export_abi.py", "--check"), CONTRACTS),
        *(
            _pytest(tier)
            for tier in ("unit", "property", "golden", "conformance", "sandbox", "chain", "bus", "simnet", "e2e")
        ),
    ]


def main() -> int:
    """Exit status 0 when all passed."""
    parser = argparse.ArgumentParser(prog="python -m tools.checks", description=__doc__)
    parser.add_argument("--only", action="append", help="a tier: lint, contracts, unit, …; may be repeated")
    only = parser.parse_args().only
    results = [(check, *run(check)) for check in build_checks() if only is None or check.tier in only]
    print("\n  passed     time  check")
    for check, is_passed, seconds in results:
        print(f"  {'yes' if is_passed else 'NO ':<8} {seconds:6.1f} s  {check.name}")
    failed = sum(not is_passed for _, is_passed, _ in results)
    print(f"\nchecks: {len(results) - failed} passed, {failed} failed")
    return 1 if failed or not results else 0


def run(check: Check) -> tuple[bool, float]:
    """Run one check, its output passed through."""
    print(f"\n=== {check.name}", flush=True)
    started = time.monotonic()
    # Node and Java come as packages: their commands are in our own bin.
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    finished = subprocess.run(check.command, cwd=check.directory, env=environment, check=False)
    return finished.returncode == 0, time.monotonic() - started


def _pytest(tier: str) -> Check:
    return Check(f"{tier} tests", tier, (sys.executable, "-m", "pytest", "-q", "-m", tier))


if __name__ == "__main__":
    sys.exit(main())
