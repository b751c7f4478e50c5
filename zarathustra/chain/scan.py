"""The chain as the indexer reads it: headers, and the contracts' events with their place in the chain."""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from zarathustra.chain import abi
from zarathustra.chain.abi import Entry, decode_fact, load_abi
from zarathustra.chain.blooms import BLOOM_LENGTH
from zarathustra.chain.calls import (
    FINALIZED,
    LATEST,
    Contract,
    ViewCall,
    build_header_call,
    fetch_head,
    fetch_header,
    fetch_views,
    parse_header,
)
from zarathustra.chain.logs import (
    EmptyDoubted,
    Log,
    LogFilter,
    Pace,
    build_block_call,
    fetch_logs_of_block,
    scan_spans,
)
from zarathustra.chain.port import Deployment
from zarathustra.chain.quantities import format_data, parse_data
from zarathustra.chain.reader import StoredTask
from zarathustra.chain.receipts import fetch_logs_in_receipts
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
MAX_REMEMBERED_BLOOMS: Final = 1_000  # more blocks than one turn of the follower takes in
MAX_REMEMBERED_TASKS: Final = 10_000  # an attacker pays for each task; beyond this the oldest are read again


class ScannedSpan(NamedTuple):
    """The records after the previous span, up to and including the final block `last`."""

    last: Header
    records: tuple[TimedRecord, ...]


class ChainScanner:
    """Reads headers and events of one deployment.

    Its only state are caches: of each task's project, of blooms, and of the ranges that a provider refused.
    """

    def __init__(self, rpc: Rpc, deployment: Deployment) -> None:
        self.deployment = deployment
        self._rpc = rpc
        self._entries = _collect_entries(deployment)
        topics = {entry.hash for entries in self._entries.values() for entry in entries.values()}
        self._filter = LogFilter(tuple(self._entries), tuple(sorted(topics)))
        self._center = Contract(load_abi(abi.ATTESTATION_CENTER), deployment.attestation_center)
        self._pace = Pace()
        self._projects: OrderedDict[TaskId, ProjectId] = OrderedDict()
        self._blooms: OrderedDict[BlockHash, int] = OrderedDict()

    async def fetch_header(self, number: BlockNumber) -> Header | None:
        """Return the header of the block that is canonical now at that number; None when the node has none yet."""
        headers = await self.fetch_headers(number, number)
        return headers[0] if headers else None

    async def fetch_headers(self, first: BlockNumber, last: BlockNumber) -> Sequence[Header]:
        """Return the canonical headers first … last, in order; fewer when the node does not have the last ones yet."""
        calls = [self._note_bloom(build_header_call(BlockNumber(number))) for number in range(first, last + 1)]
        headers = await self._rpc.call_many(calls)
        return headers[: headers.index(None)] if None in headers else headers

    async def fetch_latest(self) -> Header | None:
        """Return the node's head."""
        return await fetch_header(self._rpc, LATEST)

    async def fetch_final(self) -> Header | None:
        """Return the newest block that the node calls final; None when it knows none, and says so in any form.

        A young chain has none, and some nodes never name one; they answer null, or an error.
        """
        try:
            return await fetch_header(self._rpc, FINALIZED)
        except Retry as error:
            if error.reason is not Reason.RPC_ERROR:
                raise
            return None

    async def fetch_block(self, header: Header) -> Block:
        """Return the block with its events. Raises Retry(RPC_ERROR) when it was reorganised away meanwhile."""
        bloom = self._blooms.get(header.block_hash)
        try:
            logs = await fetch_logs_of_block(self._rpc, self._filter, header.block_hash, bloom)
        except EmptyDoubted:
            if bloom is None:
                raise
            logs = await fetch_logs_in_receipts(self._rpc, self._filter, header.block_hash, bloom)
        return Block(header, await self._read_events(logs))

    async def fetch_blocks(self, headers: Sequence[Header]) -> Sequence[Block]:
        """Return the blocks in order, in few requests. Raises as `fetch_block`."""
        blooms = [self._blooms.get(header.block_hash) for header in headers]
        calls = [
            build_block_call(self._filter, header.block_hash, bloom, is_doubt_raised=False)
            for header, bloom in zip(headers, blooms, strict=True)
        ]
        found = await self._rpc.call_many(calls)
        return [
            await self.fetch_block(header) if logs is None else Block(header, await self._read_events(logs))
            for header, logs in zip(headers, found, strict=True)
        ]

    async def scan_final(self, first: BlockNumber, last: BlockNumber) -> AsyncGenerator[ScannedSpan, None]:
        """Yield the events of the final blocks first … last, span by span, without reading every header."""
        async for span in scan_spans(self._rpc, self._filter, first, last, pace=self._pace):
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

        head = await fetch_head(self._rpc)
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
        calls = [Call("eth_getBlockByHash", (format_data(block_hash), False), parse_header) for block_hash in wanted]
        headers = await self._rpc.call_many(calls)
        return {header.block_hash: header.timestamp_s for header in headers}

    def _note_bloom(self, call: Call) -> Call:
        """Let the call for a header keep its bloom, for the logs of that block."""

        def parse(answer: Any) -> Any:
            header = call.parse(answer)
            if header is not None and answer.get("logsBloom") is not None:
                bloom = parse_data(answer["logsBloom"], length=BLOOM_LENGTH)
                self._blooms[header.block_hash] = int.from_bytes(bloom, "big")
                if len(self._blooms) > MAX_REMEMBERED_BLOOMS:
                    self._blooms.popitem(last=False)
            return header

        return call._replace(parse=parse)


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
