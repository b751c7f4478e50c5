"""Runs commands side by side, as many as the machine has cores for, and tells how each ended.

Commands start in the order given; each waits until its cores are free. What a command prints is shown in one piece when
it has ended.
"""

import asyncio
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tools.paths import ROOT

KILL_AFTER_S = 10.0  # a command that ignores SIGTERM for longer is killed


@dataclass(frozen=True)
class Check:
    """One command. `tier` is what `--only` names."""

    name: str
    tier: str
    command: Sequence[str]
    directory: Path = ROOT
    cores: int = 1
    deadline_s: float = 2_400.0  # three gates side by side on two cores need 1,000; a check that hangs must end
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    check: Check
    is_passed: bool
    seconds: float
    skipped: int = 0  # tests that the command says it skipped


async def run_checks(checks: Sequence[Check], *, cores: int, environment: Mapping[str, str]) -> list[Result]:
    """Run all of them; the results in the order of `checks`. Cancelled, it ends what runs."""
    floor = _Floor(cores)
    tasks = []
    try:
        for check in checks:
            await floor.enter(check)
            tasks.append(asyncio.create_task(_run(check, floor, environment)))
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Floor:
    """The cores that are taken."""

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._free = cores
        self._changed = asyncio.Condition()

    async def enter(self, check: Check) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._needs(check) <= self._free)
            self._free -= self._needs(check)

    async def leave(self, check: Check) -> None:
        async with self._changed:
            self._free += self._needs(check)
            self._changed.notify_all()

    def _needs(self, check: Check) -> int:
        return min(check.cores, self._cores)


async def _run(check: Check, floor: _Floor, environment: Mapping[str, str]) -> Result:
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        try:
            status = await _run_command(check, output.fileno(), environment)
        finally:
            await floor.leave(check)
        seconds = time.monotonic() - started
        output.seek(0)
        text = output.read().decode(errors="replace").rstrip()
    verdict = "passed" if status == 0 else "ran out of time" if status is None else f"failed with status {status}"
    print(f"\n=== {check.name}: {verdict} after {seconds:.1f} s\n{text}", flush=True)
    return Result(check, status == 0, seconds, count_skipped(text))


def count_skipped(output: str) -> int:
    """The number of skipped tests in the last summary of pytest or forge; 0 where there is none."""
    counts = re.findall(r"\b(\d+) skipped\b", output)
    return int(counts[-1]) if counts else 0


async def _run_command(check: Check, output: int, environment: Mapping[str, str]) -> int | None:
    """The exit status; None when the deadline passed."""
    process = await asyncio.create_subprocess_exec(
        *check.command,
        cwd=check.directory,
        env={**environment, **check.environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,  # so that the whole family can be ended
    )
    try:
        return await asyncio.wait_for(process.wait(), check.deadline_s)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            await _end_family(process)


async def _end_family(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, then SIGKILL, to the command and all it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), KILL_AFTER_S)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
