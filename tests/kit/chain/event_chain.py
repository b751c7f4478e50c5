"""A chain of blocks with events, as the indexer follows it, and a sink whose content survives crashes."""

from collections.abc import AsyncGenerator, Iterable, Sequence

from tests.kit.chain.deployment import DEPLOYMENT
from tests.kit.derived import derive_bytes
from zarathustra.chain.scan import ScannedSpan
from zarathustra.core.canonical import Block, Checkpoint, Header, TimedRecord
from zarathustra.core.errors import Retry
from zarathustra.core.events import ChainEvent, ProjectClosed, Retracted
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO32, BlockHash, BlockNumber, ProjectId

SPAN_LENGTH = 3


def make_header(number: int, branch: str = "a", parent: Header | None = None) -> Header:
    """Return a header on `parent`, or else on the same branch's block below. Number and branch give the hash."""
    parent_hash = parent.block_hash if parent else _hash(number - 1, branch)
    return Header(BlockNumber(number), _hash(number, branch), parent_hash, 1_000 + number)


def make_block(header: Header, projects: Iterable[int] = ()) -> Block:
    """Return the block with one event for each project, in order."""
    events = [
        ChainEvent(
            chain_id=DEPLOYMENT.chain_id,
            block_number=header.number,
            block_hash=header.block_hash,
            transaction_hash=ZERO32,
            log_index=index,
            project_id=ProjectId(project),
            fact=ProjectClosed(ProjectId(project)),
        )
        for index, project in enumerate(projects)
    ]
    return Block(header, tuple(events))


class EventChain:
    """A canonical chain that can be extended and reorganised. The newest `unfinalized` blocks may change."""

    def __init__(self, *, unfinalized: int = 5) -> None:
        self.deployment = DEPLOYMENT
        self.blocks = [make_block(make_header(0))]
        self.visible: int | None = None  # a node that lags shows only so many blocks
        self._unfinalized = unfinalized
        self._branches = 0
        self._final = 0

    @property
    def final(self) -> int:
        self._final = max(self._final, len(self.blocks) - 1 - self._unfinalized)
        return self._final

    def mine(self, projects: Sequence[int] = ()) -> None:
        """Append a block with one event for each project."""
        tip = self.blocks[-1].header
        self._branches += 1
        self.blocks.append(make_block(make_header(tip.number + 1, f"{self._branches}", tip), projects))

    def reorganise(self, depth: int, replacements: Sequence[Sequence[int]]) -> None:
        """Replace the newest `depth` blocks by others with these projects' events."""
        _ = self.final  # a final block stays final
        del self.blocks[len(self.blocks) - depth :]
        for projects in replacements:
            self.mine(projects)

    async def fetch_header(self, number: BlockNumber) -> Header | None:
        return self._shown[number].header if number < len(self._shown) else None

    async def fetch_latest(self) -> Header | None:
        return self._shown[-1].header if self._shown else None

    async def fetch_final(self) -> Header | None:
        return await self.fetch_header(BlockNumber(min(self.final, len(self._shown) - 1)))

    async def fetch_block(self, header: Header) -> Block:
        block = self._shown[header.number]
        if block.header != header:
            raise Retry(Reason.RPC_ERROR, "unknown block")
        return block

    async def scan_final(self, first: BlockNumber, last: BlockNumber) -> AsyncGenerator[ScannedSpan, None]:
        for start in range(first, last + 1, SPAN_LENGTH):
            blocks = self.blocks[start : min(start + SPAN_LENGTH, last + 1)]
            records = [TimedRecord(event, block.header.timestamp_s) for block in blocks for event in block.events]
            yield ScannedSpan(blocks[-1].header, tuple(records))

    @property
    def _shown(self) -> list[Block]:
        return self.blocks[: self.visible]


class Crash(Exception):  # noqa: N818
    """Stands for the end of the process."""


class FakeSink:
    """Keeps what was published and saved. With `effects_left` = n it raises Crash when n more effects are done."""

    def __init__(self) -> None:
        self.records: list[TimedRecord] = []
        self.checkpoint: Checkpoint | None = None
        self.effects_left: int | None = None
        self.is_reachable = True

    async def publish(self, records: Sequence[TimedRecord]) -> None:
        for timed in records:
            self._count()
            self.records.append(timed)
        self._count()

    async def save(self, checkpoint: Checkpoint) -> None:
        self._count()
        self.checkpoint = checkpoint
        self._count()

    def list_live(self) -> list[ChainEvent]:
        """Return the events that are not retracted, in chain order, as a reader of all records sees them."""
        live: dict[tuple[bytes, int], ChainEvent] = {}
        for timed in self.records:
            record = timed.record
            event = record.event if isinstance(record, Retracted) else record
            place = (event.block_hash, event.log_index)
            if isinstance(record, Retracted):
                live.pop(place, None)
            else:
                live[place] = record
        return sorted(live.values(), key=lambda event: (event.block_number, event.log_index))

    def _count(self) -> None:
        if not self.is_reachable:
            raise Retry(Reason.BUS_UNREACHABLE, "send records")
        if self.effects_left is not None:
            self.effects_left -= 1
            if self.effects_left < 0:
                raise Crash


def _hash(number: int, branch: str) -> BlockHash:
    return BlockHash(derive_bytes(32, "block", number, branch))
