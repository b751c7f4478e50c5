"""A client of the evaluator service. It imports no torch: performer and validator never run a stranger's model."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence

import aiohttp

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.wire.evaluator import (
    MAX_RESULT_BYTES,
    EvaluateRequest,
    EvaluateResult,
    decode_result,
    encode_request_pieces,
)

CHUNK_BYTES = 1 << 18
MAX_WAIT_SECONDS = 60  # the service says when there is room; more would lose the attempt
_SECONDS = re.compile("[0-9]{1,6}")
DEFAULT_TIMEOUT_SECONDS = 1800.0  # a full queue in which every evaluation takes its whole time limit


class EvaluatorClient:
    """A client of one evaluator service at `unix:/path` or `tcp:host:port`. Use as an async context manager."""

    def __init__(self, address: str, *, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        self._url, self._socket_path = _parse_address(address)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, connect=5)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "EvaluatorClient":
        connector = aiohttp.UnixConnector(path=self._socket_path) if self._socket_path else aiohttp.TCPConnector()
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def evaluate(self, request: EvaluateRequest) -> EvaluateResult:
        """Ask the evaluator service for one evaluation.

        Raises Retry(EVALUATOR_BUSY) if its queue is full, Retry(EVALUATOR_UNREACHABLE) if it does not answer, Retry
        with the service's own reason if it cannot evaluate now, Invalid if it refuses the request.
        """
        if self._session is None:
            raise RuntimeError("use the client as an async context manager")
        try:
            body = encode_request_pieces(request)
            headers = {"Content-Length": str(sum(len(piece) for piece in body))}
            async with self._session.post(self._url, data=_send_pieces(body), headers=headers) as response:
                answer = await _read_capped(response)
                if response.status == 200:
                    return decode_result(answer)
                raise _to_error(response)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:  # noqa: UP041  (aiohttp raises its own)
            raise Retry(Reason.EVALUATOR_UNREACHABLE, "ask evaluator", error=type(error).__name__) from error


async def _send_pieces(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    """Yield a body in chunks; a transport would copy what does not fit into the socket at once."""
    for piece in pieces:
        for start in range(0, len(piece), CHUNK_BYTES):
            yield piece[start : start + CHUNK_BYTES]


def _parse_address(address: str) -> tuple[str, str]:
    """Return the URL and the socket path; "" for TCP."""
    scheme, _, rest = address.partition(":")
    if scheme == "unix" and rest.startswith("/"):
        return "http://evaluator/evaluate", rest
    if scheme == "tcp" and rest:
        return f"http://{rest}/evaluate", ""
    raise Invalid(Reason.BAD_SETTING, "evaluator address is neither unix:/path nor tcp:host:port", address=address)


async def _read_capped(response: aiohttp.ClientResponse) -> bytes:
    body = await response.content.read(MAX_RESULT_BYTES + 1)
    while len(body) <= MAX_RESULT_BYTES and (chunk := await response.content.read(MAX_RESULT_BYTES + 1)):
        body += chunk
    if len(body) > MAX_RESULT_BYTES:
        raise Retry(Reason.EVALUATOR_UNREACHABLE, "evaluator's answer is too long")
    return body


def _to_error(response: aiohttp.ClientResponse) -> Retry | Invalid:
    code = response.headers.get("X-Reason", "")
    try:
        reason = Reason.from_code(code)
    except KeyError:
        return Retry(Reason.EVALUATOR_UNREACHABLE, "evaluator gives an unexpected answer", status=response.status)
    if response.status in (408, 503):
        return Retry(reason, "evaluator cannot evaluate now", **_parse_retry_after(response))
    return Invalid(reason, "evaluator refuses the request", status=response.status)


def _parse_retry_after(response: aiohttp.ClientResponse) -> dict[str, int]:
    """Return how long to wait, if the service says it in whole seconds, but never more than MAX_WAIT_SECONDS."""
    text = response.headers.get("Retry-After", "")
    return {"retry_after_seconds": min(int(text), MAX_WAIT_SECONDS)} if _SECONDS.fullmatch(text) else {}
