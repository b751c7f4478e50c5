"""What a node's error means: a revert, a rate limit, or a refusal; and when endpoints are left for their heads."""

from typing import Any

import pytest

from zarathustra.chain.answers import (
    MAX_RETRY_AFTER_S,
    CallReverted,
    RateLimited,
    Refused,
    build_error,
    parse_retry_after,
)
from zarathustra.chain.endpoints import FAR_BEHIND_BLOCKS, FAR_BEHIND_S, FIRST_REST_S, MAX_BATCH, REMEMBER_S, Endpoints
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlockNumber

pytestmark = pytest.mark.unit

DATA = bytes.fromhex("7a933234")


@pytest.mark.parametrize(
    ("error", "data"),
    [
        ({"code": 3, "message": "execution reverted", "data": "0x7a933234"}, DATA),
        ({"code": -32000, "message": "Execution reverted", "data": "0x7a933234"}, DATA),
        ({"code": 3, "message": "execution reverted: 0x7a933234", "data": "0x7a933234"}, DATA),
        ({"code": -32015, "message": "VM execution error.", "data": "Reverted 0x7a933234"}, DATA),
        ({"code": -32603, "message": "Error: VM Exception: reverted with", "data": {"data": "0x7a933234"}}, DATA),
        ({"code": -32000, "message": "err: execution reverted (supplied gas 100)"}, b""),
        ({"code": -32000, "message": "VM Exception while processing transaction: revert"}, b""),
        ({"code": 3, "message": "", "data": "not hex"}, b""),
    ],
)
def test_build_error__revert_in_any_client_s_words__is_one(error: dict[str, Any], data: bytes) -> None:
    built = build_error(error)
    assert isinstance(built, CallReverted)
    assert built.data == data


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 429, "message": "Your app has exceeded its compute units per second capacity"}, RateLimited),
        ({"code": -32005, "message": "daily request count exceeded, request rate limited"}, RateLimited),
        ({"code": -32005, "message": "query returned more than 10000 results"}, Refused),
        ({"code": -32005, "message": "limit exceeded"}, Refused),
        ({"code": -32602, "message": "block range is too wide"}, Refused),
        ("no", Refused),
        ({}, Refused),
    ],
)
def test_build_error__limit__rate_or_refusal(error: Any, kind: type[Retry]) -> None:
    assert type(build_error(error)) is kind


@pytest.mark.parametrize(
    ("text", "date", "seconds"),
    [
        ("30", None, 30.0),
        ("0", None, 0.0),
        ("99999999", None, MAX_RETRY_AFTER_S),
        ("Wed, 21 Oct 2026 07:28:10 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 10.0),
        ("Wed, 21 Oct 2026 07:28:10 GMT", None, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:28:10 GMT", 0.0),
        ("soon", "Wed, 21 Oct 2026 07:28:00 GMT", None),
        (None, None, None),
    ],
)
def test_parse_retry_after__number_or_date__seconds(text: str | None, date: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, date) == seconds


# ---- endpoints


def show_heads(endpoints: Endpoints, *heads: int | None) -> None:
    for endpoint, head in zip(endpoints.all, heads, strict=True):
        endpoint.head = None if head is None else BlockNumber(head)


def list_urls(endpoints: Endpoints, now: float) -> list[str]:
    return [endpoint.url for endpoint in endpoints.list_usable(now)]


def test_judge_heads__far_behind__asked_last_for_a_while() -> None:
    endpoints = Endpoints(["a", "b"])
    show_heads(endpoints, 100, 100 + FAR_BEHIND_BLOCKS)
    endpoints.judge_heads(0.0)
    assert list_urls(endpoints, 0.0) == ["a", "b"]
    show_heads(endpoints, 100, 101 + FAR_BEHIND_BLOCKS)
    endpoints.judge_heads(1.0)
    assert list_urls(endpoints, 1.0) == ["b", "a"]
    endpoints.all[0].note_success()  # a call that was on its way proves nothing about its head
    assert list_urls(endpoints, 1.0) == ["b", "a"]
    assert list_urls(endpoints, 1.0 + FAR_BEHIND_S) == ["a", "b"]


def test_judge_heads__a_few_blocks_behind_for_long__asked_last() -> None:
    endpoints = Endpoints(["a", "b"])
    for now in range(0, int(FAR_BEHIND_S) + 1, 10):
        show_heads(endpoints, 100, 101 + now // 10)
        endpoints.judge_heads(float(now))
    assert list_urls(endpoints, FAR_BEHIND_S) == ["b", "a"]


def test_judge_heads__all_stand_still_or_unknown__nobody_is_left() -> None:
    endpoints = Endpoints(["a", "b", "c"])
    for now in (0.0, FAR_BEHIND_S, 2 * FAR_BEHIND_S):
        show_heads(endpoints, 100, 100, None)
        endpoints.judge_heads(now)
    assert list_urls(endpoints, 2 * FAR_BEHIND_S) == ["a", "b", "c"]


def test_note_failure__own_failures_in_a_row__rests_grow_and_a_refusal_causes_none() -> None:
    endpoint = Endpoints(["a"]).all[0]
    endpoint.note_failure(Refused("range"), 0.0)
    assert endpoint.get_rest(0.0) == 0.0
    for factor in (1, 2, 4):
        endpoint.note_failure(Retry(Reason.RPC_TIMEOUT, "ask node"), 0.0)
        assert endpoint.get_rest(0.0) == factor * FIRST_REST_S
    endpoint.note_success()
    assert endpoint.get_rest(0.0) == 0.0


def test_note_batch__refused_length__remembered_for_a_while() -> None:
    endpoint = Endpoints(["a"]).all[0]
    endpoint.note_batch(3, 0.0)
    endpoint.note_batch(12, 0.0)
    assert [endpoint.get_batch(now) for now in (0.0, REMEMBER_S)] == [3, MAX_BATCH]
