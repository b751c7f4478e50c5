"""Fork choice for readers of a chain: the records that a new block adds, and those that it retracts.

A view is a chain of blocks linked by parent hash, oldest first. Its first block, the anchor, is final. The others, up
to the newest one, the tip, may still be reorganised. The view keeps their events in order to retract them.

    anchor ─ b₁ ─ b₂ ─ tip          header c (parent b₁, other hash than b₂)
                                    → retract tip's events, then b₂'s, each in reverse; then publish c's

The caller asks the node for one canonical block after the other and folds each one into the view. No block is skipped,
and every block that the node contradicts is dropped.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from zarathustra.core.errors import Invalid
from zarathustra.core.events import ChainEvent, Retracted
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockHash, BlockNumber, validate_length

ChainRecord: TypeAlias = ChainEvent | Retracted


@dataclass(frozen=True)
class Header:
    """A block's place in its chain."""

    number: BlockNumber
    block_hash: BlockHash
    parent_hash: BlockHash
    timestamp_s: int

    def __post_init__(self) -> None:
        validate_length("block_hash", self.block_hash, 32)
        validate_length("parent_hash", self.parent_hash, 32)


@dataclass(frozen=True)
class Block:
    """A header with the block's events from the marketplace's contracts, in log order."""

    header: Header
    events: tuple[ChainEvent, ...] = ()


class TimedRecord(NamedTuple):
    """A record to publish, with the time of the block that holds its event."""

    record: ChainRecord
    timestamp_s: int


@dataclass(frozen=True)
class View:
    """The blocks that were taken in and may still matter: the anchor and every block after it. Never empty."""

    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        for parent, child in zip(self.blocks, self.blocks[1:], strict=False):
            if not _is_child(child.header, parent.header):
                raise ValueError(f"block {child.header.number} does not follow block {parent.header.number}")

    @property
    def anchor(self) -> Header:
        return self.blocks[0].header

    @property
    def tip(self) -> Header:
        return self.blocks[-1].header

    def find(self, number: BlockNumber) -> Header | None:
        """Return the header of the view's block with that number, or None below the anchor and above the tip."""
        offset = number - self.anchor.number
        return self.blocks[offset].header if 0 <= offset < len(self.blocks) else None


class Transition(NamedTuple):
    """The view after a change, and the records to publish, in order."""

    view: View
    records: tuple[TimedRecord, ...] = ()


@dataclass(frozen=True)
class Checkpoint:
    """A reader's whole state: its view, and the records that it is about to publish.

    Records of a block that may be reorganised are published only after this is saved, and a reader that starts from it
    publishes `pending` again. So a saved view knows each of these records, and the record is retracted even if its
    block is reorganised away while no reader runs.
    """

    chain_id: int
    model_submission: Address
    view: View
    pending: tuple[TimedRecord, ...] = ()

    def __post_init__(self) -> None:
        validate_length("model_submission", self.model_submission, 20)


def fold(view: View, block: Block) -> Transition:
    """Take in the block that is canonical at its number on the node now.

    Drops, newest first, each block that contradicts it: other blocks at or above its number, and a block right below
    it that is not its parent. Appends the block if it then follows the tip; otherwise the caller asks for the block
    after the new tip. A block that the view already has changes nothing, so repetition is harmless. Raises
    Invalid(DEEP_FORK) when the anchor would be dropped, and ValueError for a block that leaves a gap above the tip or
    is below the anchor.
    """
    header = block.header
    if not view.anchor.number <= header.number <= view.tip.number + 1:
        raise ValueError(f"block {header.number} does not touch the view {view.anchor.number}…{view.tip.number}")
    if view.find(header.number) == header:
        return Transition(view)

    kept = [known for known in view.blocks if not _contradicts(header, known.header)]
    if not kept:
        raise Invalid(Reason.DEEP_FORK, "chain forks below the last final block", number=view.anchor.number)

    dropped = view.blocks[len(kept) :]
    records = [_retract(event, gone) for gone in reversed(dropped) for event in reversed(gone.events)]
    if _is_child(header, kept[-1].header):
        kept.append(block)
        records += [TimedRecord(event, header.timestamp_s) for event in block.events]
    return Transition(View(tuple(kept)), tuple(records))


def finalize(view: View, final: Header) -> View:
    """Move the anchor up to a block that the node calls final, and drop the blocks below it.

    A final block that the view does not have, or has with another hash, changes nothing: `fold` resolves that first.
    """
    if view.find(final.number) != final:
        return view
    above = view.blocks[final.number - view.anchor.number + 1 :]
    return View((Block(final), *above))  # the anchor is final: its events are never retracted


def jump(view: View | None, final: Header) -> View:
    """Start a new view at a final block, after every record up to it was published.

    Raises ValueError when the block is not above the tip.
    """
    if view is not None and final.number <= view.tip.number:
        raise ValueError(f"block {final.number} is not above the tip {view.tip.number}")
    return View((Block(final),))


def _contradicts(header: Header, known: Header) -> bool:
    if known.number >= header.number:
        return True
    return known.number == header.number - 1 and known.block_hash != header.parent_hash


def _is_child(header: Header, parent: Header) -> bool:
    return header.number == parent.number + 1 and header.parent_hash == parent.block_hash


def _retract(event: ChainEvent, block: Block) -> TimedRecord:
    return TimedRecord(Retracted(event), block.header.timestamp_s)
