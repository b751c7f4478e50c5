"""The follower under random reorganisations and crashes between any two effects."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.chain.event_chain import Crash, EventChain, FakeSink
from zarathustra.chain.follow import ChainFollower
from zarathustra.core.errors import Retry
from zarathustra.core.events import chain_record_id

pytestmark = pytest.mark.property

UNFINALIZED = 5
EVENTS = st.lists(st.integers(1, 9), max_size=2)
STEP = st.one_of(
    st.tuples(st.just("mine"), st.lists(EVENTS, min_size=1, max_size=9)),
    st.tuples(st.just("reorganise"), st.integers(1, UNFINALIZED), st.lists(EVENTS, min_size=1, max_size=6)),
    st.tuples(st.just("turn")),
    st.tuples(st.just("crash"), st.integers(0, 8)),
    st.tuples(st.just("lag"), st.integers(1, UNFINALIZED)),
    st.tuples(st.just("bus fails")),
)
STEPS = st.lists(STEP, max_size=30)


class World:
    """A chain, a bus, and a follower that is started again after each crash."""

    def __init__(self, *, confirmations: int) -> None:
        self.chain = EventChain(unfinalized=UNFINALIZED)
        self.sink = FakeSink()
        self._confirmations = confirmations
        self._start()

    def _start(self) -> None:
        self.sink.effects_left = None
        self._follower = ChainFollower(self.chain, self.sink, confirmations=self._confirmations)
        self._follower.restore(self.sink.checkpoint)

    async def take(self, kind: str, *arguments: Any) -> None:
        match kind:
            case "mine":
                for projects in arguments[0]:
                    self.chain.mine(projects)
            case "reorganise":
                depth = min(arguments[0], len(self.chain.blocks) - 1 - self.chain.final)
                if depth > 0:
                    self.chain.reorganise(depth, arguments[1])
            case "turn":
                await self._turn()
            case "crash":
                self.sink.effects_left = arguments[0]
                try:
                    await self._turn()
                except Crash:
                    self._start()
                self.sink.effects_left = None
            case "lag":
                self.chain.visible = max(self.chain.final + 1, len(self.chain.blocks) - arguments[0])
                await self._turn()
                self.chain.visible = None
            case "bus fails":
                self.sink.is_reachable = False
                await self._turn()
                self.sink.is_reachable = True

    async def _turn(self) -> None:
        try:
            await self._follower.catch_up()
        except Retry:
            return  # as in the service: the next call tries again

    async def finish(self) -> None:
        for _ in range(self._confirmations):
            self.chain.mine()
        while not await self._follower.catch_up():
            pass


async def run(steps: Sequence[tuple[Any, ...]], *, confirmations: int) -> World:
    world = World(confirmations=confirmations)
    for step in steps:
        await world.take(*step)
    await world.finish()
    return world


@given(STEPS, st.integers(0, 2))
def test_follower__reorganisations_crashes_and_lag__readers_end_with_the_canonical_events(
    steps: list[tuple[Any, ...]], confirmations: int
) -> None:
    world = asyncio.run(run(steps, confirmations=confirmations))
    assert world.sink.list_live() == [event for block in world.chain.blocks for event in block.events]


@given(STEPS)
def test_follower__crashes_or_none__publishes_the_same_set_of_ids(steps: list[tuple[Any, ...]]) -> None:
    """At each crash step one run only catches up; the other is killed after some effects, then catches up."""
    calm = [("turn",) if step[0] == "crash" else step for step in steps if step[0] != "bus fails"]
    crashing = [part for step in steps if step[0] != "bus fails" for part in _crash_then_turn(step)]
    ids = [_list_ids(asyncio.run(run(script, confirmations=0))) for script in (calm, crashing)]
    assert ids[0] == ids[1]


def _crash_then_turn(step: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    return [step, ("turn",)] if step[0] == "crash" else [step]


def _list_ids(world: World) -> set[Any]:
    return {chain_record_id(timed.record) for timed in world.sink.records}
