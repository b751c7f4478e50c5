"""`zarathustra admin operations`, `execute` and `cancel`: what waits at the timelock."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from zarathustra.chain.administration import describe_call
from zarathustra.chain.port import Receipt
from zarathustra.chain.quantities import format_data
from zarathustra.chain.timelock import ScheduledOperation
from zarathustra.cli.administrator.results import echo_receipt, format_ready, operation_to_document
from zarathustra.cli.context import (
    HASH,
    Account,
    account_options,
    echo_json,
    echo_rows,
    json_option,
    network_file_option,
)
from zarathustra.sdk.administrator import (
    PENDING,
    Administrator,
    build_timelock_reader,
    cancel_operation,
    execute_operation,
    open_administrator,
    open_checked,
)
from zarathustra.sdk.network import NetworkFile

Act = Callable[[Administrator, bytes], Awaitable[Receipt]]


@click.command()
@click.option("--all", "is_all", is_flag=True, help="Show those that are done or cancelled too.")
@json_option
@network_file_option
def operations(network: NetworkFile, is_all: bool, as_json: bool) -> None:
    """Show the operations that wait at the timelock: what each would call, and from when it can be executed."""

    async def fetch() -> tuple[ScheduledOperation, ...]:
        async with open_checked(network) as rpc:
            return await build_timelock_reader(rpc, network.record).fetch_operations()

    shown = [found for found in asyncio.run(fetch()) if is_all or found.state in PENDING]
    calls = [[describe_call(network.record.addresses, call) for call in found.operation.calls] for found in shown]
    if as_json:
        documents = [operation_to_document(found) | {"calls": texts} for found, texts in zip(shown, calls, strict=True)]
        echo_json({"operations": documents})
        return
    for found, texts in zip(shown, calls, strict=True):
        _echo_operation(found, texts)
    if not shown:
        click.echo("no operations")


@click.command()
@click.argument("operation", type=HASH)
@json_option
@account_options
@network_file_option
def execute(network: NetworkFile, operation: bytes, key_file: Path, password_file: Path, as_json: bool) -> None:
    """Execute OPERATION, which was scheduled before and whose delay is over. Needs the role EXECUTOR."""
    receipt = _act(execute_operation, network, Account(key_file, password_file), operation)
    echo_receipt(receipt, {"executed": format_data(operation)}, as_json=as_json)


@click.command()
@click.argument("operation", type=HASH)
@json_option
@account_options
@network_file_option
def cancel(network: NetworkFile, operation: bytes, key_file: Path, password_file: Path, as_json: bool) -> None:
    """Cancel OPERATION, which waits at the timelock. Needs the role CANCELLER."""
    receipt = _act(cancel_operation, network, Account(key_file, password_file), operation)
    echo_receipt(receipt, {"cancelled": format_data(operation)}, as_json=as_json)


def _act(act: Act, network: NetworkFile, account: Account, operation: bytes) -> Receipt:
    key = account.unlock()

    async def run() -> Receipt:
        async with open_administrator(network, key) as administrator:
            return await act(administrator, operation)

    return asyncio.run(run())


def _echo_operation(found: ScheduledOperation, calls: list[str]) -> None:
    rows: dict[str, object] = {"operation": format_data(found.operation_id), "state": found.state.value}
    if found.state in PENDING:
        rows["possible"] = format_ready(found)
    if any(found.operation.predecessor):
        rows["only after"] = format_data(found.operation.predecessor)
    echo_rows(rows | {f"call {number}": text for number, text in enumerate(calls, start=1)})
