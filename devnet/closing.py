"""The end of a demo: the closing tables, and the same data as `summary.json`."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from devnet.demo import Outcomes, show
from devnet.memory import MemoryPeak
from devnet.network import Devnet
from devnet.progress import Progress
from zarathustra.core.events import SubmissionRevealed, SubmissionSettled
from zarathustra.core.types import SubmissionIndex

MIB = 1024 * 1024
STORIES = {0: "the owner's baseline", 1: "trained with torch", 2: "worse; its first performer lied", 3: "a copy of 1"}


def print_closing(console: Console, outcomes: Outcomes, progress: Progress, devnet: Devnet, peak: MemoryPeak) -> None:
    """Print the tables of the run, and where logs, reports and summary are."""
    console.print(_build_submissions(outcomes))
    console.print(_build_gas(outcomes))
    console.print(_build_times(progress, devnet, peak))
    console.print(_build_expectations(outcomes))
    for name in ("logs", "reports", "summary.json"):
        console.print(f"{name:<13} {devnet.directory / name}", highlight=False, soft_wrap=True)


def write_summary(outcomes: Outcomes, progress: Progress, devnet: Devnet, peak: MemoryPeak) -> Path:
    """Write `summary.json`, the closing tables for programs, and the reports. Return the path of the summary."""
    summary: dict[str, Any] = {
        "success": outcomes.is_success,
        "project": {
            "id": outcomes.project_id,
            "status": outcomes.project.status.name,
            "champion_index": outcomes.project.champion_index,
            "champion_score": outcomes.project.champion_score,
        },
        "submissions": {
            str(index): {
                "outcome": submission.outcome.name,
                "champion_score": submission.champion_score,
                "challenger_score": submission.challenger_score,
                "gain_lower_bound": submission.gain_lower_bound,
                "blocks_from_reveal_to_settlement": count_blocks(outcomes, index),
                "task_id": "0x" + submission.task_id.hex(),
                "parameters_cid": submission.parameters_cid,
            }
            for index, submission in outcomes.submissions.items()
        },
        "gas": {use.function: {"count": use.count, "min": use.minimum, "max": use.maximum} for use in outcomes.gas},
        "seconds": progress.seconds,
        "restarts": {process.spec.name: process.restarts for process in devnet.supervisor.processes},
        "memory": {"peak_pss_bytes": peak.pss, "peak_rss_bytes": peak.rss, "processes": peak.processes},
        "expectations": {expectation.text: expectation.is_met for expectation in outcomes.expectations},
    }
    reports = devnet.directory / "reports"
    reports.mkdir()
    for name, report in outcomes.reports.items():
        (reports / name).write_bytes(report)
    path = devnet.directory / "summary.json"
    path.write_text(json.dumps(summary, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def _build_submissions(outcomes: Outcomes) -> Table:
    table = Table(title="Submissions (scores: R² on fresh data; blocks: from reveal to settlement, a second each)")
    for name in ("#", "what", "outcome", "champion", "challenger", "gain", "lower bound", "blocks"):
        table.add_column(name, justify="left" if name in ("what", "outcome") else "right")
    for index, submission in sorted(outcomes.submissions.items()):
        table.add_row(
            str(index),
            STORIES[index],
            submission.outcome.name,
            show(submission.champion_score),
            show(submission.challenger_score),
            f"{(submission.challenger_score - submission.champion_score) / 1_000_000:+.4f}",
            show(submission.gain_lower_bound),
            str(count_blocks(outcomes, index)),
        )
    return table


def count_blocks(outcomes: Outcomes, index: SubmissionIndex) -> int:
    """Return the blocks from a submission's reveal to its settlement, with its wait for earlier ones."""
    facts = (SubmissionRevealed, SubmissionSettled)
    blocks = [
        event.block_number for event in outcomes.events if isinstance(event.fact, facts) and event.fact.index == index
    ]
    return max(blocks) - min(blocks)


def _build_gas(outcomes: Outcomes) -> Table:
    table = Table(title="Gas of each transaction")
    table.add_column("function")
    for name in ("count", "least", "most"):
        table.add_column(name, justify="right")
    for use in outcomes.gas:
        table.add_row(use.function, str(use.count), f"{use.minimum:,}", f"{use.maximum:,}")
    return table


def _build_times(progress: Progress, devnet: Devnet, peak: MemoryPeak) -> Table:
    table = Table(title="Times and memory")
    table.add_column("stage")
    table.add_column("", justify="right")
    for name, seconds in progress.seconds.items():
        table.add_row(name, f"{seconds:.1f} s")
    restarts = {process.spec.name: process.restarts for process in devnet.supervisor.processes if process.restarts}
    table.add_row("services started again", ", ".join(f"{name} ×{n}" for name, n in restarts.items()) or "none")
    table.add_row(f"peak memory of {peak.processes} processes", f"{peak.pss // MIB:,} MiB")
    return table


def _build_expectations(outcomes: Outcomes) -> Table:
    table = Table(title="Read back from the chain")
    table.add_column("expected")
    table.add_column("")
    for expectation in outcomes.expectations:
        table.add_row(expectation.text, "[green]✔[/]" if expectation.is_met else "[red]✘[/]")
    return table
