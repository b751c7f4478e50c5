"""How the commands print what became of a call."""

import json
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from zarathustra.chain.administration import AdminCall, describe_call
from zarathustra.chain.port import Receipt
from zarathustra.chain.quantities import format_data
from zarathustra.chain.timelock import OperationState, ScheduledOperation
from zarathustra.cli.context import echo_rows
from zarathustra.core.types import Address

Result = Receipt | ScheduledOperation


def echo_document(document: object) -> None:
    """Print JSON values, in their order."""
    click.echo(json.dumps(document, indent=2))


def echo_result(result: Result, what: str, *, as_json: bool) -> None:
    """Print that a call was made, or when it can be."""
    if isinstance(result, Receipt):
        document: dict[str, Any] = {"result": "done", "call": what, **_to_document(result)}
    else:
        document = {"result": "scheduled", "call": what, **operation_to_document(result)}
    if as_json:
        echo_document(document)
        return
    rows = {document["result"]: what}
    if isinstance(result, Receipt):
        rows |= {"transaction": document["transaction"], "block": document["block"]}
    else:
        command = f"zarathustra admin execute {document['operation']}"
        rows |= {"operation": document["operation"], "possible": format_ready(result), "then run": command}
    echo_rows(rows)


def describe(call: AdminCall, addresses: Mapping[str, Address]) -> str:
    """Return the call as text."""
    return describe_call(addresses, call.to_timelock_call(addresses))


def operation_to_document(found: ScheduledOperation) -> dict[str, Any]:
    """Return what is known of an operation as JSON values, without its calls."""
    return {
        "operation": format_data(found.operation_id),
        "state": found.state.value,
        "ready_at": found.ready_at,
        "seconds_left": found.seconds_left,
    }


def format_ready(found: ScheduledOperation) -> str:
    """Return from when an operation can be executed: absolute and relative."""
    if found.state is OperationState.READY:
        return "now"
    return f"from {format_time(found.ready_at)}, in {timedelta(seconds=found.seconds_left)}"


def format_time(seconds: int) -> str:
    """Return a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _to_document(receipt: Receipt) -> dict[str, Any]:
    return {
        "transaction": format_data(receipt.transaction_hash),
        "block": receipt.block_number,
        "gas_used": receipt.gas_used,
    }


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a command's coroutine."""
    import asyncio

    return asyncio.run(coroutine)
