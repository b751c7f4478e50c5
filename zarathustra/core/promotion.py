"""The statistics of promotion: from integer scores per round to a lower confidence bound of the gain.

Every function must give the same integers on every machine. Sums are exact, and the one irrational step (the
Student-t quantile) uses `decimal`, whose +, −, ×, ÷ and √ are specified to the last digit. libm is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import lru_cache

from eth_hash.auto import keccak

from zarathustra.core.errors import Invalid
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Evaluation, Micro, Ppm, Seed, validate_length, validate_range

MIN_ROUNDS = 2  # one difference has no variance
MAX_K = 2**32 - 1  # keeps the level α_k above 10⁻²⁶, where PRECISION still leaves 50 correct digits
MIN_GAIN_LOWER_BOUND = Micro(-(2**62))  # the least that `Evaluation` admits; fits the contract's int64
GAIN_TOLERANCE_FACTOR = 6  # the bound combines two means and a spread: each moves by at most the tolerance

PRECISION = 80  # digits; at the smallest level 1 − cdf loses up to 26 of them
BISECTIONS = 200  # 2⁻²⁰⁰ ≈ 10⁻⁶⁰, far below the result's resolution of 10⁻⁶
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798")
# Every other context field is fixed too: a caller's precision or rounding must not change the result.
ARITHMETIC = Context(prec=PRECISION, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999, capitals=1, clamp=0)


@dataclass(frozen=True)
class Scores:
    """The code and numbers of an evaluation that operators compare; the numbers are 0 unless `code` is VALID."""

    code: Code
    champion_score: Micro
    challenger_score: Micro
    gain_lower_bound: Micro

    @classmethod
    def of(cls, evaluation: Evaluation) -> "Scores":
        """Return the scores that `evaluation` claims."""
        return cls(
            evaluation.code,
            evaluation.champion_score,
            evaluation.challenger_score,
            evaluation.gain_lower_bound,
        )


def scores_agree(ours: Scores, theirs: Scores, tolerance: int) -> bool:
    """Return whether an attester that computed `ours` may approve `theirs` (`docs/protocol.md` §5.3)."""
    return (
        ours.code == theirs.code
        and abs(ours.champion_score - theirs.champion_score) <= tolerance
        and abs(ours.challenger_score - theirs.challenger_score) <= tolerance
        and abs(ours.gain_lower_bound - theirs.gain_lower_bound) <= GAIN_TOLERANCE_FACTOR * tolerance
    )


def sub_seed(seed: Seed, round_number: int) -> bytes:
    """Return the 32-byte seed of one round: keccak(seed ‖ uint256 round)."""
    validate_length("seed", seed, 32)
    return bytes(keccak(seed + round_number.to_bytes(32, "big")))


def mean_score(rounds: Sequence[Micro]) -> Micro:
    """Return the exact mean of the rounds, rounded once, half to even."""
    if not rounds:
        raise Invalid(Reason.BAD_SCORE, "a mean needs at least one round")

    quotient, remainder = divmod(sum(rounds), len(rounds))
    twice = 2 * remainder
    is_up = twice > len(rounds) or (twice == len(rounds) and quotient % 2 == 1)
    return Micro(quotient + is_up)


def gain_lower_bound(*, champion: Sequence[Micro], challenger: Sequence[Micro], k: int, alpha_ppm: Ppm) -> Micro:
    """Return the one-sided lower confidence bound of the mean paired difference, challenger − champion.

    The level of a project's task number k is α_k = α · 6 / (π² (k+1)²). The levels sum to α, so over all tries the
    chance of one false promotion is at most α. The bound is rounded down once. Without spread it is the floored mean.
    """
    if len(champion) != len(challenger) or len(champion) < MIN_ROUNDS:
        raise Invalid(Reason.BAD_SCORE, "rounds are not paired", champion=len(champion), challenger=len(challenger))
    validate_range("k", k, 0, MAX_K)
    validate_range("alpha_ppm", alpha_ppm, 1, 499_999)

    differences = [theirs - ours for ours, theirs in zip(champion, challenger, strict=True)]
    count, total = len(differences), sum(differences)
    scaled_variance = count * sum(difference * difference for difference in differences) - total * total
    if scaled_variance == 0:
        return Micro(total // count)

    # mean − t·s/√n  with  s² = scaled_variance / (n(n−1)),  written with one division in order to round once.
    with localcontext(ARITHMETIC):
        quantile = _compute_student_quantile(count - 1, _compute_level(k, alpha_ppm))
        spread = (Decimal(scaled_variance) / (count - 1)).sqrt()
        bound = ((total - quantile * spread) / count).to_integral_value(rounding=ROUND_FLOOR)
    return max(Micro(int(bound)), MIN_GAIN_LOWER_BOUND)


def _compute_level(k: int, alpha_ppm: int) -> Decimal:
    return Decimal(6 * alpha_ppm) / (Decimal(1_000_000) * PI * PI * (k + 1) * (k + 1))


@lru_cache(maxsize=256)
def _compute_student_quantile(degrees: int, level: Decimal) -> Decimal:
    """Return t with P(T > t) = level < 1/2, by bisection; rounded up, so the gain's bound is never too high."""
    low, high = Decimal(0), Decimal(1)
    while _compute_upper_tail(degrees, high) > level:
        low, high = high, high * 2

    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if _compute_upper_tail(degrees, middle) > level:
            low = middle
        else:
            high = middle
    return high


def _compute_upper_tail(degrees: int, t: Decimal) -> Decimal:
    """Return P(T > t) for t > 0 and integer degrees of freedom: a finite sum, no special function."""
    square = t * t
    sine = t / (degrees + square).sqrt()
    cosine_squared = degrees / (degrees + square)
    if degrees % 2 == 0:
        return (1 - sine * _sum_powers(cosine_squared, degrees // 2, first=1)) / 2

    within = _compute_arctangent(t / Decimal(degrees).sqrt())
    if degrees > 1:
        within += sine * cosine_squared.sqrt() * _sum_powers(cosine_squared, (degrees - 1) // 2, first=2)
    return Decimal(1) / 2 - within / PI


def _sum_powers(base: Decimal, count: int, *, first: int) -> Decimal:
    """Return 1 + (f/(f+1))·b + (f(f+2)/((f+1)(f+3)))·b² + …: `count` terms, f = `first`."""
    total = term = Decimal(1)
    for step in range(count - 1):
        numerator = first + 2 * step
        term = term * base * numerator / (numerator + 1)
        total += term
    return total


def _compute_arctangent(x: Decimal) -> Decimal:
    """Return atan of x ≥ 0: halve the angle until the series converges fast, then multiply back."""
    halvings = 0
    while x > Decimal("0.05"):
        x = x / (1 + (1 + x * x).sqrt())
        halvings += 1

    square, power, total, odd = x * x, x, x, 1
    while abs(power) > Decimal(10) ** -(PRECISION + 5):
        power, odd = -power * square, odd + 2
        total += power / odd
    return total * (1 << halvings)
