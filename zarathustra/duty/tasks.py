"""Reads a task that a record announced: our own node may be behind the node of the record's sender."""

from zarathustra.chain.port import TaskReader
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.task import Task
from zarathustra.core.types import TaskId


async def fetch_announced_task(reader: TaskReader, task_id: TaskId) -> Task:
    """Return the task at our node's head.

    Raises Retry if the node does not know the task (yet): the loop tries again, and finally dead-letters the record.
    """
    try:
        return await reader.fetch_task(task_id)
    except Invalid as error:
        raise Retry(error.reason, error.message, **error.details) from error
