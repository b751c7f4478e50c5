"""Who caused a failure, and the bytes of request and result."""

from dataclasses import replace
from typing import Any

import pytest

from tests.kit.scoring.artefacts import square_parameters, square_request
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Micro
from zarathustra.scoring.fault import evaluate
from zarathustra.scoring.jobs import ScoringJob, Versions
from zarathustra.wire.evaluator import (
    EvaluateRequest,
    EvaluateResult,
    decode_request,
    decode_result,
    encode_request_pieces,
    encode_result,
)

pytestmark = pytest.mark.unit

VERSIONS = Versions("2.15", "2.4", "AVX2")
REQUEST = square_request()


class FakeSandbox:
    """A sandbox that scores parameters from a table; an error in the table is raised."""

    def __init__(self, **answers: tuple[Micro, ...] | Exception) -> None:
        self._answers = {getattr(REQUEST, name): answer for name, answer in answers.items()}
        self.scored: list[bytes] = []

    async def score(self, job: ScoringJob) -> tuple[Micro, ...]:
        self.scored.append(job.parameters)
        answer = self._answers[job.parameters]
        if isinstance(answer, Exception):
            raise answer
        return answer


LOW, HIGH = (Micro(1), Micro(2)), (Micro(3), Micro(4))
BAD = Invalid(Reason.NOT_FINITE, "test")


@pytest.mark.parametrize(
    ("sandbox", "code", "reason"),
    [
        (FakeSandbox(champion=LOW, challenger=HIGH), Code.VALID, None),
        (FakeSandbox(champion=LOW, challenger=BAD), Code.INVALID, Reason.NOT_FINITE),
        (FakeSandbox(champion=BAD, challenger=HIGH), Code.EVALUATOR_FAILED, Reason.NOT_FINITE),
        (FakeSandbox(champion=BAD, challenger=BAD), Code.EVALUATOR_FAILED, Reason.NOT_FINITE),
    ],
)
async def test_evaluate__failing_model__decides_the_code(
    sandbox: FakeSandbox, code: Code, reason: Reason | None
) -> None:
    result = await evaluate(sandbox.score, REQUEST, VERSIONS)
    assert (result.code, result.reason, result.cpu) == (code, reason, "AVX2")
    assert sandbox.scored[0] == REQUEST.champion


async def test_evaluate__champion_fails__challenger_is_not_run() -> None:
    sandbox = FakeSandbox(champion=BAD, challenger=HIGH)
    await evaluate(sandbox.score, REQUEST, VERSIONS)
    assert sandbox.scored == [REQUEST.champion]


async def test_evaluate__same_bytes__are_scored_once() -> None:
    sandbox = FakeSandbox(champion=LOW)
    result = await evaluate(sandbox.score, replace(REQUEST, challenger=REQUEST.champion), VERSIONS)
    assert result.champion_rounds == result.challenger_rounds == LOW
    assert len(sandbox.scored) == 1


@pytest.mark.parametrize("who", ["champion", "challenger"])
async def test_evaluate__infrastructure_fails__raises_retry(who: str) -> None:
    answers: dict[str, Any] = {"champion": LOW, "challenger": HIGH, who: Retry(Reason.SANDBOX_UNAVAILABLE, "test")}
    with pytest.raises(Retry):
        await evaluate(FakeSandbox(**answers).score, REQUEST, VERSIONS)


def test_request__encoded__comes_back() -> None:
    assert decode_request(b"".join(encode_request_pieces(REQUEST))) == REQUEST


@pytest.mark.parametrize(
    "result",
    [
        EvaluateResult(Code.VALID, None, LOW, HIGH, torch="t", numpy="n", cpu="c"),
        EvaluateResult(Code.INVALID, Reason.CRASH, (Micro(-5), Micro(10**9)), ()),
    ],
)
def test_result__encoded__comes_back(result: EvaluateResult) -> None:
    assert decode_result(encode_result(result)) == result


@pytest.mark.parametrize(
    "data", [b"\xff", b"", b"\x08\x63", b"\x08\x01\x12\x05crash", b"\x08\x02\x12\x01x", b"\x08\x02"]
)
def test_decode_result__invalid_data__is_unparsable(data: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        decode_result(data)
    assert caught.value.reason is Reason.UNPARSABLE


@pytest.mark.parametrize("changes", [{"seed": b"short"}, {"rounds": 0}, {"rounds": 70_000}, {"input_hash": b""}])
def test_request__malformed__cannot_exist(changes: dict[str, Any]) -> None:
    fields = {name: getattr(REQUEST, name) for name in EvaluateRequest.__dataclass_fields__}
    with pytest.raises(Invalid):
        EvaluateRequest(**(fields | changes))


def test_decode_request__not_protobuf__is_unparsable() -> None:
    with pytest.raises(Invalid):
        decode_request(square_parameters())
