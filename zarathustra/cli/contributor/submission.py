"""`zarathustra submission …`: enter a submission and wait for its outcome."""

import asyncio
from pathlib import Path

import click

from zarathustra.cli.context import FILE, Account, account_options, format_score, network_option
from zarathustra.core.project import Submission
from zarathustra.core.types import ProjectId, SubmissionIndex
from zarathustra.sdk.client import Client, open_client, open_reader
from zarathustra.sdk.contributor import Ticket, add_parameters, commit, draw_ticket, reveal
from zarathustra.sdk.network import Network
from zarathustra.sdk.watch import wait_for_outcome


@click.group()
def submission() -> None:
    """Enter submissions and wait for their outcomes."""


@submission.command()
@click.argument("project_id", type=int)
@click.argument("parameters", type=FILE)
@click.option(
    "--ticket",
    type=click.Path(path_type=Path),
    help="File for the ticket. Default: PARAMETERS with the suffix .ticket.json.",
)
@click.option("--wait", is_flag=True, help="Wait until the submission is final and print its outcome.")
@account_options
@network_option
def submit(
    network: Network,
    key_file: Path,
    password_file: Path,
    project_id: int,
    parameters: Path,
    ticket: Path | None,
    wait: bool,
) -> None:
    """Check PARAMETERS (safetensors), commit to them with the bond, and reveal them.

    The ticket file holds the salt: without it you cannot reveal, and you lose the bond. If the command fails after the
    commit, run `zarathustra submission reveal TICKET`.
    """
    ticket_file = ticket or parameters.with_suffix(".ticket.json")
    key = Account(key_file, password_file).unlock()
    content = parameters.read_bytes()

    async def run() -> None:
        async with open_client(network, key) as client:
            kept = await _commit(client, ProjectId(project_id), content, ticket_file)
            await _reveal_and_wait(client, kept, wait=wait)

    asyncio.run(run())


@submission.command("reveal")
@click.argument("ticket", type=FILE)
@click.option("--wait", is_flag=True, help="Wait until the submission is final and print its outcome.")
@account_options
@network_option
def reveal_command(network: Network, key_file: Path, password_file: Path, ticket: Path, wait: bool) -> None:
    """Reveal the parameters that were committed with TICKET."""
    key = Account(key_file, password_file).unlock()
    kept = Ticket.from_json(ticket.read_text(encoding="utf-8"))

    async def run() -> None:
        async with open_client(network, key) as client:
            await _reveal_and_wait(client, kept, wait=wait)

    asyncio.run(run())


@submission.command()
@click.argument("project_id", type=int)
@click.argument("index", type=int)
@network_option
def wait(network: Network, project_id: int, index: int) -> None:
    """Wait until a submission is final and print its outcome."""

    async def run() -> Submission:
        async with open_reader(network) as reader:
            return await wait_for_outcome(reader, ProjectId(project_id), SubmissionIndex(index))

    _echo_outcome(asyncio.run(run()))


async def _commit(client: Client, project_id: ProjectId, parameters: bytes, ticket_file: Path) -> Ticket:
    """Commit, and write the ticket twice: before the bond is paid, and when the submission's index is known."""
    cid = await add_parameters(client, project_id, parameters)
    click.echo(f"parameters      {cid}")
    ticket = draw_ticket(project_id, cid)
    _keep(ticket, ticket_file)
    ticket = await commit(client, ticket)
    _keep(ticket, ticket_file)
    click.echo(f"committed       submission {ticket.index} of project {project_id}; ticket kept in {ticket_file}")
    return ticket


async def _reveal_and_wait(client: Client, ticket: Ticket, *, wait: bool) -> None:
    index = await reveal(client, ticket)
    click.echo(f"revealed        submission {index}")
    if wait:
        _echo_outcome(await wait_for_outcome(client.reader, ticket.project_id, index))


def _keep(ticket: Ticket, path: Path) -> None:
    path.touch(mode=0o600)
    path.write_text(ticket.to_json(), encoding="utf-8")


def _echo_outcome(final: Submission) -> None:
    click.echo(f"outcome         {final.outcome.name}")
    click.echo(f"champion        {format_score(final.champion_score)}")
    click.echo(f"challenger      {format_score(final.challenger_score)}")
    click.echo(f"gain at least   {format_score(final.gain_lower_bound)}")
