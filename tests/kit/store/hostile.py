"""A server on loopback that answers every request in one hostile way."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Behaviour = Callable[["HostileServer", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class HostileServer:
    """`requests` are the request heads that arrived; `sent` counts the body bytes that went out."""

    url: str = ""
    requests: list[str] = field(default_factory=list)
    sent: int = 0


@asynccontextmanager
async def hostile_server(behave: Behaviour) -> AsyncIterator[HostileServer]:
    hostile = HostileServer()
    tasks: set[asyncio.Task[None]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            hostile.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
            await behave(hostile, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away, as it should
        finally:
            writer.close()

    def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(answer(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(start, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    hostile.url = f"http://{host}:{port}"
    try:
        yield hostile
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def send(hostile: HostileServer, writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
    hostile.sent += len(data)


def answering(status: str, body: bytes = b"", *headers: str) -> Behaviour:
    """Answer with one complete response."""

    async def behave(hostile: HostileServer, writer: asyncio.StreamWriter) -> None:
        head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        await send(hostile, writer, "\r\n".join(head).encode() + b"\r\n\r\n" + body)

    return behave


async def stay_silent(_hostile: HostileServer, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def hang_up(_hostile: HostileServer, _writer: asyncio.StreamWriter) -> None:
    """Close the connection without an answer."""


async def talk_nonsense(hostile: HostileServer, writer: asyncio.StreamWriter) -> None:
    await send(hostile, writer, b"\xff\x00 this is no HTTP \r\n\r\n")


async def send_without_end(hostile: HostileServer, writer: asyncio.StreamWriter) -> None:
    await send(hostile, writer, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        await send(hostile, writer, bytes(1 << 16))


async def fail_without_end(hostile: HostileServer, writer: asyncio.StreamWriter) -> None:
    await send(hostile, writer, b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n")
    while True:
        await send(hostile, writer, b"[" * (1 << 16))


async def drip(hostile: HostileServer, writer: asyncio.StreamWriter) -> None:
    await send(hostile, writer, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        await send(hostile, writer, b"x")
        await asyncio.sleep(0.01)  # slower than any deadline of a client, but never idle


async def cut_short(hostile: HostileServer, writer: asyncio.StreamWriter) -> None:
    await send(hostile, writer, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\nhalf")


gzip_bomb = answering("200 OK", gzip.compress(bytes(16 << 20)), "Content-Encoding: gzip")
