"""Which records of a lane wait for which, and how many dead letters of others are kept."""

import pytest

from zarathustra.bus.records import Delivery, Record
from zarathustra.runtime.map_loop.lanes import Lanes
from zarathustra.runtime.map_loop.letters import MAX_IN_ALL, MAX_PER_SENDER, WINDOW_MS, LetterQuota

pytestmark = pytest.mark.unit

LANE = ("in.v1", b"lane")
PATIENCE_MS = 1_000


class Time:
    now_ms = 10_000


def build(time: Time | None = None) -> Lanes:
    moment = time or Time()
    return Lanes(lambda: moment.now_ms, patience_ms=PATIENCE_MS)


def at(offset: int, partition: int = 0) -> Delivery:
    return Delivery(Record("in.v1", b"lane", b""), partition, offset, 0)


def test_find_earlier__record_was_put_back__only_later_ones_of_its_partition_wait() -> None:
    lanes = build()
    lanes.announce(LANE, at(5), 11_000)
    assert lanes.find_earlier(LANE, at(6)) == 11_000
    assert lanes.find_earlier(LANE, at(5)) is None
    assert lanes.find_earlier(LANE, at(4)) is None
    assert lanes.find_earlier(LANE, at(6, partition=1)) is None
    assert lanes.find_earlier(("in.v1", b"other"), at(6)) is None


def test_find_earlier__several_wait__is_the_time_of_the_last() -> None:
    lanes = build()
    lanes.announce(LANE, at(1), 12_000)
    lanes.announce(LANE, at(2), 11_000)
    assert lanes.find_earlier(LANE, at(3)) == 12_000
    assert lanes.find_earlier(LANE, at(2)) == 12_000


def test_close__opened_record_is_finished__nothing_waits() -> None:
    lanes = build()
    lanes.announce(LANE, at(1), 11_000)
    lanes.open(LANE, at(1), 11_000)
    assert lanes.find_earlier(LANE, at(2)) == 11_000
    lanes.close(LANE, at(1))
    assert lanes.find_earlier(LANE, at(2)) is None


def test_close__put_back_again_before_it_closes__still_waits() -> None:
    lanes = build()
    lanes.open(LANE, at(1), 11_000)
    lanes.announce(LANE, at(1), 12_000)
    lanes.close(LANE, at(1))
    assert lanes.find_earlier(LANE, at(2)) == 12_000


def test_find_earlier__announced_record_never_comes__waits_no_longer_than_the_patience() -> None:
    time = Time()
    lanes = build(time)
    lanes.announce(LANE, at(1), 11_000)
    time.now_ms = 11_000 + PATIENCE_MS - 1
    assert lanes.find_earlier(LANE, at(2)) == 11_000
    time.now_ms += 1
    assert lanes.find_earlier(LANE, at(2)) is None


def test_forget_announced__opened_ones__still_count() -> None:
    lanes = build()
    lanes.announce(LANE, at(1), 12_000)
    lanes.open(LANE, at(2), 11_000)
    lanes.forget_announced()
    assert lanes.find_earlier(LANE, at(3)) == 11_000


def test_admit__one_sender__has_its_share_of_each_minute() -> None:
    quota = LetterQuota()
    assert [quota.admit(b"a", 0) for _ in range(MAX_PER_SENDER + 1)] == [True] * MAX_PER_SENDER + [False]
    assert quota.admit(b"b", 0)
    assert quota.admit(b"a", WINDOW_MS)


def test_admit__a_new_name_in_each_record__is_bounded_too() -> None:
    quota = LetterQuota()
    admitted = sum(quota.admit(number.to_bytes(4, "big"), 0) for number in range(3 * MAX_IN_ALL))
    assert admitted == MAX_IN_ALL
