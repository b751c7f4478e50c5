"""Fork choice for readers of a chain: what was published, and what a new block adds or takes back.

A view is a chain of blocks linked by parent hash, oldest first. Its first block, the anchor, is final; the others may
still be reorganised, so the view keeps their events, to retract them.

    anchor ─ b₁ ─ b₂ ─ tip          header c (parent b₁, other hash than b₂)
                                    → retract tip's events, then b₂'s, each in reverse; then apply c's

Whoever drives it asks the node for one canonical block after the other and folds each in; no block is ever skipped,
and every block that the node contradicts goes.
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
    """A header with our contracts' events in it, in log order."""

    header: Header
    events: tuple[ChainEvent, ...] = ()


class TimedRecord(NamedTuple):
    """What to publish, with the time of the block that the event is in."""

    record: ChainRecord
    timestamp_s: int


@dataclass(frozen=True)
class View:
    """The blocks that were taken in and may matter again: the anchor and everything after it. Never empty."""

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
        """The view's block of that number; None below the anchor and above the tip."""
        offset = number - self.anchor.number
        return self.blocks[offset].header if 0 <= offset < len(self.blocks) else None


class Transition(NamedTuple):
    """The view after a change, and what to publish, in order."""

    view: View
    records: tuple[TimedRecord, ...] = ()


@dataclass(frozen=True)
class Checkpoint:
    """A reader's whole state: what it took in, and what it is about to publish.

    Saved *before* the records are published. Whoever starts from it publishes `pending` again; so every record out
    there is known to some saved view and will be retracted, should its block go while nobody looks.
    """

    chain_id: int
    model_submission: Address
    view: View
    pending: tuple[TimedRecord, ...] = ()

    def __post_init__(self) -> None:
        validate_length("model_submission", self.model_submission, 20)


def fold(view: View, block: Block) -> Transition:
    """Take in the block that the node holds canonical at its number now.

    Drops, newest first, each block it contradicts: other blocks at or above its number, and a block right below that is
    not its parent. Appends it when it then follows the tip; otherwise the caller asks for the new tip's successor.
    A block that the view has changes nothing, so repeats are harmless. Raises Invalid(DEEP_FORK) when the anchor would
    have to go; ValueError for a block that leaves a gap above the tip or lies below the anchor.
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
    """Move the anchor up to a block that the node calls final, and forget what lies below.

    A final block that the view does not have, or has otherwise, changes nothing: `fold` sorts that out first.
    """
    if view.find(final.number) != final:
        return view
    above = view.blocks[final.number - view.anchor.number + 1 :]
    return View((Block(final), *above))  # the anchor's own events are never retracted either


def jump(view: View | None, final: Header) -> View:
    """Start anew at a final block, after everything up to it was published. Raises ValueError when it goes back."""
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
