"""Derives the seed of a task from the operator's own node, once its block is there.

Until that block is deep, a reorganisation may change the seed. So it is never cached, but derived again for each use.
"""

from zarathustra.chain.port import Deployment, TaskReader
from zarathustra.core.digests import seed as compute_seed
from zarathustra.core.task import Task
from zarathustra.core.types import Seed
from zarathustra.duty.blocks import BlockClock


class SeedDeriver:
    """Derives seeds once their block is `confirmations` blocks, at least one, below the head."""

    def __init__(self, *, reader: TaskReader, clock: BlockClock, deployment: Deployment, confirmations: int) -> None:
        self._reader = reader
        self._clock = clock
        self._deployment = deployment
        self._confirmations = confirmations

    def is_due(self, task: Task) -> bool:
        """Return whether `derive` would not have to wait for a block."""
        return self._clock.head >= self._find_first_block(task)

    async def derive(self, task: Task) -> Seed:
        """Wait for the seed block and its confirmations, then derive the seed.

        Raises Retry if the node does not answer or lacks the block.

        The task may change during the wait: a caller that acts on the task must read it again afterwards.
        """
        await self._clock.wait_for(self._find_first_block(task))
        header = await self._reader.fetch_seed_header(task.seed_block)
        return compute_seed(
            header.prev_randao, self._deployment.chain_id, self._deployment.model_submission, task.task_id
        )

    def _find_first_block(self, task: Task) -> int:
        # The seed block must be below the head: the contract compares its header with `blockhash`.
        return task.seed_block + max(1, self._confirmations)
