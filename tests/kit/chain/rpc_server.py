"""A JSON-RPC server on loopback: a function answers each request."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from devnet.ports import find_free_port

SECRET_PATH = "/v3/secret-api-key"
HEAD_METHOD = "eth_blockNumber"  # what a client compares its endpoints by, on its own account

Respond = Callable[[Any], Any]
"""Parsed request body → response body, or an aiohttp response; or a coroutine of one."""


class Server:
    """Answers by `respond`, which a test may change, and keeps what it was asked."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.all_bodies: list[Any] = []
        self.url = ""

    @property
    def bodies(self) -> list[Any]:
        """The requests without those for the head."""
        return [body for body in self.all_bodies if isinstance(body, list) or body["method"] != HEAD_METHOD]

    def count(self, method: str) -> int:
        """Return how many calls of a method came, alone or in batches."""
        calls = [call for body in self.all_bodies for call in (body if isinstance(body, list) else [body])]
        return sum(call["method"] == method for call in calls)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.all_bodies.append(body)
        answer = self.respond(body)
        if asyncio.iscoroutine(answer):
            answer = await answer
        return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)


@asynccontextmanager
async def serve(respond: Respond) -> AsyncIterator[Server]:
    """Serve until the context ends."""
    server = Server(respond)
    app = web.Application()
    app.add_routes([web.post(SECRET_PATH, server.handle)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.url = f"http://127.0.0.1:{runner.addresses[0][1]}{SECRET_PATH}"
        yield server
    finally:
        await runner.cleanup()


def unreachable_url() -> str:
    """Return the URL of a port where nobody listens."""
    return f"http://127.0.0.1:{find_free_port()}{SECRET_PATH}"


def answer_with(result: Any) -> Respond:
    return lambda body: {"jsonrpc": "2.0", "id": body["id"], "result": result}


def refuse_with(error: Any, status: int = 200) -> Respond:
    """Answer with a JSON-RPC error; one for a whole batch."""

    def respond(body: Any) -> web.Response:
        number = None if isinstance(body, list) else body["id"]
        return web.json_response({"jsonrpc": "2.0", "id": number, "error": error}, status=status)

    return respond


def respond_with_status(status: int, text: str, headers: dict[str, str] | None = None) -> Respond:
    return lambda _body: web.Response(status=status, text=text, headers=headers)


def cut_off(text: str = '{"jsonrpc":"2.0","id":0,"result":[{"address":') -> Respond:
    """Answer with a body that ends in the middle."""
    return lambda _body: web.Response(status=200, text=text, content_type="application/json")


async def hang(_body: Any) -> Any:
    """Never answer."""
    await asyncio.sleep(3_600)
