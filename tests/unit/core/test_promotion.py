"""The statistics of promotion: exact integers, checked against mpmath."""

from decimal import Decimal, localcontext
from fractions import Fraction

import mpmath
import pytest
from eth_hash.auto import keccak

from zarathustra.core.errors import Invalid
from zarathustra.core.outcomes import Code
from zarathustra.core.promotion import (
    GAIN_TOLERANCE_FACTOR,
    MAX_K,
    MIN_GAIN_LOWER_BOUND,
    Scores,
    gain_lower_bound,
    mean_score,
    scores_agree,
    sub_seed,
)
from zarathustra.core.types import Micro, Ppm, Seed

pytestmark = pytest.mark.unit

ALPHA = Ppm(10_000)


def bound(champion: list[int], challenger: list[int], k: int = 0, alpha_ppm: int = ALPHA) -> int:
    return gain_lower_bound(
        champion=[Micro(score) for score in champion],
        challenger=[Micro(score) for score in challenger],
        k=k,
        alpha_ppm=Ppm(alpha_ppm),
    )


def oracle_bound(differences: list[int], k: int, alpha_ppm: int) -> int:
    """Compute the same bound with the incomplete beta function and the root finder of mpmath."""
    with mpmath.workdps(60):
        count = len(differences)
        mean = mpmath.mpf(sum(differences)) / count
        variance = sum((mpmath.mpf(item) - mean) ** 2 for item in differences) / (count - 1)
        level = mpmath.mpf(6 * alpha_ppm) / (10**6 * mpmath.pi**2 * (k + 1) ** 2)
        degrees = count - 1

        def tail_error(t: mpmath.mpf) -> mpmath.mpf:
            x = degrees / (degrees + t * t)
            return mpmath.log(mpmath.betainc(mpmath.mpf(degrees) / 2, 0.5, 0, x, regularized=True) / 2 / level)

        low, high = mpmath.mpf("0.01"), mpmath.mpf(1)
        while tail_error(high) > 0:
            low, high = high, 2 * high
        quantile = mpmath.findroot(tail_error, (low, high), solver="anderson", tol=1e-50)
        return int(mpmath.floor(mean - quantile * mpmath.sqrt(variance / count)))


@pytest.mark.parametrize("rounds", [2, 3, 4, 5, 12, 31, 32, 128])
@pytest.mark.parametrize("k", [0, 1, 999])
def test_gain_lower_bound__any_spread__equals_mpmath(rounds: int, k: int) -> None:
    champion = [900_000 + (7_919 * index) % 2_003 for index in range(rounds)]
    challenger = [901_000 + (104_729 * index) % 4_001 for index in range(rounds)]
    differences = [theirs - ours for ours, theirs in zip(champion, challenger, strict=True)]
    assert bound(champion, challenger, k) == oracle_bound(differences, k, ALPHA)


def test_gain_lower_bound__textbook_case__equals_the_table() -> None:
    # t(0.95, 4 degrees) = 2.131846786; differences 1…5 million: mean 3e6, s/√n = √0.5 · 10⁶.
    alpha = round(0.05 * 1e6 * mpmath.pi**2 / 6)
    got = bound([0] * 5, [1_000_000 * value for value in range(1, 6)], alpha_ppm=alpha)
    assert got == pytest.approx(3e6 - 2.131846786 * 0.5**0.5 * 1e6, abs=20)


def test_gain_lower_bound__identical_models__is_zero() -> None:
    assert bound([5, -7, 9], [5, -7, 9]) == 0


@pytest.mark.parametrize(("gain", "expected"), [(3, 3), (-3, -3)])
def test_gain_lower_bound__no_spread__is_the_mean(gain: int, expected: int) -> None:
    assert bound([1, 2, 3], [1 + gain, 2 + gain, 3 + gain]) == expected


def test_gain_lower_bound__extreme_level__fits_the_contract() -> None:
    assert bound([0, 0], [0, 2 * 10**9], k=MAX_K, alpha_ppm=1) == MIN_GAIN_LOWER_BOUND


def test_gain_lower_bound__decimal_context_of_the_caller__does_not_matter() -> None:
    champion, challenger = [0, 1, 5, 2], [9, 8, 20, 4]
    expected = bound(champion, challenger, k=77)
    with localcontext() as context:
        context.prec = 3
        assert bound(champion, challenger, k=78) == oracle_bound([9, 7, 15, 2], 78, ALPHA)
        assert bound(champion, challenger, k=77) == expected
        assert Decimal(1) / 3 == Decimal("0.333")


@pytest.mark.parametrize(
    ("champion", "challenger", "k", "alpha_ppm"),
    [
        ([1], [2], 0, ALPHA),
        ([1, 2], [1, 2, 3], 0, ALPHA),
        ([1, 2], [1, 3], -1, ALPHA),
        ([1, 2], [1, 3], MAX_K + 1, ALPHA),
        ([1, 2], [1, 3], 0, 0),
        ([1, 2], [1, 3], 0, 500_000),
    ],
)
def test_gain_lower_bound__invalid_input__is_refused(
    champion: list[int], challenger: list[int], k: int, alpha_ppm: int
) -> None:
    with pytest.raises(Invalid):
        bound(champion, challenger, k, alpha_ppm)


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [([1, 2], 2), ([2, 3], 2), ([3, 4], 4), ([-1, -2], -2), ([-2, -3], -2), ([1, 1, 2], 1), ([1, 2, 2], 2), ([7], 7)],
)
def test_mean_score__halves__go_to_even(rounds: list[int], expected: int) -> None:
    assert mean_score([Micro(score) for score in rounds]) == expected == round(Fraction(sum(rounds), len(rounds)))


def test_mean_score__no_rounds__is_refused() -> None:
    with pytest.raises(Invalid):
        mean_score([])


def test_sub_seed__round__is_keccak_of_seed_and_word() -> None:
    seed = Seed(bytes(range(32)))
    assert sub_seed(seed, 3) == keccak(seed + bytes(31) + b"\x03")
    assert len({sub_seed(seed, number) for number in range(100)}) == 100


OURS = Scores(Code.VALID, Micro(100), Micro(200), Micro(90))


@pytest.mark.parametrize(
    ("theirs", "agree"),
    [
        (OURS, True),
        (Scores(Code.VALID, Micro(102), Micro(198), Micro(90 + 2 * GAIN_TOLERANCE_FACTOR)), True),
        (Scores(Code.INVALID, Micro(100), Micro(200), Micro(90)), False),
        (Scores(Code.VALID, Micro(103), Micro(200), Micro(90)), False),
        (Scores(Code.VALID, Micro(100), Micro(197), Micro(90)), False),
        (Scores(Code.VALID, Micro(100), Micro(200), Micro(90 + 2 * GAIN_TOLERANCE_FACTOR + 1)), False),
    ],
)
def test_scores_agree__tolerance_of_two__allows_two_and_twelve(theirs: Scores, agree: bool) -> None:
    assert scores_agree(OURS, theirs, 2) is agree
