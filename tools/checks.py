"""`make test`: every check and every test tier, side by side where they do not touch each other; all run, then the
verdict. `make nightly` adds what takes too long for every change.
"""

import argparse
import asyncio
import os
import sys

from tools.schedule import Check, Result, run_checks
from tools.solidity import BIN, CONTRACTS, PACKAGES, environment, find_forge

NODE_BIN = CONTRACTS / PACKAGES / ".bin"
SOLHINT_ARGUMENTS = ("--disc", "--max-warnings", "0", "src/**/*.sol")  # --disc: it asks nobody for a newer version

LINT = "lint"
CONTRACT_TESTS = "contracts"
# The settings of the deployed contracts take twelve minutes to compile with all tests. The gate tests the same sources
# with quick settings, and the deployed bytecode on a real chain in `chain` and `e2e`; the nightly run tests both.
QUICK = {"FOUNDRY_PROFILE": "quick"}

FUZZ_RUNS = 10_000  # of each fuzz test in the nightly run; 128 in the gate
NIGHTLY_DEADLINE_S = 3 * 3600.0


def build_checks() -> list[Check]:
    """Everything that must pass: quick ones first, then long ones before short ones."""
    python = sys.executable
    forge = find_forge()
    every_core = os.cpu_count() or 1
    return [
        Check("format", LINT, (str(BIN / "ruff"), "format", "--check", ".")),
        Check("lint", LINT, (str(BIN / "ruff"), "check", ".")),
        Check("layers", LINT, (str(BIN / "lint-imports"), "--no-cache")),
        Check("protobuf lint", LINT, (str(NODE_BIN / "buf"), "lint", "proto")),
        Check("protobuf code is current", LINT, (python, "-m", "tools.generated")),
        Check("documents are current", LINT, (python, "-m", "tools.documents", "--check")),
        Check("Solidity format", LINT, (forge, "fmt", "--check"), CONTRACTS),
        Check("Solidity lint", LINT, (str(NODE_BIN / "solhint"), *SOLHINT_ARGUMENTS), CONTRACTS),
        Check("slither", LINT, (python, "-m", "tools.slither")),
        Check("types", LINT, (str(BIN / "mypy"),)),
        Check("contract tests", CONTRACT_TESTS, (forge, "test"), CONTRACTS, environment=QUICK),
        *(_pytest(tier, cores=every_core) for tier in ("unit", "property", "golden")),
        *(_pytest(tier) for tier in ("simnet", "e2e", "bus", "conformance", "sandbox", "chain")),
        Check("ABI is current", CONTRACT_TESTS, (python, "tools/export_abi.py", "--check"), CONTRACTS),
    ]


def build_nightly_checks() -> list[Check]:
    """What takes too long for every change."""
    return [
        Check(
            "contract tests as deployed, many more runs",
            CONTRACT_TESTS,
            (find_forge(), "test"),
            CONTRACTS,
            cores=os.cpu_count() or 1,
            deadline_s=NIGHTLY_DEADLINE_S,
            environment={"FOUNDRY_FUZZ_RUNS": str(FUZZ_RUNS)},
        ),
        Check(
            "invariants of all contracts, and what their histories reach",
            CONTRACT_TESTS,
            (sys.executable, "-m", "tools.campaign"),
            cores=os.cpu_count() or 1,
            deadline_s=NIGHTLY_DEADLINE_S,
            environment={"FOUNDRY_PROFILE": "nightly"},
        ),
        Check(
            "every crash point",
            "simnet",
            (sys.executable, "-m", "pytest", "-q", "tests/simnet/test_crashes.py"),
            deadline_s=NIGHTLY_DEADLINE_S,
            environment={"SIMNET_CRASH_POINTS": "all"},
        ),
        Check(
            "coverage of the contracts",
            CONTRACT_TESTS,
            (sys.executable, "-m", "tools.coverage"),
            deadline_s=NIGHTLY_DEADLINE_S,
        ),
        Check(
            "mutants of the contracts",
            CONTRACT_TESTS,
            (sys.executable, "-m", "tools.mutants"),
            cores=os.cpu_count() or 1,
            deadline_s=NIGHTLY_DEADLINE_S,
        ),
    ]


def main() -> int:
    """Exit status 0 when all passed, 1 when one failed, 2 when nothing was chosen."""
    parser = argparse.ArgumentParser(prog="python -m tools.checks", description=__doc__)
    parser.add_argument("--only", action="append", help="a tier: lint, contracts, unit, …; may be repeated")
    parser.add_argument("--nightly", action="store_true", help="also what takes too long for every change")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="cores to use (default: all)")
    arguments = parser.parse_args()
    checks = build_checks() + (build_nightly_checks() if arguments.nightly else [])
    chosen = [check for check in checks if arguments.only is None or check.tier in arguments.only]
    if not chosen:
        parser.error(f"no check has that tier; there are {', '.join(dict.fromkeys(check.tier for check in checks))}")
    try:
        results = asyncio.run(run_checks(chosen, cores=max(1, arguments.jobs), environment=environment()))
    except KeyboardInterrupt:
        print("checks: stopped")
        return 130
    return report(results)


def report(results: list[Result]) -> int:
    """Print the table; the exit status."""
    print("\n  passed     time  check")
    for result in results:
        print(f"  {'yes' if result.is_passed else 'NO ':<8} {result.seconds:6.1f} s  {result.check.name}")
    failed = sum(not result.is_passed for result in results)
    print(f"\nchecks: {len(results) - failed} passed, {failed} failed")
    skipped = [f"{result.skipped} of {result.check.name}" for result in results if result.skipped]
    if skipped:
        print(f"tests skipped, with their reasons above: {', '.join(skipped)}")
    return 1 if failed else 0


def _pytest(tier: str, *, cores: int = 1) -> Check:
    """A tier lies in a folder of its own. Only what touches nothing outside its process runs on several cores."""
    parallel = ("-n", str(cores)) if cores > 1 else ()
    command = (sys.executable, "-m", "pytest", "-q", *parallel, f"tests/{tier}")
    return Check(f"{tier} tests", tier, command, cores=cores)


if __name__ == "__main__":
    sys.exit(main())
