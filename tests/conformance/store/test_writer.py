"""The writer against nodes that are down, silent or wrong."""

import asyncio
import json

import pytest

from tests.kit.store.hostile import (
    Behaviour,
    answering,
    cut_short,
    hang_up,
    hostile_server,
    stay_silent,
    talk_nonsense,
)
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.store.memory import MemoryStore
from zarathustra.store.unixfs import compute_cid
from zarathustra.store.writer import Writer

pytestmark = pytest.mark.conformance

OTHER = json.dumps({"Name": "", "Hash": compute_cid(b"other bytes"), "Size": "1"}).encode()
JSON = "Content-Type: application/json"
FAILURES: dict[str, tuple[Behaviour, Reason]] = {
    "silence": (stay_silent, Reason.UNAVAILABLE),
    "hang up": (hang_up, Reason.UNAVAILABLE),
    "nonsense": (talk_nonsense, Reason.UNAVAILABLE),
    "cut short": (cut_short, Reason.UNAVAILABLE),
    "error": (answering("500 No", b'{"Message":"disk full","Code":0,"Type":"error"}', JSON), Reason.UNAVAILABLE),
    "error without JSON": (answering("502 Bad Gateway", b"<html>"), Reason.UNAVAILABLE),
    "empty answer": (answering("200 OK", b"", JSON), Reason.UNAVAILABLE),
    "answer without a name": (answering("200 OK", b"{}", JSON), Reason.UNAVAILABLE),
    "another name": (answering("200 OK", OTHER, JSON), Reason.CID_MISMATCH),
    "a name that is none": (answering("200 OK", b'{"Hash":"x"}', JSON), Reason.CID_MISMATCH),
}


@pytest.mark.parametrize(("behaviour", "reason"), FAILURES.values(), ids=FAILURES.keys())
async def test_add__node_fails__is_retried_with_the_reason(behaviour: Behaviour, reason: Reason) -> None:
    async with hostile_server(behaviour) as hostile, asyncio.timeout(10):
        with pytest.raises(Retry) as caught:
            await Writer(hostile.url, source=MemoryStore(), answer_seconds=0.3).add(b"some bytes")
    assert caught.value.reason is reason


async def test_add__nobody_listens__is_retried() -> None:
    async with hostile_server(hang_up) as gone:
        pass
    with pytest.raises(Retry) as caught:
        await Writer(gone.url, source=MemoryStore()).add(b"some bytes")
    assert caught.value.reason is Reason.UNAVAILABLE


async def test_pin__own_node_is_silent__is_retried_even_when_others_have_the_file() -> None:
    elsewhere = MemoryStore()
    cid = await elsewhere.add(b"some bytes")
    async with hostile_server(stay_silent) as hostile, asyncio.timeout(10):
        with pytest.raises(Retry) as caught:
            await Writer(hostile.url, source=elsewhere, answer_seconds=0.3).pin(cid)
    assert caught.value.reason is Reason.UNAVAILABLE
