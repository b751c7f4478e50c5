"""A chain in memory, with reorganisations, and a place for published records that survives crashes."""

import hashlib
from collections.abc import AsyncGenerator, Iterable, Sequence

from zarathustra.chain.port import Deployment
from zarathustra.chain.scan import ScannedSpan
from zarathustra.core.canonical import Block, Checkpoint, Header, TimedRecord
from zarathustra.core.errors import Retry
from zarathustra.core.events import ChainEvent, ProjectClosed, Retracted
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO32, Address, BlockHash, BlockNumber, ProjectId

DEPLOYMENT = Deployment(
    chain_id=31_337,
    governance=Address(b"\x01" * 20),
    attestation_center=Address(b"\x02" * 20),
    avs_logic=Address(b"\x03" * 20),
    model_submission=Address(b"\x04" * 20),
    deployed_at=BlockNumber(0),
)
SPAN_LENGTH = 3


def make_header(number: int, branch: str = "a", parent: Header | None = None) -> Header:
    """A header whose hash says number and branch; without a parent, on the block below of the same branch."""
    parent_hash = parent.block_hash if parent else _hash(f"{number - 1}/{branch}")
    return Header(BlockNumber(number), _hash(f"{number}/{branch}"), parent_hash, 1_000 + number)


def make_block(header: Header, projects: Iterable[int] = ()) -> Block:
    """The block with one event for each project, in order."""
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


class FakeChain:
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
        _ = self.final  # what was final once stays final
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
    """The process ends here."""


class FakeSink:
    """What was published and saved. With `effects_left` = n it crashes at the n-th effect, half done."""

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
        """The events that a reader who applies every record holds true, in chain order."""
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


def _hash(text: str) -> BlockHash:
    return BlockHash(hashlib.sha256(text.encode()).digest())
