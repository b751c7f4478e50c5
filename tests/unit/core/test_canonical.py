"""Fork choice, one case per test."""

import pytest

from tests.kit.chain.event_chain import make_block, make_header
from zarathustra.core.canonical import Header, View, finalize, fold, jump
from zarathustra.core.errors import Invalid
from zarathustra.core.events import Retracted
from zarathustra.core.reasons import Reason

pytestmark = pytest.mark.unit


def make_view(length: int) -> View:
    """Return blocks 10, 11, … of branch a; block n holds events of projects n and n + 100."""
    headers = [make_header(10 + offset) for offset in range(length)]
    return View(tuple(make_block(header, (header.number, header.number + 100)) for header in headers))


def describe(records: object) -> list[str]:
    """Return `+11` for an event of project 11, `-11` for its retraction."""
    signs = []
    for timed in records:  # type: ignore[attr-defined]
        event = timed.record.event if isinstance(timed.record, Retracted) else timed.record
        signs.append(("-" if isinstance(timed.record, Retracted) else "+") + str(event.project_id))
    return signs


def test_fold__child_of_tip__applied_in_log_order() -> None:
    child = make_block(make_header(13), (1, 2))
    transition = fold(make_view(3), child)
    assert transition.view.tip == child.header
    assert describe(transition.records) == ["+1", "+2"]
    assert {timed.timestamp_s for timed in transition.records} == {child.header.timestamp_s}


def test_fold__known_block__changes_nothing() -> None:
    view = make_view(3)
    assert fold(view, make_block(make_header(11), (7,))) == (view, ())


def test_fold__sibling_of_tip__retracts_in_reverse_then_applies() -> None:
    sibling = make_block(make_header(12, "b", make_header(11)), (5,))
    transition = fold(make_view(3), sibling)
    assert describe(transition.records) == ["-112", "-12", "+5"]
    assert [block.header for block in transition.view.blocks] == [make_header(10), make_header(11), sibling.header]


def test_fold__sibling_two_below_tip__retracts_newest_first() -> None:
    sibling = make_block(make_header(12, "b", make_header(11)))
    transition = fold(make_view(5), sibling)
    assert describe(transition.records) == ["-114", "-14", "-113", "-13", "-112", "-12"]


def test_fold__child_of_unknown_parent__retracts_the_tip_only() -> None:
    stranger = make_block(make_header(13, "b"), (9,))
    transition = fold(make_view(3), stranger)
    assert describe(transition.records) == ["-112", "-12"]
    assert transition.view.tip == make_header(11)


def test_fold__retraction__carries_the_time_of_its_own_block() -> None:
    transition = fold(make_view(3), make_block(make_header(12, "b", make_header(11))))
    assert {timed.timestamp_s for timed in transition.records} == {make_header(12).timestamp_s}


@pytest.mark.parametrize(
    "header", [make_header(10, "b"), make_header(11, "b")], ids=["other-anchor", "child-of-other-anchor"]
)
def test_fold__anchor_contradicted__deep_fork(header: Header) -> None:
    with pytest.raises(Invalid) as caught:
        fold(make_view(3), make_block(header))
    assert caught.value.reason is Reason.DEEP_FORK


@pytest.mark.parametrize("number", [9, 14])
def test_fold__block_outside__refused(number: int) -> None:
    with pytest.raises(ValueError, match="does not touch"):
        fold(make_view(3), make_block(make_header(number)))


def test_view__gap_between_blocks__cannot_exist() -> None:
    with pytest.raises(ValueError, match="does not follow"):
        View((make_block(make_header(10)), make_block(make_header(12))))


def test_finalize__block_of_the_view__forgets_the_blocks_below() -> None:
    view = finalize(make_view(4), make_header(12))
    assert [block.header.number for block in view.blocks] == [12, 13]
    assert view.blocks[0].events == ()
    assert view.blocks[1] == make_view(4).blocks[3]


@pytest.mark.parametrize("final", [make_header(12, "b"), make_header(9), make_header(20)])
def test_finalize__block_of_another_view__changes_nothing(final: Header) -> None:
    assert finalize(make_view(4), final) == make_view(4)


def test_finalized_event__reorganised_later__is_never_retracted() -> None:
    view = finalize(make_view(3), make_header(11))
    transition = fold(view, make_block(make_header(12, "b", make_header(11))))
    assert describe(transition.records) == ["-112", "-12"]


def test_jump__backwards__refused() -> None:
    with pytest.raises(ValueError, match="not above"):
        jump(make_view(3), make_header(12))
