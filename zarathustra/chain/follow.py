"""Follow a chain: first by ranges of blocks, then block by block, with retractions after a reorganisation.

    re-check the tip ─▶ backfill up to finalized ─▶ block after block up to head − confirmations

The tip is the newest block that was taken in.

Order of effects. For a block that may be reorganised: save the checkpoint with its records as pending, then publish
them. After a crash in between they are published again; every published fact is in a saved view, so it can be
retracted. For final blocks: publish, then save. After a crash in between the span is published again.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, Protocol

from zarathustra.chain.port import Deployment
from zarathustra.chain.scan import ScannedSpan
from zarathustra.core.canonical import Block, Checkpoint, Header, TimedRecord, Transition, View, finalize, fold, jump
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlockNumber

MAX_STEPS: Final = 50  # blocks or spans per call: the caller has other work, such as staying in its consumer group


class BlockSource(Protocol):
    """The chain as one node reports it now; in production `chain.scan.ChainScanner`."""

    @property
    def deployment(self) -> Deployment: ...
    async def fetch_header(self, number: BlockNumber) -> Header | None: ...
    async def fetch_latest(self) -> Header | None: ...
    async def fetch_final(self) -> Header | None: ...
    async def fetch_block(self, header: Header) -> Block: ...
    def scan_final(self, first: BlockNumber, last: BlockNumber) -> AsyncGenerator[ScannedSpan, None]: ...


@dataclass(frozen=True)
class Goal:
    """How far one call may go: block by block up to `target`, by ranges up to `final`."""

    target: BlockNumber
    final: Header | None


class EventSink(Protocol):
    """Where events and progress go. Both methods return once the data is durable; they raise Retry if unknown."""

    async def publish(self, records: Sequence[TimedRecord]) -> None: ...
    async def save(self, checkpoint: Checkpoint) -> None: ...


class ChainFollower:
    """Follows one chain. Use it from one asyncio task; call `restore` before the first `catch_up`."""

    def __init__(self, source: BlockSource, sink: EventSink, *, confirmations: int) -> None:
        self._source = source
        self._sink = sink
        self._confirmations = confirmations
        self._checkpoint: Checkpoint | None = None
        self._saved: Checkpoint | None = None  # the last one saved; `_checkpoint` may be newer

    @property
    def tip(self) -> Header | None:
        """The newest block that was taken in; None after a fresh start, until the first `catch_up`."""
        return None if self._checkpoint is None else self._checkpoint.view.tip

    def restore(self, checkpoint: Checkpoint | None) -> None:
        """Continue from a saved state; None starts at the deployment's first block. Raises Invalid(BAD_SETTING)."""
        deployment = self._source.deployment
        if checkpoint is not None and checkpoint.model_submission != deployment.model_submission:
            raise Invalid(Reason.BAD_SETTING, "checkpoint is of another deployment", chain_id=checkpoint.chain_id)
        self._checkpoint = self._saved = checkpoint

    async def catch_up(self) -> bool:
        """Publish what is new, in at most MAX_STEPS steps. Return False when there is more to do at once.

        Raises Retry when the node or the bus fails: call it again. Raises Invalid(DEEP_FORK): stop following.
        """
        await self._publish_pending()
        goal = await self._fetch_goal()
        view = await self._fetch_view(goal)
        steps = await self._leave_orphans(view, goal)
        steps += await self._backfill(goal, MAX_STEPS - steps)
        steps += await self._follow(goal, MAX_STEPS - steps)
        await self._settle(goal)
        return steps < MAX_STEPS

    # ---- where to go

    async def _fetch_goal(self) -> Goal:
        head = await self._source.fetch_latest()
        if head is None or head.number < self._confirmations:
            raise Retry(Reason.RPC_ERROR, "node has no block that is deep enough")

        target = BlockNumber(head.number - self._confirmations)
        final = await self._source.fetch_final()
        if final is not None and final.number > target:
            final = await self._source.fetch_header(target)
        return Goal(target, final)

    async def _fetch_view(self, goal: Goal) -> View:
        """Return the view; at a fresh start it is one final block, right before the deployment or earlier."""
        if self._checkpoint is not None:
            return self._checkpoint.view
        if goal.final is None:
            raise Retry(Reason.RPC_ERROR, "node names no final block")

        number = BlockNumber(min(goal.final.number, max(self._source.deployment.deployed_at - 1, 0)))
        view = jump(None, await self._fetch_known(number))
        self._hold(view)
        return view

    async def _leave_orphans(self, view: View, goal: Goal) -> int:
        """Re-check the tip, which may have been reorganised away since the last check.

        If the node is behind the tip, its newest usable block is checked instead: being behind is not a
        reorganisation.
        """
        steps = 0
        while steps < MAX_STEPS:
            number = BlockNumber(min(view.tip.number, goal.target))
            if number < view.anchor.number:
                raise Retry(Reason.RPC_ERROR, "node is behind the last final block", number=number)
            header = await self._fetch_known(number)
            if view.find(number) == header:
                return steps
            view = await self._take(header)
            steps += 1
        return steps

    # ---- going there

    async def _backfill(self, goal: Goal, max_steps: int) -> int:
        """Publish the blocks up to the final one by ranges."""
        steps = 0
        if goal.final is None or max_steps <= 0 or goal.final.number <= self._get_view().tip.number:
            return steps
        first = BlockNumber(self._get_view().tip.number + 1)
        async with aclosing(self._source.scan_final(first, goal.final.number)) as spans:
            async for span in spans:
                if span.records:
                    await self._sink.publish(span.records)
                self._hold(jump(self._get_view(), span.last))
                await self._save()
                steps += 1
                if steps >= max_steps:
                    break
        return steps

    async def _follow(self, goal: Goal, max_steps: int) -> int:
        """Take in block after block; a block that contradicts the tip causes its retraction."""
        steps = 0
        while steps < max_steps and self._get_view().tip.number < goal.target:
            header = await self._source.fetch_header(BlockNumber(self._get_view().tip.number + 1))
            if header is None:
                break
            await self._take(header)
            steps += 1
        return steps

    async def _take(self, header: Header) -> View:
        block = await self._source.fetch_block(header)
        transition = fold(self._get_view(), block)
        await self._apply(transition)
        return transition.view

    async def _apply(self, transition: Transition) -> None:
        self._hold(transition.view, transition.records)
        if transition.records:
            await self._save()
            await self._publish_pending()

    async def _settle(self, goal: Goal) -> None:
        """Forget what is final, and save the progress over blocks without events."""
        if goal.final is not None:
            self._hold(finalize(self._get_view(), goal.final))
        if self._checkpoint != self._saved:
            await self._save()

    # ---- effects

    async def _publish_pending(self) -> None:
        if self._checkpoint is None or not self._checkpoint.pending:
            return
        if self._checkpoint != self._saved:
            await self._save()  # the last attempt to save failed
        await self._sink.publish(self._checkpoint.pending)
        self._checkpoint = replace(self._checkpoint, pending=())

    async def _save(self) -> None:
        checkpoint = self._checkpoint
        if checkpoint is not None:
            await self._sink.save(checkpoint)
            self._saved = checkpoint

    # ---- state

    def _get_view(self) -> View:
        if self._checkpoint is None:
            raise RuntimeError("the follower has no view yet")
        return self._checkpoint.view

    def _hold(self, view: View, pending: tuple[TimedRecord, ...] = ()) -> None:
        deployment = self._source.deployment
        self._checkpoint = Checkpoint(deployment.chain_id, deployment.model_submission, view, pending)

    async def _fetch_known(self, number: BlockNumber) -> Header:
        """Return the header of a block that the node has just reported."""
        header = await self._source.fetch_header(number)
        if header is None:
            raise Retry(Reason.RPC_ERROR, "node lost a block", number=number)
        return header
