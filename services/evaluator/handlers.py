"""The evaluator service's handler: bytes in, integers out."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.runtime.body import find_status, iter_body
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
MAX_ARRIVING = 64  # bodies that arrive at the same time; each costs a task and a connection, not memory for its length
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
        self._max_held_bytes = self._max_pending * MAX_REQUEST_BYTES
        self._pending = 0
        self._arriving = 0
        self._held_bytes = 0
        self._running = asyncio.Lock()
        self._results: OrderedDict[bytes, bytes] = OrderedDict()

    @property
    def pending(self) -> int:
        return self._pending

    async def answer(self, body: AsyncIterator[bytes]) -> bytes:
        """Return the encoded result for the request that arrives as `body`. Raises Retry(EVALUATOR_BUSY) when full.

        A place in the queue belongs to a request that has arrived. A body that is on its way holds only the bytes that
        have come, so clients that send nothing or little keep nobody out.
        """
        self._require_place()
        async with self._hold(body) as request:
            self._require_place()
            self._pending += 1
            try:
                async with self._running:
                    return await self._answer_once(request)
            finally:
                self._pending -= 1

    @asynccontextmanager
    async def _hold(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytearray]:
        """Collect a body, and count its bytes until the request ends.

        Raises Invalid(OVERSIZE), Retry(EVALUATOR_BUSY), and what `body` raises.
        """
        if self._arriving >= MAX_ARRIVING:
            raise Retry(Reason.EVALUATOR_BUSY, "too many requests arrive at the same time", arriving=self._arriving)
        held = bytearray()
        try:
            self._arriving += 1
            try:
                async for piece in body:
                    self._take(len(piece), so_far=len(held))
                    held += piece
            finally:
                self._arriving -= 1
            yield held
        finally:
            self._held_bytes -= len(held)

    def _take(self, size: int, *, so_far: int) -> None:
        if so_far + size > MAX_REQUEST_BYTES:
            raise Invalid(Reason.OVERSIZE, "request is too large", limit=MAX_REQUEST_BYTES)
        if self._held_bytes + size > self._max_held_bytes:
            raise Retry(Reason.EVALUATOR_BUSY, "the memory for requests is used up", held=self._held_bytes)
        self._held_bytes += size

    def _require_place(self) -> None:
        if self._pending >= self._max_pending:
            raise Retry(Reason.EVALUATOR_BUSY, "the queue is full", pending=self._pending)

    async def run_alone(self, action: Callable[[], Awaitable[object]]) -> None:
        """Run `action` while no evaluation runs."""
        async with self._running:
            await action()

    async def _answer_once(self, body: bytearray) -> bytes:
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
            return web.Response(body=await queue.answer(iter_body(request.content.readany)))
        except Retry as error:
            headers = {"X-Reason": error.reason.code, "Retry-After": str(RETRY_AFTER_SECONDS)}
            return web.Response(status=503, text=error.reason.code, headers=headers)
        except Invalid as error:
            headers = {"X-Reason": error.reason.code}
            return web.Response(status=find_status(error), text=error.reason.code, headers=headers)

    return on_evaluate
