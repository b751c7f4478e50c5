"""The report of the invariants' histories: its sums, and the goals that were not reached."""

import pytest

from tools.campaign import GOALS, describe, find_missed, sum_counts

pytestmark = pytest.mark.unit

EVERYTHING = ";".join(f"{goal}=1" for goal in GOALS) + ";"


def test_sum_counts__two_histories__adds_their_facts() -> None:
    counts = sum_counts("slashed=2;outcome WORSE=1;\nslashed=3;\n")
    assert (counts["slashed"], counts["outcome WORSE"], counts["history"]) == (5, 1, 2)


def test_find_missed__everything_reached__is_empty() -> None:
    assert find_missed(sum_counts(EVERYTHING)) == []


@pytest.mark.parametrize("goal", GOALS)
def test_find_missed__a_goal_missing__names_it(goal: str) -> None:
    others = ";".join(f"{other}=1" for other in GOALS if other != goal)
    assert find_missed(sum_counts(others)) == [goal]


def test_describe__calls__says_which_share_had_an_effect() -> None:
    text = describe(sum_counts("effect: commit=3;refusal: commit=1;\nidle: claim=4;"))
    assert text.endswith("campaign: 8 calls in 2 histories: 38% effect, 12% refusal, 50% idle")
