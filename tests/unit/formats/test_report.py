"""From integers to scores and a report, and every difference between a report and its evaluation."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from zarathustra.core.errors import Invalid
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Attempt, Evaluation, Micro, OperatorId, Ppm, TaskId
from zarathustra.formats.limits import MAX_REPORT_BYTES
from zarathustra.formats.report import Conclusion, check_report, conclude, unavailable_result
from zarathustra.wire.evaluator import EvaluateResult

pytestmark = pytest.mark.unit

TASK_ID, INPUT_HASH = TaskId(b"\x01" * 32), b"\x02" * 32
CHAMPION, CHALLENGER = tuple(map(Micro, (100, 110, 120))), tuple(map(Micro, (200, 215, 218)))
VALID = EvaluateResult(Code.VALID, None, CHAMPION, CHALLENGER, torch="2", numpy="2", cpu="AVX2")
INVALID = EvaluateResult(Code.INVALID, Reason.NOT_FINITE, CHAMPION, ())


def concluded(result: EvaluateResult) -> Conclusion:
    return conclude(result, task_id=TASK_ID, input_hash=INPUT_HASH, k=0, alpha_ppm=Ppm(10_000))


def claimed(conclusion: Conclusion) -> Evaluation:
    scores = conclusion.scores
    return Evaluation(
        task_id=TASK_ID,
        attempt=Attempt(0),
        performer=OperatorId(b"\x03" * 20),
        input_hash=INPUT_HASH,
        code=scores.code,
        champion_score=scores.champion_score,
        challenger_score=scores.challenger_score,
        gain_lower_bound=scores.gain_lower_bound,
        report_hash=b"\x04" * 32,
    )


def test_conclude__valid_rounds__gives_means_and_bound() -> None:
    scores = concluded(VALID).scores
    assert (scores.champion_score, scores.challenger_score) == (110, 211)
    assert scores.gain_lower_bound < 101


@pytest.mark.parametrize("result", [INVALID, unavailable_result()])
def test_conclude__no_scores__gives_zeros(result: EvaluateResult) -> None:
    scores = concluded(result).scores
    assert (scores.champion_score, scores.challenger_score, scores.gain_lower_bound) == (0, 0, 0)
    assert scores.code == result.code


def test_conclude__one_round__is_refused() -> None:
    with pytest.raises(Invalid):
        concluded(EvaluateResult(Code.VALID, None, CHAMPION[:1], CHALLENGER[:1]))


def test_conclude__twice__gives_the_same_bytes() -> None:
    assert concluded(VALID).report == concluded(replace(VALID)).report


def test_conclude__largest_task__fits_the_report() -> None:
    rounds = tuple(Micro(-(10**9)) for _ in range(128))
    longest = EvaluateResult(Code.VALID, None, rounds, rounds, torch="t" * 64, numpy="n" * 64, cpu="c" * 64)
    assert len(concluded(longest).report) <= MAX_REPORT_BYTES


@pytest.mark.parametrize("result", [VALID, INVALID, unavailable_result()])
def test_check_report__own_report__passes(result: EvaluateResult) -> None:
    conclusion = concluded(result)
    check_report(conclusion.report, claimed(conclusion))


def edit(report: bytes, **changes: Any) -> bytes:
    return json.dumps(json.loads(report) | changes, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda report: b"",
        lambda report: b"null",
        lambda report: report + b" ",
        lambda report: b" " + report,
        lambda report: report.replace(b":", b": "),
        lambda report: report.replace(b'"code":1', b'"code":1,"code":1'),
        lambda report: edit(report, format="report/2"),
        lambda report: edit(report, taskId="0x" + "05" * 32),
        lambda report: edit(report, inputHash="0x" + "05" * 32),
        lambda report: edit(report, code=2),
        lambda report: edit(report, code=True),
        lambda report: edit(report, code=1.0),
        lambda report: edit(report, reason="crash"),
        lambda report: edit(report, championScore=111),
        lambda report: edit(report, challengerScore=0),
        lambda report: edit(report, gainLowerBound=101),
        lambda report: edit(report, championRounds=[100, 110, 124]),
        lambda report: edit(report, challengerRounds=[]),
        lambda report: edit(report, challengerRounds=[211]),
        lambda report: edit(report, challengerRounds=[211, "211"]),
        lambda report: edit(report, challengerRounds=211),
        lambda report: edit(report, more=1),
        lambda report: edit(report, torch="x" * MAX_REPORT_BYTES),
    ],
)
def test_check_report__any_difference__is_a_mismatch(spoil: Callable[[bytes], bytes]) -> None:
    conclusion = concluded(VALID)
    with pytest.raises(Invalid) as caught:
        check_report(spoil(conclusion.report), claimed(conclusion))
    assert caught.value.reason is Reason.REPORT_MISMATCH


def test_check_report__flipped_bit_outside_of_rounds_and_versions__is_found() -> None:
    """Rounds may change if their mean stays, and versions freely: only the report's hash protects those bytes."""
    conclusion = concluded(VALID)
    for position in set(range(len(conclusion.report))) - find_free_positions(conclusion.report):
        flipped = bytearray(conclusion.report)
        flipped[position] ^= 1
        with pytest.raises(Invalid, match="report_mismatch"):
            check_report(bytes(flipped), claimed(conclusion))


def find_free_positions(report: bytes) -> set[int]:
    free: set[int] = set()
    for start, stop in (
        (b'"cpu":"', b'"'),
        (b'"torch":"', b'"'),
        (b'"numpy":"', b'"'),
        (b'"championRounds":[', b"]"),
        (b'"challengerRounds":[', b"]"),
    ):
        first = report.index(start) + len(start)
        free |= set(range(first, report.index(stop, first)))
    return free
