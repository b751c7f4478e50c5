"""The evaluator service's handler: bytes in, integers out."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from aiohttp import web

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.wire.evaluator import (
    MAX_REQUEST_BYTES,
    EvaluateRequest,
    EvaluateResult,
    decode_request,
    encode_result,
)

Evaluate = Callable[[EvaluateRequest], Awaitable[EvaluateResult]]

RETRY_AFTER_SECONDS = 2
MAX_CACHED_RESULTS = 1024  # a few KiB each; a retried task asks again, and so does the operator's other service
BODY_SECONDS = 60.0  # a body that arrives slowly must not hold a place in the queue
MACHINE_REASONS = frozenset(
    {Reason.TIMEOUT, Reason.MEMORY, Reason.CRASH}
)  # may differ the next time, so they are never cached


class EvaluationQueue:
    """Lets one evaluation run and a few wait, and caches results by the hash of the whole request.

    The request's own `input_hash` would not be enough: a caller could give it to a request with other content.
    """

    def __init__(self, evaluate: Evaluate, *, max_waiting: int) -> None:
        self._evaluate = evaluate
        self._max_pending = max_waiting + 1
        self._pending = 0
        self._running = asyncio.Lock()
        self._results: OrderedDict[bytes, bytes] = OrderedDict()

    @property
    def pending(self) -> int:
        return self._pending

    async def answer(self, read_body: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return the encoded result for the request that `read_body` gives. Raises Retry(EVALUATOR_BUSY) when full.

        The body is read only after it has a place in the queue, so that connections cannot fill the memory.
        """
        if self._pending >= self._max_pending:
            raise Retry(Reason.EVALUATOR_BUSY, "the queue is full", pending=self._pending)
        self._pending += 1
        try:
            body = await read_body()
            async with self._running:
                return await self._answer_once(body)
        finally:
            self._pending -= 1

    async def run_alone(self, action: Callable[[], Awaitable[object]]) -> None:
        """Run `action` while no evaluation runs."""
        async with self._running:
            await action()

    async def _answer_once(self, body: bytes) -> bytes:
        key = hashlib.sha256(body).digest()
        if key in self._results:
            self._results.move_to_end(key)
            return self._results[key]

        result = await self._evaluate(decode_request(body))
        encoded = encode_result(result)
        if result.reason not in MACHINE_REASONS:
            self._results[key] = encoded
            if len(self._results) > MAX_CACHED_RESULTS:
                self._results.popitem(last=False)
        return encoded


def build_evaluate_handler(queue: EvaluationQueue) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of POST /evaluate."""

    async def on_evaluate(request: web.Request) -> web.Response:
        try:
            return web.Response(body=await queue.answer(lambda: read_body(request)))
        except Retry as error:
            headers = {"X-Reason": error.reason.code, "Retry-After": str(RETRY_AFTER_SECONDS)}
            return web.Response(status=503, text=error.reason.code, headers=headers)
        except Invalid as error:
            return web.Response(status=400, text=error.reason.code, headers={"X-Reason": error.reason.code})

    return on_evaluate


async def read_body(request: web.Request) -> bytes:
    """Return the body. Raises Invalid(OVERSIZE) past the limit, Invalid(UNPARSABLE) if it does not arrive in time."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_REQUEST_BYTES:
                    raise Invalid(Reason.OVERSIZE, "request is too large", limit=MAX_REQUEST_BYTES)
    except TimeoutError as error:
        raise Invalid(Reason.UNPARSABLE, "request does not arrive", seconds=BODY_SECONDS) from error
    return bytes(body)
