"""How the commands print what became of a call, and operations at the timelock."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from zarathustra.chain.addresses import format_address
from zarathustra.chain.administration import AdminCall, describe_call
from zarathustra.chain.port import Receipt
from zarathustra.chain.quantities import format_data
from zarathustra.chain.roles import ANYONE
from zarathustra.chain.timelock import OperationState, ScheduledOperation
from zarathustra.cli.context import echo_json, echo_rows
from zarathustra.core.types import Address
from zarathustra.sdk.administrator import NEVER, format_time

Result = Receipt | ScheduledOperation


def echo_result(result: Result, what: str, *, as_json: bool) -> None:
    """Print that a call was made, or when it can be."""
    if isinstance(result, Receipt):
        echo_receipt(result, {"done": what}, as_json=as_json)
    elif as_json:
        echo_json({"scheduled": what, **operation_to_document(result)})
    else:
        operation = format_data(result.operation_id)
        rows = {"scheduled": what, "operation": operation, "possible": format_ready(result)}
        echo_rows({**rows, "then run": f"zarathustra admin execute {operation}"})


def echo_receipt(receipt: Receipt, what: Mapping[str, str], *, as_json: bool) -> None:
    """Print that a transaction succeeded."""
    rows = {**what, "transaction": format_data(receipt.transaction_hash), "block": receipt.block_number}
    if as_json:
        echo_json({**rows, "gas_used": receipt.gas_used})
    else:
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
    when = format_time(found.ready_at)
    return when if when == NEVER else f"from {when}, in {timedelta(seconds=found.seconds_left)}"


def format_holders(holders: tuple[Address, ...]) -> str:
    """Return the holders of a role as text."""
    return " ".join("anyone" if holder == ANYONE else format_address(holder) for holder in holders) or "none"
