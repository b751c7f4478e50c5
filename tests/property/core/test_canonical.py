"""Fork choice under random reorganisations: the published events less the retracted ones are the canonical ones."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.chain.event_chain import EventChain, make_block
from zarathustra.core.canonical import Block, Checkpoint, TimedRecord, View, finalize, fold, jump
from zarathustra.core.events import ChainEvent, Retracted
from zarathustra.wire.checkpoint import decode_checkpoint, encode_checkpoint

pytestmark = pytest.mark.property

EVENTS = st.lists(st.integers(1, 9), max_size=3)
MINED = st.tuples(st.just("mine"), st.just(0), st.lists(EVENTS, min_size=1, max_size=4))
REORGANISED = st.tuples(st.just("reorganise"), st.integers(1, 5), st.lists(EVENTS, min_size=1, max_size=6))
STEPS = st.lists(st.tuples(st.one_of(MINED, REORGANISED), st.booleans()), max_size=25)


class Reader:
    """A follower without I/O: it asks the chain for one block after another and folds each of them."""

    def __init__(self, chain: EventChain) -> None:
        self.chain = chain
        self.view = jump(None, chain.blocks[0].header)
        self.records: list[TimedRecord] = []

    def read_to_head(self) -> None:
        while self.view.tip != self.chain.blocks[-1].header:
            self._fold(self.chain.blocks[min(self.view.tip.number, len(self.chain.blocks) - 1)])
            if self.view.tip.number + 1 < len(self.chain.blocks):
                self._fold(self.chain.blocks[self.view.tip.number + 1])
        self.view = finalize(self.view, self.chain.blocks[self.chain.final].header)

    def _fold(self, block: Block) -> None:
        transition = fold(self.view, block)
        self.view = transition.view
        self.records += transition.records


def apply_steps(reader: Reader, steps: Sequence[tuple[tuple[str, int, list[list[int]]], bool]]) -> None:
    chain = reader.chain
    for (kind, wanted_depth, blocks), is_read in steps:
        if kind == "mine":
            for projects in blocks:
                chain.mine(projects)
        else:
            depth = min(wanted_depth, len(chain.blocks) - 1 - chain.final)
            if depth > 0:
                chain.reorganise(depth, blocks)
        if is_read:
            reader.read_to_head()
    reader.read_to_head()


@given(STEPS)
def test_fold__random_reorganisations__unretracted_records_are_the_canonical_events(
    steps: list[tuple[tuple[str, int, list[list[int]]], bool]],
) -> None:
    reader = Reader(EventChain())
    apply_steps(reader, steps)
    live: list[ChainEvent] = []
    for timed in reader.records:
        if isinstance(timed.record, Retracted):
            # Like a stack: events are retracted in exactly the reverse order of their publication.
            assert live.pop() == timed.record.event
        else:
            live.append(timed.record)
    assert live == [event for block in reader.chain.blocks for event in block.events]


@given(STEPS)
def test_checkpoint__any_view__comes_back_equal_from_its_bytes(
    steps: list[tuple[tuple[str, int, list[list[int]]], bool]],
) -> None:
    reader = Reader(EventChain())
    apply_steps(reader, steps)
    deployment = reader.chain.deployment
    checkpoint = Checkpoint(deployment.chain_id, deployment.model_submission, reader.view, tuple(reader.records))
    assert decode_checkpoint(encode_checkpoint(checkpoint)) == checkpoint


@given(st.integers(1, 6), st.data())
def test_fold__repeated_block__changes_nothing_the_second_time(length: int, data: st.DataObject) -> None:
    chain = EventChain()
    for number in range(length):
        chain.mine([number + 1])
    view = View(tuple(chain.blocks))
    block = data.draw(st.sampled_from([*chain.blocks, make_block(chain.blocks[-1].header)]))
    assert fold(view, block) == (view, ())
