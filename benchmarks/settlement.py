"""Measures what the services take, beyond blocks and evaluation: `python -m benchmarks.settlement [COUNT]`.

Runs a development network and settles COUNT submissions one after the other. Per submission:

    seed usable (head past the seed block) ──▶ certificate sent        time of the services, less the evaluation
    reveal mined ──▶ settled                                           time that a contributor waits, with blocks
"""

import asyncio
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from devnet.chains import BLOCK_TIME_S
from devnet.demo import TERMS, open_account, submit
from devnet.example import build_random_parameters, load_artefacts
from devnet.network import ETHER, Devnet, run_devnet
from devnet.progress import Progress
from zarathustra.core.types import BlockNumber, Wei
from zarathustra.sdk.owner import publish_project
from zarathustra.sdk.watch import wait_for_outcome, wait_for_project_open
from zarathustra.telemetry.log import configure_logging

DEFAULT_COUNT = 25
HEAD_POLL_S = 0.02


@dataclass(frozen=True)
class Timing:
    """One submission, in seconds."""

    line: float
    evaluation: float
    total: float


class HeadWatch:
    """Notes when each block was first seen, by this machine's clock."""

    def __init__(self, devnet: Devnet) -> None:
        self._devnet = devnet
        self.seen: dict[BlockNumber, float] = {}

    async def run(self) -> None:
        while True:
            head = BlockNumber(int(await self._devnet.rpc.call("eth_blockNumber"), 16))
            self.seen.setdefault(head, time.time())
            await asyncio.sleep(HEAD_POLL_S)


async def measure(count: int, directory: Path) -> list[Timing]:
    """Settle `count` submissions and time each."""
    artefacts = load_artefacts()
    terms = replace(TERMS, pool=Wei(6 * ETHER), budget=Wei(10 * ETHER))
    async with run_devnet(directory, Progress(Console())) as devnet, open_account(devnet) as owner:
        watch = HeadWatch(devnet)
        watching = asyncio.create_task(watch.run())
        project_id = await publish_project(owner, artefacts, terms)
        await wait_for_project_open(owner.reader, project_id)
        timings = []
        async with open_account(devnet) as contributor:
            for number in range(count):
                parameters = build_random_parameters(artefacts.architecture, seed=100 + number, scale=2.0)
                index = await submit(contributor, project_id, parameters)
                revealed = time.time()
                submission = await wait_for_outcome(owner.reader, project_id, index)
                task = await owner.reader.tasks.fetch_task(submission.task_id)
                timings.append(_read_timing(devnet, watch, BlockNumber(task.seed_block + 1), revealed))
        watching.cancel()
    return timings


def _read_timing(devnet: Devnet, watch: HeadWatch, usable: BlockNumber, revealed: float) -> Timing:
    """Read from the services' logs when they evaluated and when the certificate was sent."""
    logs = devnet.directory / "logs"
    begun = watch.seen[usable]
    evaluations = [line for line in _read_log(logs / "evaluator.log", "Evaluated") if _time_of(line) > begun]
    sent = _read_log(logs / "aggregator-1.log", "Certificate transaction signed")
    sent_at = next(at for at in map(_time_of, sent) if at > begun)
    evaluation = max(float(line["seconds"]) for line in evaluations)
    return Timing(line=sent_at - begun - evaluation, evaluation=evaluation, total=time.time() - revealed)


def _read_log(path: Path, event: str) -> list[dict[str, float | str]]:
    lines = (json.loads(line) for line in path.read_text().splitlines() if line.startswith("{"))
    return [line for line in lines if line.get("event") == event]


def _time_of(line: dict[str, float | str]) -> float:
    return datetime.fromisoformat(str(line["timestamp"])).timestamp()


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value v such that at least `percent` % of the values are at most v."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def main() -> None:
    configure_logging("benchmark", level="WARNING")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_COUNT
    with tempfile.TemporaryDirectory() as folder:
        timings = asyncio.run(measure(count, Path(folder)))
    blocks = (TERMS.seed_delay + 1) * BLOCK_TIME_S
    print(f"{count} submissions, block time {BLOCK_TIME_S} s")
    for name, values in (
        ("services, without blocks, evaluation", [timing.line for timing in timings]),
        ("evaluation", [timing.evaluation for timing in timings]),
        ("reveal to settlement", [timing.total for timing in timings]),
    ):
        p50, p99 = percentile(values, 50), percentile(values, 99)
        print(f"  {name:<36} p50 {p50:6.2f} s   p99 {p99:6.2f} s   p50 / {blocks} s of seed delay = {p50 / blocks:.2f}")


if __name__ == "__main__":
    main()
