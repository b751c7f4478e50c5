"""The seed of a task, from the operator's own node: the waiting for its block, and nothing cached.

A reorganisation changes the seed until its block is deep; so it is derived anew whenever it is used.
"""

from zarathustra.chain.port import Deployment, TaskReader
from zarathustra.core.digests import seed as compute_seed
from zarathustra.core.task import Task
from zarathustra.core.types import Seed
from zarathustra.duty.blocks import BlockClock


class SeedDeriver:
    """Derives seeds once their block has `confirmations`."""

    def __init__(self, *, reader: TaskReader, clock: BlockClock, deployment: Deployment, confirmations: int) -> None:
        self._reader = reader
        self._clock = clock
        self._deployment = deployment
        self._confirmations = confirmations

    def is_due(self, task: Task) -> bool:
        """Whether `derive` has nothing to wait for."""
        return self._clock.head >= self._find_first_block(task)

    async def derive(self, task: Task) -> Seed:
        """Wait for the seed block and its confirmations, then derive. Raises Retry when the node does not answer.

        The wait may outlive the task as it was read: who acts on the task itself waits until `is_due` and reads again.
        """
        await self._clock.wait_for(self._find_first_block(task))
        block_hash = await self._reader.fetch_block_hash(task.seed_block)
        return compute_seed(block_hash, self._deployment.chain_id, self._deployment.model_submission, task.task_id)

    def _find_first_block(self, task: Task) -> int:
        # The seed block itself must be below the head: the contract reads its hash with `blockhash`.
        return task.seed_block + max(1, self._confirmations)
