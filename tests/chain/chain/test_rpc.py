"""JSON-RPC against nodes that fail in every way: local HTTP servers, no chain."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.kit.chain.rpc_server import (
    SECRET_PATH,
    Respond,
    answer_with,
    hang,
    refuse_with,
    respond_with_status,
    serve,
    unreachable_url,
)
from zarathustra.chain.rpc import MAX_ANSWER_BYTES, MAX_BATCH, Call, CallReverted, HttpRpc
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason

pytestmark = pytest.mark.chain

BROKEN: dict[str, Respond] = {
    "internal-error": respond_with_status(500, "oops"),
    "rate-limited": respond_with_status(429, "slow down"),
    "nested-deep": respond_with_status(200, "[" * 5_000 + "]" * 5_000),
    "html": respond_with_status(200, "<html>login</html>"),
    "refuses": refuse_with({"code": -32005, "message": "limit exceeded"}),
    "refuses-with-text": refuse_with("no"),
    "no-json-rpc": lambda _body: {"hello": 1},
    "number": lambda _body: 5,
    "empty-list": lambda _body: [],
    "hangs": hang,
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_call__first_node_broken__second_answers(kind: str) -> None:
    async with (
        serve(BROKEN[kind]) as broken,
        serve(answer_with("0x5")) as healthy,
        HttpRpc([broken.url, healthy.url], timeout_s=0.3) as rpc,
    ):
        assert await rpc.call("eth_gasPrice") == "0x5"
        assert len(broken.bodies) <= 1  # none if the comparison of heads failed before


async def test_call__first_node_down__second_is_asked_first_from_then_on() -> None:
    async with (
        serve(refuse_with({"code": 1, "message": "no"})) as broken,
        serve(answer_with("0x9")) as healthy,
        HttpRpc([unreachable_url(), broken.url, healthy.url]) as rpc,
    ):
        assert await rpc.call("a") == "0x9"
        assert await rpc.call("b") == "0x9"
        assert (len(broken.bodies), len(healthy.bodies)) == (1, 2)


async def test_call__current_node_fails_later__first_is_asked_again() -> None:
    async with (
        serve(answer_with(1)) as first,
        serve(answer_with(2)) as second,
        HttpRpc([first.url, second.url]) as rpc,
    ):
        first.respond = BROKEN["internal-error"]
        assert await rpc.call("a") == 2
        first.respond, second.respond = answer_with(1), BROKEN["internal-error"]
        assert await rpc.call("b") == 1


async def test_call__no_node_answers__unreachable() -> None:
    async with HttpRpc([unreachable_url(), unreachable_url()]) as rpc:
        with pytest.raises(Retry) as caught:
            await rpc.call("a")
    assert caught.value.reason is Reason.RPC_UNREACHABLE


async def test_call__refused_by_all__says_what_a_node_said() -> None:
    async with (
        serve(refuse_with({"code": -32000, "message": "unknown block"})) as node,
        HttpRpc([node.url, unreachable_url()]) as rpc,
    ):
        with pytest.raises(Retry) as caught:
            await rpc.call("eth_getLogs")
    assert (caught.value.reason, caught.value.message) == (Reason.RPC_ERROR, "unknown block")
    assert caught.value.details == {"method": "eth_getLogs", "code": -32000, "host": "127.0.0.1"}


@pytest.mark.parametrize(
    ("error", "data"),
    [
        ({"code": 3, "message": "execution reverted", "data": "0x01020304"}, b"\x01\x02\x03\x04"),
        ({"code": -32000, "message": "execution reverted: no"}, b""),
        ({"code": 3, "message": "reverted", "data": "not hex"}, b""),
    ],
)
async def test_call__revert__is_raised_and_no_other_node_is_asked(error: Any, data: bytes) -> None:
    async with (
        serve(refuse_with(error)) as first,
        serve(answer_with("0x")) as second,
        HttpRpc([first.url, second.url]) as rpc,
    ):
        with pytest.raises(CallReverted) as caught:
            await rpc.call("eth_call")
        assert second.bodies == []
    assert (caught.value.reason, caught.value.data) == (Reason.REVERTED, data)


async def test_call__endless_answer__is_given_up() -> None:
    async def stream(_body: Any) -> web.StreamResponse:
        def chunks() -> AsyncIterator[bytes]:
            async def generate() -> AsyncIterator[bytes]:
                for _ in range(MAX_ANSWER_BYTES // 2**20 + 2):
                    yield b" " * 2**20

            return generate()

        return web.Response(body=chunks())

    async with serve(stream) as node, HttpRpc([node.url]) as rpc:
        with pytest.raises(Retry) as caught:
            await rpc.call("a")
    assert caught.value.message == "answer is too long"


# ---- batches


def answer_batch(body: Any) -> Any:
    """Answer each call with its method, the last call first."""
    return [{"jsonrpc": "2.0", "id": item["id"], "result": item["method"]} for item in reversed(body)]


async def test_call_many__answers_in_any_order__results_in_the_order_of_calls() -> None:
    async with serve(answer_batch) as node, HttpRpc([node.url]) as rpc:
        assert await rpc.call_many([Call(name, ()) for name in ("a", "b", "c")]) == ["a", "b", "c"]
        assert len(node.bodies) == 1


async def test_call_many__more_than_a_batch__split() -> None:
    names = [str(number) for number in range(2 * MAX_BATCH + 2)]
    async with serve(answer_batch) as node, HttpRpc([node.url]) as rpc:
        assert await rpc.call_many([Call(name, ()) for name in names]) == names
        assert [len(body) for body in node.bodies] == [MAX_BATCH, MAX_BATCH, 2]


async def test_call_many__nothing_to_ask__asks_nothing() -> None:
    async with HttpRpc([unreachable_url()]) as rpc:
        assert await rpc.call_many([]) == []


@pytest.mark.parametrize(
    "respond",
    [
        lambda body: answer_batch(body)[1:],
        lambda body: [*answer_batch(body)[1:], answer_batch(body)[1]],
        lambda body: [{"id": 0, "result": 1}] * len(body),
        lambda _body: {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too large"}},
    ],
    ids=["one-missing", "one-twice", "one-id", "refused-whole"],
)
async def test_call_many__incomplete__next_node(respond: Respond) -> None:
    async with (
        serve(respond) as broken,
        serve(answer_batch) as healthy,
        HttpRpc([broken.url, healthy.url]) as rpc,
    ):
        assert await rpc.call_many([Call("a", ()), Call("b", ())]) == ["a", "b"]


async def test_call_many__one_reverts__reverts() -> None:
    def respond(body: Any) -> Any:
        return [{"id": 0, "result": "0x"}, {"id": 1, "error": {"code": 3, "message": "execution reverted"}}]

    async with serve(respond) as node, HttpRpc([node.url]) as rpc:
        with pytest.raises(CallReverted):
            await rpc.call_many([Call("a", ()), Call("b", ())])


# ---- what is reported


async def test_call__observed__method_host_time_and_success() -> None:
    seen: list[tuple[str, str, bool]] = []

    def observe(method: str, host: str, duration_s: float, is_success: bool) -> None:
        assert duration_s > 0
        seen.append((method, host, is_success))

    async with serve(answer_with(1)) as node:
        for url in (unreachable_url(), node.url):
            async with HttpRpc([url], on_request=observe) as rpc:
                with contextlib.suppress(Retry):
                    await rpc.call("eth_chainId")
    assert seen == [("eth_chainId", "127.0.0.1", False), ("eth_chainId", "127.0.0.1", True)]


@pytest.mark.parametrize("kind", BROKEN)
async def test_call__failed__error_does_not_show_the_api_key(kind: str) -> None:
    async with serve(BROKEN[kind]) as node, HttpRpc([node.url], timeout_s=0.3) as rpc:
        with pytest.raises(Retry) as caught:
            await rpc.call("a")
    assert SECRET_PATH not in str(caught.value) + json.dumps(caught.value.details, default=str)


def test_rpc__no_endpoint__bad_setting() -> None:
    with pytest.raises(Invalid) as caught:
        HttpRpc([])
    assert caught.value.reason is Reason.BAD_SETTING
