"""Rules of the quorum, for any stake and any allowed threshold."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarathustra.core.quorum import BPS, is_approved, is_rejected
from zarathustra.core.types import Bps, Wei

pytestmark = pytest.mark.property

stakes = st.integers(0, 2**96 - 1)
thresholds = st.integers(6_600, 9_000).map(Bps)  # what a project may choose


@given(stakes, stakes, stakes, thresholds)
def test_quorum__disjoint_votes__are_never_both_decisive(yes: int, no: int, silent: int, quorum: Bps) -> None:
    total = Wei(yes + no + silent)
    approved = is_approved(signed=Wei(yes), total=total, quorum_bps=quorum)
    rejected = is_rejected(rejected=Wei(no), total=total, quorum_bps=quorum)
    assert not (approved and rejected)


@given(stakes, stakes, thresholds)
def test_quorum__rejected__exactly_when_all_others_cannot_approve(no: int, others: int, quorum: Bps) -> None:
    total = Wei(no + others)
    can_still_approve = is_approved(signed=Wei(others), total=total, quorum_bps=quorum)
    assert is_rejected(rejected=Wei(no), total=total, quorum_bps=quorum) == (no > 0 and not can_still_approve)


@given(stakes, stakes, stakes, thresholds)
def test_quorum__more_stake__never_undoes_a_decision(before: int, more: int, rest: int, quorum: Bps) -> None:
    total = Wei(before + more + rest)
    for decide, name in ((is_approved, "signed"), (is_rejected, "rejected")):
        earlier = decide(**{name: Wei(before)}, total=total, quorum_bps=quorum)
        later = decide(**{name: Wei(before + more)}, total=total, quorum_bps=quorum)
        assert later or not earlier


@given(stakes, stakes, thresholds, thresholds)
def test_quorum__higher_threshold__is_harder_to_approve(yes: int, rest: int, first: Bps, second: Bps) -> None:
    low, high = sorted((first, second))
    total = Wei(yes + rest)
    if is_approved(signed=Wei(yes), total=total, quorum_bps=high):
        assert is_approved(signed=Wei(yes), total=total, quorum_bps=low)


@given(stakes, stakes, thresholds)
def test_quorum__integers__agree_with_exact_fractions(yes: int, rest: int, quorum: Bps) -> None:
    total = yes + rest
    expected = total > 0 and Fraction(yes, total) > Fraction(quorum, BPS)
    assert is_approved(signed=Wei(yes), total=Wei(total), quorum_bps=quorum) == expected


@given(stakes, thresholds)
def test_quorum__all_or_no_stake_signed__approves_only_with_all(total: int, quorum: Bps) -> None:
    assert is_approved(signed=Wei(total), total=Wei(total), quorum_bps=quorum) == (total > 0)
    assert not is_approved(signed=Wei(0), total=Wei(total), quorum_bps=quorum)
    assert not is_rejected(rejected=Wei(0), total=Wei(total), quorum_bps=quorum)
