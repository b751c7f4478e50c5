"""Reading a task that somebody else told us of: our own node may be a moment behind theirs."""

from zarathustra.chain.port import TaskReader
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.task import Task
from zarathustra.core.types import TaskId


async def fetch_announced_task(reader: TaskReader, task_id: TaskId) -> Task:
    """The task at our node's head.

    A task that the node does not know (yet) raises Retry with the node's reason: the loop tries again, and in the end
    dead-letters the record.
    """
    try:
        return await reader.fetch_task(task_id)
    except Invalid as error:
        raise Retry(error.reason, error.message, **error.facts) from error
