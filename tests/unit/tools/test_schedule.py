"""Checks in parallel: how many at a time, and how each result is reported."""

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest

from tools.checks import build_checks, build_nightly_checks, report
from tools.schedule import Check, Result, run_checks

pytestmark = pytest.mark.unit

# Records its start, waits until `companions` other checks have started, records its end.
PROGRAM = """
import os, sys, time
folder, name, companions = sys.argv[1], sys.argv[2], int(sys.argv[3])
open(f"{folder}/{name}.started", "w").close()
deadline = time.monotonic() + 20
while sum(entry.endswith(".started") for entry in os.listdir(folder)) <= companions and time.monotonic() < deadline:
    time.sleep(0.01)
alone = not any(entry.endswith(".started") and entry[:-8] + ".ended" not in os.listdir(folder)
                for entry in os.listdir(folder) if entry != f"{name}.started")
open(f"{folder}/{name}.ended", "w").close()
print("alone" if alone else "in company")
"""


def make_check(folder: Path, name: str, *, companions: int = 0, cores: int = 1) -> Check:
    command = (sys.executable, "-c", PROGRAM, str(folder), name, str(companions))
    return Check(name, "unit", command, folder, cores=cores)


def fail_with(status: int, folder: Path) -> Check:
    return Check("failing", "unit", (sys.executable, "-c", f"print('why'); raise SystemExit({status})"), folder)


async def run(*checks: Check, cores: int = 2) -> list[Result]:
    return await run_checks(checks, cores=cores, environment=dict(os.environ))


async def test_run__two_cores__two_at_a_time(tmp_path: Path) -> None:
    """Each check ends only after the other has started."""
    results = await run(make_check(tmp_path, "a", companions=1), make_check(tmp_path, "b", companions=1))
    assert all(result.is_passed for result in results)


async def test_run__needs_all_cores__one_after_the_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await run(*(make_check(tmp_path, name, cores=2) for name in "abc"))
    assert capsys.readouterr().out.count("alone") == 3


async def test_run__needs_more_cores_than_there_are__still_runs(tmp_path: Path) -> None:
    assert (await run(make_check(tmp_path, "a", cores=64), cores=1))[0].is_passed


async def test_run__one_fails__the_others_run_and_its_output_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = await run(fail_with(3, tmp_path), make_check(tmp_path, "after"))
    assert [result.is_passed for result in results] == [False, True]
    printed = capsys.readouterr().out
    assert "=== failing: failed with status 3" in printed
    assert "why" in printed
    assert report(results) == 1


@pytest.mark.parametrize(
    ("output", "skipped"),
    [
        ("SKIPPED [1] test_demo.py:44: there is no geth\n5 passed, 1 skipped in 2.07s", 1),
        (
            "Suite result: ok. 5 passed; 0 failed; 3 skipped\n40 tests passed, 0 failed, 4 skipped (44 total tests)",
            4,
        ),
        ("test result: 7 tests passed, 0 failed, 0 skipped", 0),
        ("Success: no issues found in 400 source files", 0),
    ],
)
async def test_run__tests_are_skipped__counted_in_the_report(
    output: str, skipped: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check = Check("chain tests", "chain", (sys.executable, "-c", f"print({output!r})"), tmp_path)
    results = await run(check)
    assert results[0].skipped == skipped
    assert report(results) == 0
    assert (f"{skipped} of chain tests" in capsys.readouterr().out) is (skipped > 0)


async def test_run__over_its_deadline__is_ended_with_its_child_processes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nested = "import subprocess; p = subprocess.Popen(['sleep', '600']); print('child', p.pid, flush=True); p.wait()"
    slow = Check("slow", "unit", (sys.executable, "-c", nested), tmp_path, deadline_s=2.0)
    (result,) = await run(slow)
    assert not result.is_passed
    child = int(capsys.readouterr().out.rpartition("child ")[2])
    async with asyncio.timeout(20):
        while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.01)


async def test_run__cancelled__leaves_nothing_running(tmp_path: Path) -> None:
    running = asyncio.ensure_future(run(make_check(tmp_path, "endless", companions=1)))
    async with asyncio.timeout(20):
        while not (tmp_path / "endless.started").exists():
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not (tmp_path / "endless.ended").exists()


def test_checks__every_tier_folder__is_run() -> None:
    tiers = {path.name for path in Path("tests").iterdir() if any(path.rglob("test_*.py"))}
    assert tiers <= {check.tier for check in build_checks()}


def test_checks__names__are_distinct() -> None:
    names = [check.name for check in build_checks() + build_nightly_checks()]
    assert len(names) == len(set(names))
