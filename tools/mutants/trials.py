"""Runs the tests against each mutant, several at a time, until the first test fails."""

import asyncio
import os
import re
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from tools.mutants.order import Order
from tools.mutants.places import Mutant
from tools.mutants.workplace import Workplace
from tools.solidity import find_forge

DEADLINE_S = 900.0  # of one forge process; a mutant whose tests do not end is killed
FUZZ_RUNS = 32  # of each fuzz test: the unit tests should kill, and quickly
FAILED_FILE = re.compile(r"Encountered \d+ failing tests? in (\S+?):")
FAILED_TEST = re.compile(r"^\[FAIL.*?\] (\w+)\(", re.MULTILINE)


class BrokenRunError(Exception):
    """forge ended without a verdict."""


@dataclass(frozen=True)
class Trial:
    """What the tests said to one mutant. `killer` is empty for a survivor."""

    mutant: Mutant
    killer: str

    @property
    def is_killed(self) -> bool:
        return bool(self.killer)


async def try_all(
    workplace: Workplace, mutants: Sequence[Mutant], order: Order, lanes: int, tell: Callable[[Trial], None]
) -> list[Trial]:
    """Try every mutant, in `lanes` processes side by side; in the order of `mutants`."""
    waiting = iter(mutants)
    trials: dict[int, Trial] = {}

    async def work(lane: int) -> None:
        for mutant in waiting:
            trial = await try_one(workplace, mutant, order, lane)
            trials[mutant.number] = trial
            tell(trial)

    async with asyncio.TaskGroup() as group:
        for lane in range(lanes):
            group.create_task(work(lane))
    return [trials[mutant.number] for mutant in mutants]


async def try_one(workplace: Workplace, mutant: Mutant, order: Order, lane: int) -> Trial:
    for files in order.runs_for(mutant):
        killer = await run_tests(workplace, mutant.number, files, lane)
        if killer:
            if killer.partition(":")[0] in order.test_files:
                order.learn(mutant, killer.partition(":")[0])
            return Trial(mutant, killer)
    return Trial(mutant, "")


async def run_tests(workplace: Workplace, number: int, files: Sequence[str], lane: int) -> str:
    """The first test that fails, as `file:test`; empty if all pass."""
    command = [find_forge(workplace.contracts), "test", "--fail-fast", "-j", "1", "--match-path", pattern_of(files)]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=workplace.contracts,
        env={**workplace.settings(number, lane), "FOUNDRY_FUZZ_RUNS": str(FUZZ_RUNS)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    except TimeoutError:
        return f"no end after {DEADLINE_S:.0f} s"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return verdict_of(output.decode(errors="replace"), process.returncode or 0)


def verdict_of(output: str, status: int) -> str:
    """The first failing test by forge's output; empty when all passed. Raises BrokenRunError when there is no verdict.

    >>> verdict_of("[FAIL: no] test_a() (gas: 1)\\nEncountered 1 failing test in test/A.t.sol:ATest", 1)
    'test/A.t.sol:test_a'
    """
    file, test = FAILED_FILE.search(output), FAILED_TEST.search(output)
    if file and status != 0:
        return f"{file[1]}:{test[1] if test else '?'}"
    if status != 0 or "0 failed" not in output:
        raise BrokenRunError(f"forge ended with status {status}:\n{output[-2000:]}")
    return ""


def pattern_of(files: Sequence[str]) -> str:
    """
    >>> pattern_of(["a.sol"]), pattern_of(["a.sol", "b.sol"])
    ('a.sol', '{a.sol,b.sol}')
    """
    return files[0] if len(files) == 1 else "{" + ",".join(files) + "}"
