"""`zarathustra admin admit …`: the calls of the administrator, the guardian and the resolver."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from zarathustra.chain import administration
from zarathustra.chain.administration import AdminCall
from zarathustra.cli.administrator.results import Result, describe, echo_result
from zarathustra.cli.context import ADDRESS, HASH, Account, account_options, json_option, network_file_option
from zarathustra.core.types import Address, OperatorId, TaskId
from zarathustra.sdk.administrator import execute_call, open_administrator, perform
from zarathustra.sdk.network import NetworkFile

F = TypeVar("F", bound=Callable[..., Any])


def call_options(command: F) -> F:
    """Add the options of every command that makes a call: network, account, --execute and --json."""
    execute = click.option(
        "--execute", is_flag=True, help="Execute this call, which was scheduled before, instead of scheduling it."
    )
    return execute(json_option(account_options(network_file_option(command))))


def make_call(
    call: AdminCall, *, network: NetworkFile, key_file: Path, password_file: Path, execute: bool, as_json: bool
) -> None:
    """Make the call directly or through the timelock, and print what became of it."""
    key = Account(key_file, password_file).unlock()

    async def run() -> Result:
        async with open_administrator(network, key) as administrator:
            return await execute_call(administrator, call) if execute else await perform(administrator, call)

    echo_result(asyncio.run(run()), describe(call, network.record.addresses), as_json=as_json)


@click.command()
@click.argument("owner", type=ADDRESS)
@call_options
def admit(owner: Address, **options: Any) -> None:
    """Let the account OWNER register one operator.

    If your account holds the role ADMISSION, the call is made at once. If the timelock holds it and you may propose,
    the call is scheduled; after the delay, run the same command with `--execute`.
    """
    make_call(administration.admit(owner), **options)


@click.command()
@click.argument("owner", type=ADDRESS)
@call_options
def expel(owner: Address, **options: Any) -> None:
    """Take back the admission of OWNER, if it was not used."""
    make_call(administration.expel(owner), **options)


@click.command("open-registration")
@call_options
def open_registration(**options: Any) -> None:
    """Let anyone register an operator. A quorum of strangers can certify anything: for test networks only."""
    make_call(administration.set_registration_open(True), **options)


@click.command("close-registration")
@call_options
def close_registration(**options: Any) -> None:
    """Let only admitted accounts register an operator."""
    make_call(administration.set_registration_open(False), **options)


@click.command()
@click.argument("operator", type=ADDRESS)
@call_options
def eject(operator: Address, **options: Any) -> None:
    """Remove OPERATOR from later operator sets. It keeps its stake and can withdraw it."""
    make_call(administration.eject(OperatorId(operator)), **options)


@click.command()
@call_options
def pause(**options: Any) -> None:
    """Stop new work for at most seven days. Needs the role GUARDIAN. Money can still leave."""
    make_call(administration.pause(), **options)


@click.command()
@call_options
def unpause(**options: Any) -> None:
    """End the pause now. Needs the role GUARDIAN, or DEFAULT_ADMIN."""
    make_call(administration.unpause(), **options)


@click.command()
@click.argument("task", type=HASH)
@click.option("--overturned/--upheld", "is_overturned", default=None, help="Your ruling; required.")
@call_options
def resolve(task: bytes, is_overturned: bool | None, **options: Any) -> None:
    """Rule on the dispute about TASK. Only the resolver may.

    Overturned: the reward goes back to the pool, the signers of the verdict are slashed, and the disputer gets back the
    bond and half of what is slashed. Upheld: the contributor gets the reward and the bond of the dispute.
    """
    if is_overturned is None:  # click accepts a flag that is required and missing
        raise click.UsageError("name your ruling: --overturned or --upheld")
    make_call(administration.resolve(TaskId(task), is_overturned=is_overturned), **options)
