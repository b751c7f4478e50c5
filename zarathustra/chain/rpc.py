"""JSON-RPC over HTTP, with failover. Only this module talks to chain nodes.

A call goes to the endpoint that answered last. When that one fails or refuses (rate, range, a block that it does not
have), the others are asked in order, because one node's failure says nothing about the chain. A revert does, so no
other endpoint is asked.
"""

import json
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol, Self
from urllib.parse import urlsplit

import aiohttp

from zarathustra.chain.quantities import parse_data, parse_quantity
from zarathustra.core.errors import Invalid, Retry, ZarathustraError
from zarathustra.core.reasons import Reason

DEFAULT_TIMEOUT_S: Final = 10.0
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024  # a hostile or broken endpoint must not fill the memory
MAX_BATCH: Final = 50  # providers refuse longer batches
REVERT_CODE: Final = 3  # geth, reth, anvil: "execution reverted", with the error's bytes as data
MAX_MESSAGE_LENGTH: Final = 200

ObserveRequest = Callable[[str, str, float, bool], None]
"""Called after every request with (method, host, seconds, is_success); the method of a batch is `batch`."""


class Call(NamedTuple):
    """One method with its parameters."""

    method: str
    params: tuple[Any, ...]


class CallReverted(Invalid):
    """The contract refused the call; `data` is its error as ABI bytes, empty when it gave none."""

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(Reason.REVERTED, message, data="0x" + data.hex()[:MAX_MESSAGE_LENGTH])
        self.data = data


class Rpc(Protocol):
    """What the chain library needs from a node; tests use a fake."""

    async def call(self, method: str, *params: Any) -> Any:
        """Return the result of one call.

        Raises CallReverted when the call reverts, Retry(RPC_UNREACHABLE) when no endpoint answers, Retry(RPC_ERROR)
        when none succeeds and at least one refuses.
        """
        ...

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        """Return the results in order. Up to MAX_BATCH calls are one round trip to one endpoint. Raises as `call`."""
        ...


def ignore_request(_method: str, _host: str, _seconds: float, _is_success: bool) -> None:
    """Do nothing: the default observer."""


class HttpRpc:
    """The endpoints of one chain. Use it as an async context manager. Safe for concurrent use."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        on_request: ObserveRequest = ignore_request,
    ) -> None:
        if not urls:
            raise Invalid(Reason.BAD_SETTING, "no RPC endpoint is configured")
        self._urls = tuple(urls)
        self._timeout_s = timeout_s
        self._on_request = on_request
        self._current = 0
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._timeout_s))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(self, method: str, *params: Any) -> Any:
        """See `Rpc.call`."""
        answers = await self._ask_in_turn([Call(method, params)])
        return answers[0]

    async def call_many(self, calls: Sequence[Call]) -> list[Any]:
        """See `Rpc.call_many`."""
        results: list[Any] = []
        for start in range(0, len(calls), MAX_BATCH):
            results += await self._ask_in_turn(calls[start : start + MAX_BATCH])
        return results

    async def _ask_in_turn(self, calls: Sequence[Call]) -> list[Any]:
        """Ask the current endpoint, then each other one once; the one that answers becomes the current one."""
        first = self._current
        failures: list[Retry] = []
        for step in range(len(self._urls)):
            index = (first + step) % len(self._urls)
            try:
                results = await self._ask(self._urls[index], calls)
            except Retry as error:
                failures.append(error)
                continue
            self._current = index
            return results
        raise _pick_failure(failures)

    async def _ask(self, url: str, calls: Sequence[Call]) -> list[Any]:
        method = calls[0].method if len(calls) == 1 else "batch"
        started = time.perf_counter()
        is_success = False
        try:
            answers = await self._post(url, _build_body(calls))
            results = [_read_result(call, answer) for call, answer in zip(calls, _sort(answers, calls), strict=True)]
            is_success = True
            return results
        except CallReverted:
            is_success = True  # the node answered correctly
            raise
        finally:
            self._on_request(method, _host_of(url), time.perf_counter() - started, is_success)

    async def _post(self, url: str, body: Any) -> Any:
        if self._session is None:
            raise RuntimeError("HttpRpc is used outside of its context")
        try:
            async with self._session.post(url, json=body) as response:
                content = await _read_bounded(response)
                if response.status != 200 and not content.lstrip().startswith((b"{", b"[")):
                    raise Retry(Reason.RPC_UNREACHABLE, "ask node", host=_host_of(url), status=response.status)
                return _parse_json(content, url)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Retry(Reason.RPC_UNREACHABLE, "ask node", host=_host_of(url), error=type(error).__name__) from error


async def validate_chain_id(rpc: Rpc, chain_id: int) -> None:
    """Raise Invalid(BAD_SETTING) unless the node is on that chain. Call it before anything is read or signed."""
    found = parse_quantity(await rpc.call("eth_chainId"))
    if found != chain_id:
        raise Invalid(Reason.BAD_SETTING, "RPC endpoint is of another chain", found=found, expected=chain_id)


def _build_body(calls: Sequence[Call]) -> Any:
    requests = [
        {"jsonrpc": "2.0", "id": number, "method": call.method, "params": list(call.params)}
        for number, call in enumerate(calls)
    ]
    return requests[0] if len(requests) == 1 else requests


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise Retry(Reason.RPC_ERROR, "answer is too long", limit=MAX_ANSWER_BYTES)
    return bytes(content)


def _parse_json(content: bytes, url: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Retry(Reason.RPC_UNREACHABLE, "node's answer is not JSON", host=_host_of(url)) from error


def _sort(answers: Any, calls: Sequence[Call]) -> list[Any]:
    """Return the answers in the order of the calls: nodes may answer a batch in any order."""
    if len(calls) == 1:
        return [answers[0] if isinstance(answers, list) and len(answers) == 1 else answers]
    if not isinstance(answers, list):
        return [answers] * len(calls)  # one error object for the whole batch

    by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict)}
    if by_id.keys() != set(range(len(calls))):
        raise Retry(Reason.RPC_ERROR, "batch is incomplete", answers=len(answers), calls=len(calls))
    return [by_id[number] for number in range(len(calls))]


def _read_result(call: Call, answer: Any) -> Any:
    if not isinstance(answer, dict) or ("result" not in answer and not answer.get("error")):
        raise Retry(Reason.RPC_ERROR, "answer is not JSON-RPC", method=call.method, answer=repr(answer)[:80])
    if answer.get("error"):
        raise _build_error(call, answer["error"])
    return answer["result"]


def _build_error(call: Call, error: Any) -> ZarathustraError:
    details = error if isinstance(error, dict) else {"message": error}
    message = str(details.get("message"))[:MAX_MESSAGE_LENGTH]
    if details.get("code") == REVERT_CODE or message.startswith("execution reverted"):
        return CallReverted(message, _read_revert_data(details.get("data")))
    return Retry(Reason.RPC_ERROR, message, method=call.method, code=details.get("code"))


def _read_revert_data(data: Any) -> bytes:
    """Return the error's bytes; empty if the node sends text or nothing, because it is still a revert."""
    try:
        return parse_data(data)
    except Retry:
        return b""


def _pick_failure(failures: Sequence[Retry]) -> Retry:
    """Prefer an error that a node answered: it says more than another node's silence."""
    return next((failure for failure in failures if failure.reason is Reason.RPC_ERROR), failures[-1])


def _host_of(url: str) -> str:
    """Return only the host: paths and user info of provider URLs hold API keys."""
    return urlsplit(url).hostname or "unknown"
