"""`zarathustra submission …`: enter submissions, finish interrupted ones, and wait for outcomes."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from zarathustra.cli.context import FILE, Account, F, account_options, format_score, network_option
from zarathustra.cli.contributor.files import read_parameters
from zarathustra.cli.errors import describe_error, find_status
from zarathustra.core.errors import ZarathustraError
from zarathustra.core.outcomes import Outcome
from zarathustra.core.project import Submission, SubmissionStatus
from zarathustra.core.types import Address, ProjectId, SubmissionIndex
from zarathustra.sdk.client import Client, Reader, open_client, open_reader
from zarathustra.sdk.contributor import add_parameters, commit, draw_ticket, find_submission, reveal
from zarathustra.sdk.network import Network
from zarathustra.sdk.tickets import Ticket, TicketFolder
from zarathustra.sdk.watch import wait_for_outcome
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import EcdsaSecretKey

INTERRUPTED: Final = 130  # as shells report a program that SIGINT ended
EXPLAIN_SECONDS: Final = 15.0
ID = click.IntRange(min=0)
SCORED: Final = (Outcome.IMPROVED, Outcome.NOT_IMPROVED, Outcome.WORSE)


def find_ticket_folder() -> Path:
    """Return where tickets are kept by default."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "zarathustra" / "tickets"


def tickets_option(command: F) -> F:
    """Add --tickets, as a `TicketFolder`."""

    def load(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> TicketFolder:
        return TicketFolder(value or find_ticket_folder())

    option = click.option(
        "--tickets",
        envvar="ZARATHUSTRA_TICKETS",
        type=click.Path(file_okay=False, path_type=Path),
        callback=load,
        help="Folder of the tickets. Default: zarathustra/tickets in $XDG_CONFIG_HOME or ~/.config.",
    )
    return option(command)


wait_option = click.option("--wait", is_flag=True, help="Wait until the submission is final and print its outcome.")


@dataclass(frozen=True)
class Desk:
    """One account on one network, with its tickets."""

    network: Network
    key: EcdsaSecretKey
    folder: TicketFolder

    @property
    def address(self) -> Address:
        return Address(compute_address(self.key))

    def list_open(self) -> list[tuple[Path, Ticket]]:
        deployment = self.network.deployment
        return list(
            self.folder.list_open(
                chain_id=deployment.chain_id, market=deployment.model_submission, contributor=self.address
            )
        )

    def run(self, work: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
        """Run `work` with the account. When the user interrupts it, say what is on chain and how to go on."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)

        async def run() -> None:
            async with open_client(self.network, self.key) as client:
                await work(client)

        try:
            asyncio.run(run())
        except KeyboardInterrupt:
            self.explain()
            sys.exit(INTERRUPTED)

    def explain(self) -> None:
        """Print the state of every open ticket, and the command that finishes them."""
        left = self.list_open()
        if not left:
            click.echo("interrupted     nothing was paid", err=True)
            return
        try:
            states = asyncio.run(_describe_all(self.network, [ticket for _path, ticket in left]))
        except (ZarathustraError, TimeoutError):
            states = ["the chain did not say what is paid"] * len(left)
        for (path, ticket), state in zip(left, states, strict=True):
            click.echo(f"interrupted     project {ticket.project_id}: {state}; ticket {path}", err=True)
        click.echo("go on with      zarathustra submission resume", err=True)


@click.group()
def submission() -> None:
    """Enter submissions and wait for their outcomes."""


@submission.command()
@click.argument("project_id", type=ID)
@click.argument("parameters", type=FILE)
@wait_option
@tickets_option
@account_options
@network_option
def submit(
    network: Network,
    key_file: Path,
    password_file: Path,
    tickets: TicketFolder,
    project_id: int,
    parameters: Path,
    wait: bool,
) -> None:
    """Check PARAMETERS (safetensors), commit to them with the bond, and reveal them.

    A ticket with the salt is kept before anything is paid: without it you cannot reveal, and you lose the bond. If the
    command ends before the reveal, `zarathustra submission resume` finishes it, and pays nothing twice.
    """
    content = read_parameters(parameters)
    desk = Desk(network, Account(key_file, password_file).unlock(), tickets)

    async def work(client: Client) -> None:
        cid = await add_parameters(client, ProjectId(project_id), content)
        click.echo(f"parameters      {cid}")
        ticket = await draw_ticket(client, ProjectId(project_id), cid)
        path = tickets.create(ticket)
        click.echo(f"ticket          {path}")
        await _enter(client, desk, path, ticket, wait=wait)

    desk.run(work)


@submission.command()
@wait_option
@tickets_option
@account_options
@network_option
def resume(network: Network, key_file: Path, password_file: Path, tickets: TicketFolder, wait: bool) -> None:
    """Finish every submission of this account whose ticket is open: commit if that is not done, and reveal.

    What is done is read from the chain, so nothing is paid twice. Tickets of final submissions are put away.
    """
    desk = Desk(network, Account(key_file, password_file).unlock(), tickets)
    failures: list[ZarathustraError] = []

    async def work(client: Client) -> None:
        for path, ticket in desk.list_open():
            click.echo(f"ticket          {path}")
            try:
                await _enter(client, desk, path, ticket, wait=wait)
            except ZarathustraError as error:
                failures.append(error)
                click.echo(describe_error(error), err=True)

    desk.run(work)
    if failures:
        sys.exit(max(map(find_status, failures)))


@submission.command()
@click.argument("project_id", type=ID)
@click.argument("index", type=ID)
@network_option
def wait(network: Network, project_id: int, index: int) -> None:
    """Wait until a submission is final and print its outcome."""

    async def run() -> Submission:
        async with open_reader(network) as reader:
            return await wait_for_outcome(reader, ProjectId(project_id), SubmissionIndex(index))

    _echo_outcome(asyncio.run(run()))


async def _enter(client: Client, desk: Desk, path: Path, ticket: Ticket, *, wait: bool) -> None:
    """Do what is left to do for a ticket, and print each step."""
    index = await commit(client, ticket)
    click.echo(f"committed       submission {index} of project {ticket.project_id}")
    await reveal(client, ticket, index)
    click.echo(f"revealed        submission {index}")
    current = await client.reader.market.fetch_submission(ticket.project_id, index)
    if wait and current.status is not SubmissionStatus.FINAL:
        current = await wait_for_outcome(client.reader, ticket.project_id, index)
    if current.status is SubmissionStatus.FINAL:
        _echo_outcome(current)
        desk.folder.finish(path)


async def _describe_all(network: Network, tickets: list[Ticket]) -> list[str]:
    async with asyncio.timeout(EXPLAIN_SECONDS), open_reader(network) as reader:
        return [await describe_state(reader, ticket) for ticket in tickets]


async def describe_state(reader: Reader, ticket: Ticket) -> str:
    """Say in words how far a ticket's submission is."""
    index = await find_submission(reader, ticket)
    if index is None:
        return "no bond is paid, unless the transaction is still on its way"
    found = await reader.market.fetch_submission(ticket.project_id, index)
    if found.status is SubmissionStatus.COMMITTED:
        project = await reader.market.fetch_project(ticket.project_id)
        last, head = found.since + project.params.reveal_blocks, await reader.tasks.fetch_block_number()
        return f"submission {index} is committed; reveal it until block {last}, now {head}, or the bond is lost"
    if found.status is SubmissionStatus.FINAL:
        return f"submission {index} is final: {found.outcome.name}"
    return f"submission {index} is revealed; the operators do the rest"


def _echo_outcome(final: Submission) -> None:
    click.echo(f"outcome         {final.outcome.name}")
    if final.outcome in SCORED:
        click.echo(f"champion        {format_score(final.champion_score)}")
        click.echo(f"challenger      {format_score(final.challenger_score)}")
        click.echo(f"gain at least   {format_score(final.gain_lower_bound)}")
