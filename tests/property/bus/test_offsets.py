"""In any order of finishing, the committed offset is the lowest unfinished one: never higher, never lower."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarathustra.bus.offsets import OffsetTracker

pytestmark = pytest.mark.property


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Rising offsets with holes, and an order in which some of them finish."""
    start = draw(st.integers(0, 10**12))
    gaps = draw(st.lists(st.integers(1, 4), max_size=40))
    offsets = list(accumulate(gaps, initial=start))
    finished = draw(st.permutations(offsets))
    return offsets, finished[: draw(st.integers(0, len(offsets)))]


@given(deliveries())
def test_tracker__any_order_of_finishing__commits_the_finished_prefix(case: tuple[list[int], list[int]]) -> None:
    offsets, finishing = case
    tracker = OffsetTracker()
    for offset in offsets:
        tracker.start(offset)

    committed = offsets[0]
    for count, offset in enumerate(finishing, start=1):
        tracker.finish(offset)
        next_offset = tracker.get_uncommitted()
        if next_offset is not None:
            tracker.mark_committed(next_offset)
            assert next_offset > committed
            committed = next_offset

        unfinished = set(offsets) - set(finishing[:count])
        assert committed == min(unfinished, default=offsets[-1] + 1)
        assert tracker.count_in_flight() == len(unfinished)


@given(deliveries(), st.data())
def test_tracker__records_start_while_others_finish__never_passes_one_in_flight(
    case: tuple[list[int], list[int]], data: st.DataObject
) -> None:
    offsets, _ = case
    tracker = OffsetTracker()
    waiting, open_offsets = list(offsets), set[int]()

    while waiting or open_offsets:
        if waiting and (not open_offsets or data.draw(st.booleans())):
            tracker.start(waiting[0])
            open_offsets.add(waiting.pop(0))
        else:
            finished = data.draw(st.sampled_from(sorted(open_offsets)))
            tracker.finish(finished)
            open_offsets.remove(finished)
        next_offset = tracker.get_uncommitted()
        if next_offset is not None:
            assert all(next_offset <= offset for offset in open_offsets)
            tracker.mark_committed(next_offset)

    assert tracker.get_uncommitted() is None


@given(st.lists(st.integers(0, 100), min_size=2))
def test_tracker__offset_does_not_rise__is_refused(offsets: list[int]) -> None:
    tracker = OffsetTracker()
    highest = -1
    for offset in offsets:
        if offset > highest:
            tracker.start(offset)
            highest = offset
        else:
            with pytest.raises(ValueError, match="was delivered after"):
                tracker.start(offset)
