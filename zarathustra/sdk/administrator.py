"""What administrators do: make a call with their own role, or schedule it at the timelock and execute it later."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from zarathustra.chain import abi
from zarathustra.chain.administration import (
    AdminCall,
    Route,
    choose_route,
    fetch_permission,
    simulate_from,
    validate_holder,
)
from zarathustra.chain.contracts import SendingContract
from zarathustra.chain.deployment import DeploymentRecord
from zarathustra.chain.port import Receipt
from zarathustra.chain.quantities import format_data
from zarathustra.chain.roles import Role
from zarathustra.chain.rpc import HttpRpc, Rpc
from zarathustra.chain.timelock import (
    Operation,
    OperationState,
    ScheduledOperation,
    TimelockCall,
    TimelockContract,
    TimelockReader,
)
from zarathustra.chain.transactions import DEFAULT_POLL_S, Sender
from zarathustra.chain.wiring import validate_deployment
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address
from zarathustra.sdk.client import log_intent
from zarathustra.sdk.network import NetworkFile
from zarathustra.signing.keys import EcdsaSecretKey

PENDING: Final = frozenset({OperationState.WAITING, OperationState.READY})
LAST_SHOWN_S: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())  # no later time has a date
NEVER: Final = "never"


@dataclass(frozen=True)
class Administrator:
    """A deployment with an account of an administrator."""

    rpc: Rpc
    record: DeploymentRecord
    sender: Sender

    @property
    def timelock(self) -> Address:
        """The timelock's address. Raises as `find_timelock`."""
        return find_timelock(self.record)

    @property
    def reader(self) -> TimelockReader:
        """The reader of the timelock. Raises as `find_timelock`."""
        return build_timelock_reader(self.rpc, self.record)


@asynccontextmanager
async def open_checked(file: NetworkFile) -> AsyncIterator[Rpc]:
    """Open a network's nodes. Raises Invalid when the chain has not the contracts that the file names."""
    async with HttpRpc(file.rpc_urls, chain_id=file.record.chain_id) as rpc:
        await validate_deployment(rpc, file.record)
        yield rpc


@asynccontextmanager
async def open_administrator(
    file: NetworkFile, key: EcdsaSecretKey, *, poll_seconds: float = DEFAULT_POLL_S
) -> AsyncIterator[Administrator]:
    """Open a network with an administrator's account. As `open_checked`. One administrator per key at a time."""
    async with open_checked(file) as rpc:
        sender = Sender(rpc, key.reveal(), chain_id=file.record.chain_id, on_intent=log_intent, poll_s=poll_seconds)
        yield Administrator(rpc, file.record, sender)


async def perform(administrator: Administrator, call: AdminCall) -> Receipt | ScheduledOperation:
    """Make the call if the account may; else schedule it. A call that waits already is not scheduled again.

    Raises Invalid: MISSING_ROLE when the account may do neither, REVERTED when the contract refuses the call.
    """
    rpc, record, account = administrator.rpc, administrator.record, administrator.sender.address
    permission = await fetch_permission(rpc, record, account, call.authority)
    if choose_route(permission, authority=call.authority, account=account) is Route.DIRECT:
        contract = SendingContract(administrator.sender, call.contract, record.addresses[call.contract])
        return (await contract.send(call.function, *call.arguments)).receipt
    return await schedule(administrator, (call.to_timelock_call(record.addresses),))


async def schedule(administrator: Administrator, calls: tuple[TimelockCall, ...]) -> ScheduledOperation:
    """Schedule calls with the timelock's least delay, if they do not wait already. Each must be possible today."""
    reader = administrator.reader
    same = [known for known in await reader.fetch_operations() if known.operation.calls == calls]
    pending = find_first_pending(same)
    if pending is not None:
        return pending

    for call in calls:  # two days later would be late to learn that it reverts
        await simulate_from(administrator.rpc, administrator.timelock, call)
    operation = Operation(calls, salt=len(same).to_bytes(32, "big"), is_batch=len(calls) > 1)
    contract = TimelockContract(administrator.sender, administrator.timelock)
    await contract.schedule(operation, await reader.fetch_min_delay())
    return await reader.fetch_operation(operation.operation_id)


async def execute_call(administrator: Administrator, call: AdminCall) -> Receipt:
    """Execute the operation that consists of this call. Raises as `execute_operation`."""
    wanted = (call.to_timelock_call(administrator.record.addresses),)
    same = [known for known in await administrator.reader.fetch_operations() if known.operation.calls == wanted]
    pending = find_first_pending(same)
    if pending is None:
        raise Invalid(Reason.NOT_SCHEDULED, "find a scheduled call", function=f"{call.contract}.{call.function}")
    return await _execute(administrator, pending)


async def execute_operation(administrator: Administrator, operation_id: bytes) -> Receipt:
    """Execute an operation by its id.

    Raises Invalid: NOT_SCHEDULED when it is unknown, done or cancelled, TOO_EARLY, MISSING_ROLE, or REVERTED with the
    error of the call that reverts.
    """
    return await _execute(administrator, await administrator.reader.fetch_operation(operation_id))


async def cancel_operation(administrator: Administrator, operation_id: bytes) -> Receipt:
    """Cancel an operation by its id. Raises Invalid: NOT_SCHEDULED, MISSING_ROLE."""
    found = await administrator.reader.fetch_operation(operation_id)
    _require_pending(found)
    await validate_holder(administrator.rpc, administrator.record, administrator.sender.address, Role.CANCELLER)
    return await TimelockContract(administrator.sender, administrator.timelock).cancel(operation_id)


def find_timelock(record: DeploymentRecord) -> Address:
    """Return the timelock's address. Raises Invalid(NOT_SCHEDULED) when the deployment has none."""
    address = record.addresses.get(abi.TIMELOCK)
    if address is None:
        raise Invalid(Reason.NOT_SCHEDULED, "this deployment has no timelock")
    return address


def build_timelock_reader(rpc: Rpc, record: DeploymentRecord) -> TimelockReader:
    """Return the reader of the deployment's timelock. Raises as `find_timelock`."""
    return TimelockReader(rpc, find_timelock(record), record.deployed_at)


def find_first_pending(operations: Iterable[ScheduledOperation]) -> ScheduledOperation | None:
    """Return the operation that can be executed first; None when none waits."""
    pending = [known for known in operations if known.state in PENDING]
    return min(pending, key=lambda known: known.ready_at, default=None)


def format_time(seconds: int) -> str:
    """Return a time in UTC. A proposer can choose a delay of any length: a date after the year 9999 is NEVER."""
    if seconds > LAST_SHOWN_S:
        return NEVER
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


async def _execute(administrator: Administrator, found: ScheduledOperation) -> Receipt:
    _require_pending(found)
    if found.state is OperationState.WAITING:
        raise Invalid(
            Reason.TOO_EARLY,
            "execute operation",
            operation=format_data(found.operation_id),
            possible_from=format_time(found.ready_at),
            seconds_left=found.seconds_left,
        )
    await validate_holder(administrator.rpc, administrator.record, administrator.sender.address, Role.EXECUTOR)
    return await TimelockContract(administrator.sender, administrator.timelock).execute(found.operation)


def _require_pending(found: ScheduledOperation) -> None:
    if found.state not in PENDING:
        raise Invalid(
            Reason.NOT_SCHEDULED,
            "operation does not wait",
            operation=format_data(found.operation_id),
            state=found.state.value,
        )
