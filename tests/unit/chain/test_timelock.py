"""Operations of a timelock, rebuilt from events."""

from collections.abc import Sequence

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak

from tests.kit.derived import derive_bytes
from zarathustra.chain import abi
from zarathustra.chain.abi import load_abi
from zarathustra.chain.logs import Log
from zarathustra.chain.timelock import Operation, OperationState, TimelockCall, judge_state, rebuild_operations
from zarathustra.core.errors import Retry
from zarathustra.core.types import ZERO32, Address, BlockHash, BlockNumber

pytestmark = pytest.mark.unit

TIMELOCK, TARGET = Address(b"\xa1" * 20), Address(b"\x7a" * 20)
FIRST = TimelockCall(TARGET, b"\x01\x02")
SECOND = TimelockCall(TARGET, b"", value=5)
SALT = b"\x5a" * 32


def build_log(event: str, topics: Sequence[bytes], data: bytes) -> Log:
    first = load_abi(abi.TIMELOCK).get_event(event).hash
    place = (BlockNumber(1), BlockHash(derive_bytes(32, "block")), derive_bytes(32, "transaction"), 0)
    return Log(TIMELOCK, (first, *topics), data, *place)


def schedule(operation: Operation) -> list[Log]:
    """The events of an operation's scheduling."""
    logs = [
        build_log(
            "CallScheduled",
            (operation.operation_id, index.to_bytes(32, "big")),
            encode(
                ["address", "uint256", "bytes", "bytes32", "uint256"],
                [call.target, call.value, call.data, operation.predecessor, 60],
            ),
        )
        for index, call in enumerate(operation.calls)
    ]
    if operation.salt != ZERO32:
        logs.append(build_log("CallSalt", (operation.operation_id,), operation.salt))
    return logs


@pytest.mark.parametrize(
    "operation",
    [
        Operation((FIRST,)),
        Operation((FIRST,), salt=SALT),
        Operation((FIRST,), predecessor=b"\x9e" * 32),
        Operation((FIRST,), is_batch=True),
        Operation((FIRST, SECOND), salt=SALT, is_batch=True),
    ],
)
def test_rebuild_operations__any_operation__comes_back(operation: Operation) -> None:
    assert rebuild_operations(schedule(operation)) == {operation.operation_id: operation}


def test_rebuild_operations__scheduled_again_after_a_cancellation__is_one_operation() -> None:
    operation = Operation((FIRST, SECOND), is_batch=True)
    assert rebuild_operations(schedule(operation) * 2) == {operation.operation_id: operation}


def test_rebuild_operations__several__in_the_order_of_their_scheduling() -> None:
    operations = [Operation((FIRST,), salt=number.to_bytes(32, "big")) for number in (3, 1, 2)]
    logs = [log for operation in operations for log in schedule(operation)]
    assert list(rebuild_operations(logs)) == [operation.operation_id for operation in operations]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_rebuild_operations__node_lacks_an_event__retry(missing: int) -> None:
    logs = schedule(Operation((FIRST, SECOND), salt=SALT, is_batch=True))
    with pytest.raises(Retry):
        rebuild_operations(logs[:missing] + logs[missing + 1 :])


def test_operation_id__single_call__is_the_hash_of_the_contract() -> None:
    encoded = encode(["address", "uint256", "bytes", "bytes32", "bytes32"], [TARGET, 0, FIRST.data, ZERO32, SALT])
    assert Operation((FIRST,), salt=SALT).operation_id == keccak(encoded)


@pytest.mark.parametrize(
    "timestamp, expected",
    [
        (0, OperationState.CANCELLED),
        (1, OperationState.DONE),
        (99, OperationState.READY),
        (100, OperationState.READY),
        (101, OperationState.WAITING),
        (2**256 - 1, OperationState.WAITING),
    ],
)
def test_judge_state__timestamp_of_the_contract__its_state(timestamp: int, expected: OperationState) -> None:
    assert judge_state(timestamp, now=100) is expected
