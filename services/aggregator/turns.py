"""Whose turn it is to send a transaction: aggregators share the work, and only one of them pays for it."""

from zarathustra.chain.port import TaskReader
from zarathustra.core.task import Task, turn_of
from zarathustra.core.types import BlockNumber, OperatorId


async def is_turn_of(operator: OperatorId, reader: TaskReader, task: Task, head: BlockNumber) -> bool:
    """Return whether a transaction in the next block, the earliest possible one, is in the operator's turn."""
    operators = await reader.fetch_operator_set(task.set_version)
    turn_blocks = await reader.fetch_turn_blocks()
    return turn_of(operators.operators, BlockNumber(head + 1), turn_blocks).operator_id == operator
