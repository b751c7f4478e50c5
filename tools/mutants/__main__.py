"""`python -m tools.mutants`: break each guard, comparison and effect of the contracts; the tests must notice.

All mutants are compiled once into a copy of the contracts (minutes); then the tests run against each, until one fails.
Survivors that change nothing are listed with reasons in `contracts/mutants.toml`. Inline assembly is not mutated.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.mutants.accepted import match_accepted, read_accepted, render_entry
from tools.mutants.order import Order
from tools.mutants.places import Mutant
from tools.mutants.report import count, render
from tools.mutants.trials import Trial, run_tests, try_all
from tools.mutants.workplace import Workplace, prepare
from tools.paths import ROOT
from tools.solidity import CONTRACTS, parse_sources

LEAST_KILLED_PERCENT = 97.0
ACCEPTED = CONTRACTS / "mutants.toml"
FOLDER = ROOT / ".cache" / "mutants"


def main() -> int:
    """Exit status 0 when enough mutants were killed."""
    arguments = parse_arguments()
    workplace, mutants = prepare(arguments.folder, parse_sources())
    accepted = match_accepted(read_accepted(ACCEPTED), mutants)
    chosen = choose(mutants, arguments)
    print(f"{len(mutants)} mutants, {len(chosen)} chosen, {len(accepted)} accepted", flush=True)
    trials = asyncio.run(run(workplace, chosen, arguments.jobs))
    print(render(trials, accepted))
    if arguments.entries:
        print(
            "\n\n".join(render_entry(it.mutant) for it in trials if not (it.is_killed or it.mutant.number in accepted))
        )
    return status_of(trials, accepted)


def status_of(trials: Sequence[Trial], accepted: Mapping[int, str]) -> int:
    """The exit status."""
    return 0 if count(trials, accepted).percent >= LEAST_KILLED_PERCENT else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, metavar="N", help="only N mutants, chosen by chance")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of that choice (default: 0)")
    parser.add_argument("--file", action="append", metavar="TEXT", help="only files whose path has this text")
    parser.add_argument("--number", action="append", type=int, metavar="N", help="only this mutant; may be repeated")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: all cores)")
    parser.add_argument("--entries", action="store_true", help="print survivors as entries of mutants.toml too")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the copy (default: .cache/mutants)")
    return parser.parse_args()


def choose(mutants: Sequence[Mutant], arguments: argparse.Namespace) -> list[Mutant]:
    """The mutants to try, in their order: neighbours follow each other, so that the tests which kill them are known."""
    chosen = [
        mutant
        for mutant in mutants
        if (arguments.file is None or any(text in mutant.file for text in arguments.file))
        and (arguments.number is None or mutant.number in arguments.number)
    ]
    if arguments.sample is None or arguments.sample >= len(chosen):
        return chosen
    sampled = random.Random(arguments.seed).sample(chosen, arguments.sample)
    return sorted(sampled, key=lambda mutant: mutant.number)


async def run(workplace: Workplace, mutants: Sequence[Mutant], lanes: int) -> list[Trial]:
    """Try the mutants. Raises RuntimeError when a test fails without any."""
    broken = await run_tests(workplace, 0, workplace.test_files, 0)
    if broken:
        raise RuntimeError(f"{broken} fails without a mutant")
    return await try_all(workplace, mutants, Order(workplace.test_files), max(1, lanes), progress(len(mutants)))


def progress(total: int) -> Callable[[Trial], None]:
    """Print a line for each trial."""
    started, done = time.monotonic(), 0

    def tell(trial: Trial) -> None:
        nonlocal done
        done += 1
        verdict = f"killed by {trial.killer}" if trial.is_killed else "SURVIVED"
        place = f"{trial.mutant.place}  {trial.mutant.change}"
        print(f"[{done}/{total}, {time.monotonic() - started:.0f} s] {place}: {verdict}", flush=True)

    return tell


if __name__ == "__main__":
    sys.exit(main())
