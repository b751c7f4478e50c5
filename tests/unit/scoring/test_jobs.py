"""The parent accepts only well-formed answers from its worker."""

import json

import pytest

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.sandbox.frames import ANSWER_HEADER, encode_answer
from zarathustra.scoring.jobs import parse_scores, parse_versions

pytestmark = pytest.mark.unit


def test_parse_scores__valid_answer__gives_integers() -> None:
    body = encode_answer({"scores": [1, -2]})[ANSWER_HEADER.size :]
    assert parse_scores(body, 2) == (1, -2)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"{}", b'{"scores": [1]}', b'{"scores": [1, 2, 3]}', b'{"scores": [1, NaN]}',
        b'{"scores": [1, 1.0]}', b'{"scores": [1, true]}', b'{"scores": [1, 1000000001]}', b'{"scores": "12"}',
        b'{"scores": [1], "scores": [1, 2]}', b'{"reason": "timeout"}', b'{"reason": "unavailable"}',
        b'{"reason": "no such"}', b'{"reason": ["crash"]}', b" " * 5000, b"[" * 4000,
    ],
)  # fmt: skip
def test_parse_scores__anything_else__is_a_crash(body: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        parse_scores(body, 2)
    assert caught.value.reason is Reason.CRASH


def test_parse_scores__workers_reason__is_raised() -> None:
    with pytest.raises(Invalid) as caught:
        parse_scores(b'{"reason": "not_finite"}', 2)
    assert caught.value.reason is Reason.NOT_FINITE


def test_parse_versions__greeting__gives_versions() -> None:
    versions = {"torch": "2.15", "numpy": "2.4", "cpu": "AVX2"}
    assert parse_versions(json.dumps({"versions": versions}).encode()).cpu == "AVX2"


def test_parse_versions__not_jailed__says_why() -> None:
    with pytest.raises(Retry, match="no Landlock") as caught:
        parse_versions(b'{"message": "no Landlock"}')
    assert caught.value.reason is Reason.SANDBOX_UNAVAILABLE
