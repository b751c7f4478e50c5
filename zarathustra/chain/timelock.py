"""OpenZeppelin's TimelockController: operations wait for a delay between `schedule` and `execute`.

    schedule ──→ WAITING ── delay ──→ READY ── execute ──→ DONE
                    └────── cancel ─────┴──→ CANCELLED

The contract stores only the hash of an operation. Its calls are in the events of its scheduling, so anyone who knows
the id can rebuild it and, with the role EXECUTOR, execute it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

from eth_abi.abi import encode
from eth_hash.auto import keccak

from zarathustra.chain import abi
from zarathustra.chain.abi import decode_event, load_abi
from zarathustra.chain.calls import Contract, ViewCall, fetch_head, fetch_views
from zarathustra.chain.contracts import SendingContract
from zarathustra.chain.logs import Log, LogFilter, scan_spans
from zarathustra.chain.port import Receipt
from zarathustra.chain.rpc import Rpc
from zarathustra.chain.transactions import Sender
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO32, Address, BlockNumber

DONE_TIMESTAMP: Final = 1  # OpenZeppelin's mark for an executed operation

_ABI: Final = load_abi(abi.TIMELOCK)
_SCHEDULED: Final = _ABI.get_event("CallScheduled")
_SALT: Final = _ABI.get_event("CallSalt")


class OperationState(StrEnum):
    """See the drawing above."""

    WAITING = "waiting"
    READY = "ready"
    DONE = "done"
    CANCELLED = "cancelled"


class TimelockCall(NamedTuple):
    """One call that the timelock makes."""

    target: Address
    data: bytes
    value: int = 0


@dataclass(frozen=True)
class Operation:
    """Calls that are scheduled and executed together, in order."""

    calls: tuple[TimelockCall, ...]
    salt: bytes = ZERO32  # so that the same calls can be scheduled again
    predecessor: bytes = ZERO32  # an operation that must be done before; zero: none
    is_batch: bool = False  # scheduled by `scheduleBatch`, which has another hash

    @property
    def operation_id(self) -> bytes:
        """The hash that the contract stores."""
        if self.is_batch:
            types = ["address[]", "uint256[]", "bytes[]", "bytes32", "bytes32"]
        else:
            types = ["address", "uint256", "bytes", "bytes32", "bytes32"]
        return keccak(encode(types, self.arguments))

    @property
    def arguments(self) -> tuple[object, ...]:
        """The arguments of `execute` or `executeBatch`."""
        targets, data, values = zip(*self.calls, strict=True)
        if self.is_batch:
            return targets, values, data, self.predecessor, self.salt
        return targets[0], values[0], data[0], self.predecessor, self.salt


@dataclass(frozen=True)
class ScheduledOperation:
    """An operation with what the contract says about it. `ready_at` is 0 when it is done or cancelled."""

    operation: Operation
    operation_id: bytes
    state: OperationState
    ready_at: int  # Unix seconds
    seconds_left: int  # by the clock of the chain


def judge_state(timestamp: int, now: int) -> OperationState:
    """Return the state of an operation that was scheduled once. `timestamp`: what `getTimestamp` says."""
    if timestamp == 0:
        return OperationState.CANCELLED
    if timestamp == DONE_TIMESTAMP:
        return OperationState.DONE
    return OperationState.READY if timestamp <= now else OperationState.WAITING


def rebuild_operations(logs: Iterable[Log]) -> Mapping[bytes, Operation]:
    """Return the operations in the events CallScheduled and CallSalt, in the order of their scheduling.

    Raises Retry(RPC_ERROR) when an operation does not hash to its id: the node lacks an event.
    """
    calls: dict[bytes, dict[int, Mapping[str, Any]]] = {}
    salts: dict[bytes, bytes] = {}
    for log in logs:
        if log.topics[0] == _SALT.hash:
            salts[log.topics[1]] = decode_event(_SALT, log.topics, log.data)["salt"]
            continue
        event = decode_event(_SCHEDULED, log.topics, log.data)
        calls.setdefault(event["id"], {})[event["index"]] = event  # the same again, if it was cancelled between
    return {operation_id: _rebuild(operation_id, calls[operation_id], salts) for operation_id in calls}


def _rebuild(operation_id: bytes, events: Mapping[int, Mapping[str, Any]], salts: Mapping[bytes, bytes]) -> Operation:
    calls = tuple(_parse_call(events[index]) for index in sorted(events))
    salt, predecessor = salts.get(operation_id, ZERO32), next(iter(events.values()))["predecessor"]
    for is_batch in (len(calls) > 1, True):
        operation = Operation(calls, salt, predecessor, is_batch)
        if operation.operation_id == operation_id:
            return operation
    raise Retry(Reason.RPC_ERROR, "node lacks events of a timelock operation", operation="0x" + operation_id.hex())


def _parse_call(event: Mapping[str, Any]) -> TimelockCall:
    return TimelockCall(Address(bytes.fromhex(event["target"][2:])), event["data"], event["value"])


class TimelockReader:
    """Reads a timelock at the head. `deployed_at`: the block from which its events are read."""

    def __init__(self, rpc: Rpc, address: Address, deployed_at: BlockNumber) -> None:
        self._rpc = rpc
        self._contract = Contract(_ABI, address)
        self._deployed_at = deployed_at

    async def fetch_min_delay(self) -> int:
        """Return the delay of new operations in seconds."""
        head = await fetch_head(self._rpc)
        view = ViewCall(self._contract, "getMinDelay")
        return int(view.parse((await fetch_views(self._rpc, head.block_hash, [view]))[0])[0])

    async def fetch_operations(self) -> tuple[ScheduledOperation, ...]:
        """Return all operations that were ever scheduled, oldest first."""
        return await self._fetch(())

    async def fetch_operation(self, operation_id: bytes) -> ScheduledOperation:
        """Return one operation. Raises Invalid(NOT_SCHEDULED) when nobody scheduled it."""
        found = await self._fetch((operation_id,))
        if not found:
            raise Invalid(Reason.NOT_SCHEDULED, "find operation", operation="0x" + operation_id.hex())
        return found[0]

    async def _fetch(self, operation_ids: tuple[bytes, ...]) -> tuple[ScheduledOperation, ...]:
        head = await fetch_head(self._rpc)
        log_filter = LogFilter((self._contract.address,), (_SCHEDULED.hash, _SALT.hash), operation_ids)
        spans = [span async for span in scan_spans(self._rpc, log_filter, self._deployed_at, head.number)]
        operations = rebuild_operations(log for span in spans for log in span.logs)
        views = [ViewCall(self._contract, "getTimestamp", (operation_id,)) for operation_id in operations]
        answers = await fetch_views(self._rpc, head.block_hash, views)
        timestamps = [view.parse(answer)[0] for view, answer in zip(views, answers, strict=True)]
        return tuple(
            _build_scheduled(operation_id, operation, timestamp, head.timestamp_s)
            for (operation_id, operation), timestamp in zip(operations.items(), timestamps, strict=True)
        )


def _build_scheduled(operation_id: bytes, operation: Operation, timestamp: int, now: int) -> ScheduledOperation:
    return ScheduledOperation(
        operation=operation,
        operation_id=operation_id,
        state=judge_state(timestamp, now),
        ready_at=timestamp if timestamp > DONE_TIMESTAMP else 0,
        seconds_left=max(0, timestamp - now),
    )


class TimelockContract:
    """The timelock, with the key of a proposer or an executor."""

    def __init__(self, sender: Sender, address: Address) -> None:
        self._contract = SendingContract(sender, abi.TIMELOCK, address)

    async def schedule(self, operation: Operation, delay_s: int) -> Receipt:
        """Schedule an operation. PROPOSER only."""
        function = "scheduleBatch" if operation.is_batch else "schedule"
        return (await self._contract.send(function, *operation.arguments, delay_s)).receipt

    async def execute(self, operation: Operation) -> Receipt:
        """Execute an operation that is READY. EXECUTOR only."""
        function = "executeBatch" if operation.is_batch else "execute"
        return (await self._contract.send(function, *operation.arguments)).receipt

    async def cancel(self, operation_id: bytes) -> Receipt:
        """Cancel an operation that is WAITING or READY. CANCELLER only."""
        return (await self._contract.send("cancel", operation_id)).receipt
