"""Bodies of requests, from clients that may be slow, stop or leave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason

T = TypeVar("T")

STATUSES = {Reason.OVERSIZE: 413, Reason.INCOMPLETE_REQUEST: 408}
BAD_REQUEST = 400
GRACE_SECONDS = 5.0
MIN_BYTES_PER_SECOND = 1 << 20


async def iter_body(read: Callable[[], Awaitable[bytes]]) -> AsyncIterator[bytes]:
    """Yield the pieces that `read` returns, until it returns an empty one.

    All reads together may take 5 s, and 1 s more for each MiB that has arrived: a client that sends nothing holds
    nothing for long. The caller's own time between two pieces does not count. Raises Invalid(INCOMPLETE_REQUEST) when
    the time is over, when the client leaves, and when the body is malformed.
    """
    loop = asyncio.get_running_loop()
    left = GRACE_SECONDS
    while True:
        started = loop.time()
        piece = await read_within(left, read)
        if not piece:
            return
        left += len(piece) / MIN_BYTES_PER_SECOND - (loop.time() - started)
        yield piece


async def read_within(seconds: float, read: Callable[[], Awaitable[T]]) -> T:
    """Return what `read` returns. Raises Invalid(INCOMPLETE_REQUEST) as `iter_body`."""
    try:
        async with asyncio.timeout(seconds):
            return await read()
    except TimeoutError as error:
        raise Invalid(Reason.INCOMPLETE_REQUEST, "body stopped, or comes too slowly") from error
    except (ConnectionError, ClientPayloadError, web.RequestPayloadError) as error:
        raise Invalid(Reason.INCOMPLETE_REQUEST, "client left in the middle of the body") from error
    except (HttpProcessingError, ValueError) as error:
        raise Invalid(Reason.INCOMPLETE_REQUEST, "body is malformed", error=error) from error


def find_status(error: Invalid) -> int:
    """Return the HTTP status of the answer to a request that is refused."""
    return STATUSES.get(error.reason, BAD_REQUEST)
