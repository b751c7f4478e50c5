"""JSON-RPC over HTTP, with failover. Only this module talks to chain nodes.

A call is made when its *parsed* result holds: nonsense, or null where a value must be, is a failure like any other. It
goes to the endpoint that answered last. When that one fails or refuses (rate, range, a block that it does not have),
the others are asked in order, because one node's failure says nothing about the chain. A revert does, so no other
endpoint is asked. `endpoints` says which endpoints are left for a while.

    call ─▶ endpoint: is it of our chain? ─▶ request ─▶ parse ─▶ result
                 ╰─ fails: the next endpoint     ╰─ batch refused: its halves, down to single calls
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Protocol, Self

import aiohttp

from zarathustra.chain.answers import Call, CallReverted, Parse, build_body, keep, parse_response, read_results
from zarathustra.chain.endpoints import MAX_BATCH, Endpoint, Endpoints
from zarathustra.chain.quantities import parse_quantity
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlockNumber

__all__ = ["MAX_BATCH", "Call", "CallReverted", "HttpRpc", "Rpc", "keep", "validate_chain_id"]

DEFAULT_TIMEOUT_S: Final = 10.0
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024  # a hostile or broken endpoint must not fill the memory
HEADS_EVERY_S: Final = 15.0  # between two comparisons of the endpoints' heads
FIRST_HEADS_S: Final = 2.0  # how long the first call waits for the first comparison

ObserveRequest = Callable[[str, str, float, bool], None]
"""Called after every request with (method, host, seconds, is_success); the method of a batch is `batch`."""


class Rpc(Protocol):
    """What the chain library needs from a node; tests use a fake."""

    async def call(self, method: str, *params: Any, parse: Parse = keep) -> Any:
        """Return the parsed result of one call.

        Raises CallReverted when the call reverts. Raises Retry: RPC_UNREACHABLE when no endpoint can be reached,
        RPC_TIMEOUT when none answers in time, RATE_LIMITED when all want us to wait, otherwise what one said.
        """
        ...

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        """Return the parsed results in order, in as few round trips as the endpoint allows. Raises as `call`.

        The results come from one endpoint; where it refuses batches, its head may move between them.
        """
        ...


def ignore_request(_method: str, _host: str, _seconds: float, _is_success: bool) -> None:
    """Do nothing: the default observer."""


class HttpRpc:
    """The endpoints of one chain. Use it as an async context manager. Safe for concurrent use.

    With `chain_id`, no endpoint of another chain is ever asked for anything else. With several endpoints, their heads
    are compared every `heads_every_s` seconds.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        chain_id: int | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        heads_every_s: float = HEADS_EVERY_S,
        on_request: ObserveRequest = ignore_request,
    ) -> None:
        if not urls:
            raise Invalid(Reason.BAD_SETTING, "no RPC endpoint is configured")
        self._endpoints = Endpoints(urls)
        self._chain_id = chain_id
        self._timeout_s = timeout_s
        self._heads_every_s = heads_every_s
        self._on_request = on_request
        self._session: aiohttp.ClientSession | None = None
        self._watch: asyncio.Task[None] | None = None
        self._has_heads = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._timeout_s))
        if len(self._endpoints.all) > 1:
            self._watch = asyncio.create_task(self._watch_heads())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait({self._watch})
            self._watch = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(self, method: str, *params: Any, parse: Parse = keep) -> Any:
        """See `Rpc.call`."""
        answers = await self._ask_in_turn([Call(method, params, parse)])
        return answers[0]

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        """See `Rpc.call_many`."""
        return await self._ask_in_turn(calls) if calls else []

    def require_chain(self, chain_id: int) -> None:
        """Use no endpoint of another chain from now on."""
        self._chain_id = chain_id
        for endpoint in self._endpoints.all:
            endpoint.is_identified = False

    # ---- which endpoint

    async def _ask_in_turn(self, calls: Sequence[Call]) -> list[Any]:
        """Ask the endpoints in turn; wait for one that limits our rate if that takes no longer than a slow answer."""
        await self._wait_for_heads()
        deadline = _now() + self._timeout_s
        while True:
            failures: list[Retry] = []
            for endpoint in self._endpoints.list_usable(_now()):
                try:
                    return await self._ask_endpoint(endpoint, calls)
                except Retry as error:
                    endpoint.note_failure(error, _now())
                    failures.append(error)
            pause_s = self._endpoints.find_pause(_now())
            if pause_s is None or _now() + pause_s > deadline:
                raise _pick_failure(failures or [item.failure for item in self._endpoints.all if item.failure])
            await asyncio.sleep(pause_s)

    async def _ask_endpoint(self, endpoint: Endpoint, calls: Sequence[Call]) -> list[Any]:
        try:
            await self._identify(endpoint)
            results = await self._ask_batches(endpoint, calls)
        except CallReverted:  # the node answered correctly
            self._note_success(endpoint)
            raise
        self._note_success(endpoint)
        return results

    def _note_success(self, endpoint: Endpoint) -> None:
        endpoint.note_success()
        self._endpoints.prefer(endpoint)

    async def _identify(self, endpoint: Endpoint) -> None:
        """Ask for the endpoint's chain, once until it fails. Raises Retry(BAD_SETTING) when it is another one."""
        if self._chain_id is not None and not endpoint.is_identified:
            await self._ask(endpoint, [build_identification(self._chain_id)])
            endpoint.is_identified = True

    async def _watch_heads(self) -> None:
        """Compare the endpoints' heads until cancelled."""
        while True:
            await asyncio.gather(*map(self._look, self._endpoints.all))
            self._endpoints.judge_heads(_now())
            self._has_heads.set()
            await asyncio.sleep(self._heads_every_s)

    async def _look(self, endpoint: Endpoint) -> None:
        endpoint.head = None
        if endpoint not in self._endpoints.list_usable(_now()):
            return
        endpoint.is_identified = False  # behind one URL, the node may be another one than before
        try:
            await self._identify(endpoint)
            (endpoint.head,) = await self._ask(endpoint, [Call("eth_blockNumber", (), _parse_number)])
        except Retry as error:
            endpoint.note_failure(error, _now())
        except CallReverted:
            return  # no node answers so: its head stays unknown

    async def _wait_for_heads(self) -> None:
        if self._watch is not None and not self._has_heads.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._has_heads.wait(), min(FIRST_HEADS_S, self._timeout_s))

    # ---- one endpoint

    async def _ask_batches(self, endpoint: Endpoint, calls: Sequence[Call]) -> list[Any]:
        """Ask in batches of the length that the endpoint serves."""
        results: list[Any] = []
        while len(results) < len(calls):
            batch = calls[len(results) : len(results) + endpoint.get_batch(_now())]
            results += await self._ask_batch(endpoint, batch)
        return results

    async def _ask_batch(self, endpoint: Endpoint, calls: Sequence[Call]) -> list[Any]:
        """Ask for all calls at once, or for the halves of a batch that is refused in any form."""
        try:
            return await self._ask(endpoint, calls)
        except Retry as error:
            half = len(calls) // 2
            if half and error.reason is Reason.RPC_TIMEOUT:
                endpoint.note_batch(half, _now())  # the next attempt is shorter; waiting for both halves takes too long
            if not half or error.reason is not Reason.RPC_ERROR:
                raise
        results = await self._ask_batch(endpoint, calls[:half]) + await self._ask_batch(endpoint, calls[half:])
        endpoint.note_batch(len(calls) - half, _now())  # only now: a single call may have been at fault
        return results

    async def _ask(self, endpoint: Endpoint, calls: Sequence[Call]) -> list[Any]:
        method = calls[0].method if len(calls) == 1 else "batch"
        started = time.perf_counter()
        is_success = False
        try:
            results = read_results(calls, await self._post(endpoint, build_body(calls)))
            is_success = True
            return results
        except CallReverted:
            is_success = True  # the node answered correctly
            raise
        except Retry as error:
            error.details.setdefault("host", endpoint.host)
            raise
        finally:
            self._on_request(method, endpoint.host, time.perf_counter() - started, is_success)

    async def _post(self, endpoint: Endpoint, body: Any) -> Any:
        if self._session is None:
            raise RuntimeError("HttpRpc is used outside of its context")
        try:
            async with self._session.post(endpoint.url, json=body) as response:
                return parse_response(response.status, response.headers, await _read_bounded(response))
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError) as error:
            raise Retry(Reason.RPC_ERROR, "answer is cut off", error=type(error).__name__) from error
        except TimeoutError as error:
            raise Retry(Reason.RPC_TIMEOUT, "ask node", seconds=self._timeout_s) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Retry(Reason.RPC_UNREACHABLE, "ask node", error=type(error).__name__) from error


async def validate_chain_id(rpc: Rpc, chain_id: int) -> None:
    """Raise Invalid(BAD_SETTING) unless a node is on that chain. Call it before anything is read or signed.

    From then on, no endpoint of another chain is asked for anything else.
    """
    if isinstance(rpc, HttpRpc):
        rpc.require_chain(chain_id)
    try:
        await rpc.call_many([build_identification(chain_id)])
    except Retry as error:
        if error.reason is not Reason.BAD_SETTING:
            raise
        raise Invalid(Reason.BAD_SETTING, error.message, **error.details) from error


def build_identification(chain_id: int) -> Call:
    """Build the call that raises Retry(BAD_SETTING) on a node of another chain: another endpoint may be of ours."""

    def parse(answer: Any) -> int:
        found = parse_quantity(answer)
        if found != chain_id:
            raise Retry(Reason.BAD_SETTING, "RPC endpoint is of another chain", found=found, expected=chain_id)
        return found

    return Call("eth_chainId", (), parse)


def _parse_number(answer: Any) -> BlockNumber:
    return BlockNumber(parse_quantity(answer))


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise Retry(Reason.RPC_ERROR, "answer is too long", limit=MAX_ANSWER_BYTES)
    return bytes(content)


def _pick_failure(failures: Sequence[Retry]) -> Retry:
    """Prefer what a node answered: it says more than another node's silence."""
    for reason in (Reason.RPC_ERROR, Reason.RATE_LIMITED):
        for failure in failures:
            if failure.reason is reason:
                return failure
    return next((failure for failure in failures if failure.reason is not Reason.BAD_SETTING), failures[-1])


def _now() -> float:
    return asyncio.get_running_loop().time()
