"""Turns the evaluator service's integers into the scores that an operator signs and the report that it publishes.

Performer and attester both use `conclude`, so rounds become scores in one way only. The report is canonical JSON:
equal evaluations by equal versions have equal bytes and one CID.
"""

import json
from dataclasses import dataclass

from zarathustra.core.errors import Invalid
from zarathustra.core.outcomes import Code
from zarathustra.core.promotion import MIN_ROUNDS, Scores, gain_lower_bound, mean_score
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Evaluation, Micro, Ppm, TaskId, validate_length
from zarathustra.formats.limits import MAX_REPORT_BYTES
from zarathustra.formats.strict_json import parse_object, validate_keys
from zarathustra.wire.evaluator import EvaluateResult

FORMAT = "report/1"
ZERO = Micro(0)

REPORT_KEYS = (
    "format", "taskId", "inputHash", "code", "reason", "championScore", "challengerScore", "gainLowerBound",
    "championRounds", "challengerRounds", "torch", "numpy", "cpu",
)  # fmt: skip


@dataclass(frozen=True)
class Conclusion:
    """Scores of one evaluation, and the report that states them."""

    scores: Scores
    report: bytes


def unavailable_result() -> EvaluateResult:
    """Return the result for challenger parameters that cannot be fetched. The evaluator service is not asked."""
    return EvaluateResult(Code.UNAVAILABLE, Reason.UNAVAILABLE, (), ())


def conclude(result: EvaluateResult, *, task_id: TaskId, input_hash: bytes, k: int, alpha_ppm: Ppm) -> Conclusion:
    """Compute the scores and the report of `result`. `k` and `alpha_ppm` come from the task on chain."""
    validate_length("task_id", task_id, 32)
    validate_length("input_hash", input_hash, 32)
    scores = compute_scores(result, k=k, alpha_ppm=alpha_ppm)
    document = {
        "format": FORMAT,
        "taskId": "0x" + task_id.hex(),
        "inputHash": "0x" + input_hash.hex(),
        "code": int(scores.code),
        "reason": "" if result.reason is None else result.reason.code,
        "championScore": scores.champion_score,
        "challengerScore": scores.challenger_score,
        "gainLowerBound": scores.gain_lower_bound,
        "championRounds": [*result.champion_rounds],
        "challengerRounds": [*result.challenger_rounds],
        "torch": result.torch,
        "numpy": result.numpy,
        "cpu": result.cpu,
    }
    return Conclusion(scores, _encode(document))


def compute_scores(result: EvaluateResult, *, k: int, alpha_ppm: Ppm) -> Scores:
    """Compute the mean scores and the gain's lower bound.

    All are zero unless the code is VALID: operators then need to agree on the code only.
    Raises Invalid(BAD_SCORE) on too few rounds.
    """
    if result.code != Code.VALID:
        return Scores(result.code, ZERO, ZERO, ZERO)
    if len(result.champion_rounds) < MIN_ROUNDS:
        raise Invalid(Reason.BAD_SCORE, "too few rounds", rounds=len(result.champion_rounds))
    return Scores(
        code=Code.VALID,
        champion_score=mean_score(result.champion_rounds),
        challenger_score=mean_score(result.challenger_rounds),
        gain_lower_bound=gain_lower_bound(
            champion=result.champion_rounds, challenger=result.challenger_rounds, k=k, alpha_ppm=alpha_ppm
        ),
    )


def check_report(report: bytes, evaluation: Evaluation) -> None:
    """Raise Invalid(REPORT_MISMATCH) unless `report` is canonical and states the values of `evaluation`.

    The rounds must have the stated means. Only the attester's own evaluation can show whether they are *true*.
    """
    try:
        document = parse_object(report, max_bytes=MAX_REPORT_BYTES)
        validate_keys(document, "report", required=REPORT_KEYS)
    except Invalid as error:
        raise Invalid(Reason.REPORT_MISMATCH, "parse report", cause=error.message) from error
    _require(_encode(document) == report, "report is not canonical")

    expected = {
        "format": FORMAT,
        "taskId": "0x" + evaluation.task_id.hex(),
        "inputHash": "0x" + evaluation.input_hash.hex(),
        "code": int(evaluation.code),
        "championScore": evaluation.champion_score,
        "challengerScore": evaluation.challenger_score,
        "gainLowerBound": evaluation.gain_lower_bound,
    }
    for name, value in expected.items():
        _require(document[name] == value and type(document[name]) is type(value), f"report states another {name}")
    _require((document["reason"] == "") == (evaluation.code == Code.VALID), "report's reason and code differ")
    if evaluation.code == Code.VALID:
        _check_rounds(document["championRounds"], evaluation.champion_score)
        _check_rounds(document["challengerRounds"], evaluation.challenger_score)


def _check_rounds(rounds: object, mean: Micro) -> None:
    _require(isinstance(rounds, list) and len(rounds) >= MIN_ROUNDS, "report has too few rounds")
    integers = [Micro(score) for score in rounds if type(score) is int] if isinstance(rounds, list) else []
    _require(isinstance(rounds, list) and len(integers) == len(rounds), "report's rounds are not integers")
    _require(mean_score(integers) == mean, "report's rounds have another mean")


def _encode(document: dict[str, object]) -> bytes:
    """Canonical: sorted keys, no spaces, ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise Invalid(Reason.REPORT_MISMATCH, message)
