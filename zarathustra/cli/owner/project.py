"""`zarathustra project …`: show projects."""

import asyncio

import click

from zarathustra.cli.context import echo_json, format_ether, format_score, network_option
from zarathustra.core.project import Project, Submission, SubmissionStatus
from zarathustra.core.types import ProjectId, SubmissionIndex
from zarathustra.sdk.client import open_reader
from zarathustra.sdk.network import Network

MAX_SHOWN = 20  # the latest submissions; a project may have thousands


@click.group()
def project() -> None:
    """Show projects."""


@project.command()
@click.argument("project_id", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print the project as JSON, without its submissions.")
@network_option
def show(network: Network, project_id: int, as_json: bool) -> None:
    """Show a project: its status, champion, terms and latest submissions."""
    found, submissions = asyncio.run(_fetch(network, ProjectId(project_id)))
    if as_json:
        echo_json(found)
        return
    for name, value in _describe(found).items():
        click.echo(f"{name:<22} {value}")
    click.echo("\n#    status      outcome           champion   challenger  gain at least")
    for index, submission in submissions:
        click.echo(_describe_submission(index, submission))


async def _fetch(network: Network, project_id: ProjectId) -> tuple[Project, list[tuple[int, Submission]]]:
    async with open_reader(network) as reader:
        found = await reader.market.fetch_project(project_id)
        first = max(0, found.submission_count - MAX_SHOWN)
        indices = range(first, found.submission_count)
        submissions = [await reader.market.fetch_submission(project_id, SubmissionIndex(index)) for index in indices]
        return found, list(zip(indices, submissions, strict=True))


def _describe(found: Project) -> dict[str, str]:
    params = found.params
    return {
        "status": found.status.name,
        "champion": f"submission {found.champion_index}, score {format_score(found.champion_score)}",
        "reward": f"up to {format_ether(params.max_reward)} ({params.reward_rule.name})",
        "pool left": format_ether(found.pool_free),
        "bond / fee": f"{format_ether(params.bond)} / {format_ether(params.fee)}",
        "gain needed": format_score(params.min_gain),
        "rounds": str(params.rounds),
        "open until block": str(params.open_until),
        "architecture": params.architecture_cid,
        "evaluator": params.evaluator_cid,
        "initial parameters": params.parameters_cid,
    }


def _describe_submission(index: int, submission: Submission) -> str:
    outcome = submission.outcome.name if submission.status is SubmissionStatus.FINAL else "-"
    scores = "  ".join(
        f"{format_score(score):>10}"
        for score in (submission.champion_score, submission.challenger_score, submission.gain_lower_bound)
    )
    return f"{index:<4} {submission.status.name:<11} {outcome:<16} {scores}"
