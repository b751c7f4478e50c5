"""The chain as the indexer reads it: headers, and the contracts' events with their place in the chain."""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from zarathustra.chain import abi
from zarathustra.chain.abi import Entry, decode_fact, load_abi
from zarathustra.chain.calls import FINALIZED, LATEST, Contract, ViewCall, fetch_header, fetch_views, parse_header
from zarathustra.chain.logs import Log, LogFilter, fetch_logs_of_block, scan_spans
from zarathustra.chain.port import Deployment
from zarathustra.chain.quantities import format_data
from zarathustra.chain.reader import StoredTask
from zarathustra.chain.rpc import Call, Rpc
from zarathustra.core.canonical import Block, Header, TimedRecord
from zarathustra.core.errors import Retry
from zarathustra.core.events import (
    ChainEvent,
    ConflictProven,
    DisputeResolved,
    Fact,
    PerformerGuilty,
    SeedFixed,
    TaskDisputed,
    TaskExpired,
    TaskOpened,
    TaskRejected,
    TaskSubmitted,
)
from zarathustra.core.reasons import Reason
from zarathustra.core.task import TaskStatus
from zarathustra.core.types import Address, BlockHash, BlockNumber, ProjectId, TaskId

NO_PROJECT: Final = ProjectId(0)
MAX_REMEMBERED_TASKS: Final = 10_000  # an attacker pays for each task; beyond this the oldest are read again


class ScannedSpan(NamedTuple):
    """The records after the previous span, up to and including the final block `last`."""

    last: Header
    records: tuple[TimedRecord, ...]


class ChainScanner:
    """Reads headers and events of one deployment. Its only state is a cache of each task's project."""

    def __init__(self, rpc: Rpc, deployment: Deployment) -> None:
        self.deployment = deployment
        self._rpc = rpc
        self._entries = _collect_entries(deployment)
        topics = {entry.hash for entries in self._entries.values() for entry in entries.values()}
        self._filter = LogFilter(tuple(self._entries), tuple(sorted(topics)))
        self._center = Contract(load_abi(abi.ATTESTATION_CENTER), deployment.attestation_center)
        self._projects: OrderedDict[TaskId, ProjectId] = OrderedDict()

    async def fetch_header(self, number: BlockNumber) -> Header | None:
        """Return the header of the block that is canonical now at that number; None when the node has none yet."""
        return await fetch_header(self._rpc, number)

    async def fetch_latest(self) -> Header | None:
        """Return the node's head."""
        return await fetch_header(self._rpc, LATEST)

    async def fetch_final(self) -> Header | None:
        """Return the newest block that cannot be reorganised; None is possible on a young chain."""
        return await fetch_header(self._rpc, FINALIZED)

    async def fetch_block(self, header: Header) -> Block:
        """Return the block with its events. Raises Retry(RPC_ERROR) when it was reorganised away meanwhile."""
        logs = await fetch_logs_of_block(self._rpc, self._filter, header.block_hash)
        return Block(header, await self._read_events(logs))

    async def scan_final(self, first: BlockNumber, last: BlockNumber) -> AsyncGenerator[ScannedSpan, None]:
        """Yield the events of the final blocks first … last, span by span, without reading every header."""
        async for span in scan_spans(self._rpc, self._filter, first, last):
            events = await self._read_events(span.logs)
            times = await self._fetch_times({event.block_hash for event in events})
            header = await self.fetch_header(span.last)
            if header is None:
                raise Retry(Reason.RPC_ERROR, "final block is missing", number=span.last)
            yield ScannedSpan(header, tuple(TimedRecord(event, times[event.block_hash]) for event in events))

    async def _read_events(self, logs: Iterable[Log]) -> tuple[ChainEvent, ...]:
        """Return the events in order: a task's opening names its project for the facts after it."""
        return tuple([await self._read_event(log) for log in logs])

    async def _read_event(self, log: Log) -> ChainEvent:
        entry = self._entries[log.address].get(log.topics[0] if log.topics else b"")
        if entry is None:
            raise Retry(Reason.RPC_ERROR, "node sent a log of an unknown event")

        fact = decode_fact(entry, log.topics, log.data)
        return ChainEvent(
            chain_id=self.deployment.chain_id,
            block_number=log.block_number,
            block_hash=log.block_hash,
            transaction_hash=log.transaction_hash,
            log_index=log.log_index,
            project_id=await self._find_project(fact),
            fact=fact,
        )

    async def _find_project(self, fact: Fact) -> ProjectId:
        match fact:
            case TaskOpened():
                self._remember(fact.task_id, fact.project_id)
                return fact.project_id
            case (
                SeedFixed()
                | TaskSubmitted()
                | TaskRejected()
                | PerformerGuilty()
                | TaskExpired()
                | TaskDisputed()
                | DisputeResolved()
                | ConflictProven()
            ):
                return await self._find_project_of_task(fact.task_id)
            case _:
                return getattr(fact, "project_id", NO_PROJECT)

    async def _find_project_of_task(self, task_id: TaskId) -> ProjectId:
        """Return a task's project. Its id commits to the project, so the head's answer is right on every branch."""
        known = self._projects.get(task_id)
        if known is not None:
            return known

        head = await self.fetch_latest()
        if head is None:
            raise Retry(Reason.RPC_ERROR, "node has no block")
        view = ViewCall(self._center, "getTask", (task_id,))
        answers = await fetch_views(self._rpc, head.block_hash, [view])
        stored = view.parse_struct(answers[0], StoredTask)
        if stored.status is TaskStatus.NONE:  # the task's block was reorganised away since its log was read
            raise Retry(Reason.RPC_ERROR, "find project of task", task_id=task_id.hex())
        self._remember(task_id, stored.project_id)
        return stored.project_id

    def _remember(self, task_id: TaskId, project_id: ProjectId) -> None:
        self._projects[task_id] = project_id
        if len(self._projects) > MAX_REMEMBERED_TASKS:
            self._projects.popitem(last=False)

    async def _fetch_times(self, hashes: set[BlockHash]) -> Mapping[BlockHash, int]:
        wanted = sorted(hashes)
        calls = [Call("eth_getBlockByHash", (format_data(block_hash), False)) for block_hash in wanted]
        answers = await self._rpc.call_many(calls)
        return {
            block_hash: parse_header(answer).timestamp_s for block_hash, answer in zip(wanted, answers, strict=True)
        }


def _collect_entries(deployment: Deployment) -> Mapping[Address, Mapping[bytes, Entry]]:
    """Return the events that are facts, by contract and first topic; others (roles, tokens) are not asked for."""
    names: Sequence[tuple[Address, str]] = (
        (deployment.administration, abi.ADMINISTRATION),
        (deployment.governance, abi.GOVERNANCE),
        (deployment.attestation_center, abi.ATTESTATION_CENTER),
        (deployment.model_submission, abi.MODEL_SUBMISSION),
    )
    return {
        address: {topic: entry for topic, entry in load_abi(name).events.items() if entry.name in abi.FACT_CLASSES}
        for address, name in names
    }
