"""What administrators do: make a call with their own role, or schedule it at the timelock and execute it later."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

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

PENDING = frozenset({OperationState.WAITING, OperationState.READY})


@dataclass(frozen=True)
class Administrator:
    """A deployment with an account of an administrator."""

    rpc: Rpc
    record: DeploymentRecord
    sender: Sender

    @property
    def timelock(self) -> Address:
        """The timelock's address. Raises Invalid(NOT_SCHEDULED) when the deployment has none."""
        address = self.record.addresses.get(abi.TIMELOCK)
        if address is None:
            raise Invalid(Reason.NOT_SCHEDULED, "this deployment has no timelock")
        return address


@asynccontextmanager
async def open_checked(file: NetworkFile) -> AsyncIterator[Rpc]:
    """Open a network's nodes. Raises Invalid when the chain has not the contracts that the file names."""
    async with HttpRpc(file.rpc_urls) as rpc:
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
    reader = build_reader(administrator)
    same = [known for known in await reader.fetch_operations() if known.operation.calls == calls]
    pending = [known for known in same if known.state in PENDING]
    if pending:
        return pending[-1]

    for call in calls:  # two days later would be late to learn that it reverts
        await simulate_from(administrator.rpc, administrator.timelock, call)
    operation = Operation(calls, salt=len(same).to_bytes(32, "big"), is_batch=len(calls) > 1)
    contract = TimelockContract(administrator.sender, administrator.timelock)
    await contract.schedule(operation, await reader.fetch_min_delay())
    return await reader.fetch_operation(operation.operation_id)


async def execute_call(administrator: Administrator, call: AdminCall) -> Receipt:
    """Execute the operation that consists of this call. Raises as `execute_operation`."""
    wanted = (call.to_timelock_call(administrator.record.addresses),)
    operations = await build_reader(administrator).fetch_operations()
    pending = [known for known in operations if known.operation.calls == wanted and known.state in PENDING]
    if not pending:
        raise Invalid(Reason.NOT_SCHEDULED, "find a scheduled call", function=f"{call.contract}.{call.function}")
    return await _execute(administrator, pending[0])


async def execute_operation(administrator: Administrator, operation_id: bytes) -> Receipt:
    """Execute an operation by its id.

    Raises Invalid: NOT_SCHEDULED when it is unknown, done or cancelled, TOO_EARLY, MISSING_ROLE, or REVERTED with the
    error of the call that reverts.
    """
    return await _execute(administrator, await build_reader(administrator).fetch_operation(operation_id))


async def cancel_operation(administrator: Administrator, operation_id: bytes) -> Receipt:
    """Cancel an operation by its id. Raises Invalid: NOT_SCHEDULED, MISSING_ROLE."""
    found = await build_reader(administrator).fetch_operation(operation_id)
    _require_pending(found)
    await validate_holder(administrator.rpc, administrator.record, administrator.sender.address, Role.CANCELLER)
    return await TimelockContract(administrator.sender, administrator.timelock).cancel(operation_id)


def build_reader(administrator: Administrator) -> TimelockReader:
    """Return the reader of the deployment's timelock."""
    return TimelockReader(administrator.rpc, administrator.timelock, administrator.record.deployed_at)


async def _execute(administrator: Administrator, found: ScheduledOperation) -> Receipt:
    _require_pending(found)
    if found.state is OperationState.WAITING:
        raise Invalid(
            Reason.TOO_EARLY,
            "execute operation",
            operation=format_data(found.operation_id),
            possible_from=datetime.fromtimestamp(found.ready_at, UTC).isoformat(),
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
