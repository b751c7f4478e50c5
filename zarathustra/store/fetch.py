"""Fetch artefacts from nodes without trusting them.

A file is fetched block by block, and each block is hashed before it is used. An endpoint can refuse, hang, send
slowly, redirect, compress or send wrong bytes. The block is then requested from the next endpoint, and the faulty one
is asked last for the rest of that fetch. Faults of endpoints end as Retry(UNAVAILABLE), never as Invalid.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

import aiohttp

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Cid
from zarathustra.store.cid import BlockId, parse_cid, validate_block
from zarathustra.store.endpoints import Endpoint, EndpointKind
from zarathustra.store.unixfs import MAX_BLOCK_BYTES, FileReader

MAX_ERROR_BYTES = 4096  # of an error answer, to see whether it says "not found"
READ_BYTES = 1 << 16
_NOT_FOUND_PHRASES = (b"could not find", b"not found")  # how Kubo's error JSON says it


class Failure(StrEnum):
    """Why an endpoint gave no block. NOT_FOUND is an answer about the block; the others are about the endpoint."""

    NOT_FOUND = "not_found"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    REFUSED = "refused"  # any other status, including redirects, or a content encoding
    TOO_LARGE = "too_large"
    WRONG_BYTES = "wrong_bytes"


@dataclass(frozen=True)
class FetchLimits:
    """Time limits and parallelism. Size limits are in `unixfs`, because all operators must use the same ones."""

    block_seconds: float = 10.0  # for one block from one endpoint: stops one that sends slowly
    total_seconds: float = 120.0  # for one file: 64 MiB at 0.5 MiB/s
    parallel_blocks: int = 8  # at most this many blocks in memory besides the file


DEFAULT_LIMITS = FetchLimits()


class _NoBlockError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


class Fetcher:
    """Fetches files and blocks from endpoints, tried in the given order: put the own node first.

    Use it as an async context manager. Safe for concurrent use. Implements `port.ArtefactReader`, `port.BlockSource`.
    """

    def __init__(self, endpoints: Sequence[Endpoint], *, limits: FetchLimits = DEFAULT_LIMITS) -> None:
        if not endpoints:
            raise Invalid(Reason.BAD_SETTING, "no IPFS endpoint is configured")
        self._endpoints = tuple(endpoints)
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            headers={"Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=16),
            timeout=aiohttp.ClientTimeout(total=self._limits.block_seconds),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        self._session = None

    async def fetch(self, cid: Cid | str, *, max_bytes: int) -> bytes:
        """Return the file, verified; see `port.ArtefactReader`."""
        root = parse_cid(cid)
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                return await self._fetch_file(root, max_bytes)
        except TimeoutError as error:
            seconds = self._limits.total_seconds
            raise Retry(
                Reason.UNAVAILABLE, "fetch took too long", cid=root.cid, seconds=seconds, is_absent=False
            ) from error

    async def fetch_block(self, block_id: BlockId) -> bytes:
        """Return one block, verified; see `port.BlockSource`."""
        return await self._fetch_block(block_id, list(self._endpoints))

    async def _fetch_file(self, root: BlockId, max_bytes: int) -> bytes:
        order = list(self._endpoints)
        reader = FileReader(root, max_bytes=max_bytes)
        while wanted := reader.wanted():
            batch = wanted[: self._limits.parallel_blocks]
            # With return_exceptions no request is still running after this call when another of its batch fails.
            blocks = await asyncio.gather(*(self._fetch_block(b, order) for b in batch), return_exceptions=True)
            for block_id, block in zip(batch, blocks, strict=True):
                if isinstance(block, BaseException):
                    raise block
                reader.supply(block_id, block)
        return reader.content()

    async def _fetch_block(self, block_id: BlockId, order: list[Endpoint]) -> bytes:
        """Ask in `order` and move a failing endpoint to its end, so that it delays a file once, not at every block."""
        failures: dict[Endpoint, Failure] = {}
        for endpoint in tuple(order):
            try:
                return await self._request_block(endpoint, block_id)
            except _NoBlockError as error:
                failures[endpoint] = error.failure
                order.remove(endpoint)
                order.append(endpoint)
        raise Retry(Reason.UNAVAILABLE, "no endpoint serves the block", cid=block_id.cid, **_describe(failures))

    async def _request_block(self, endpoint: Endpoint, block_id: BlockId) -> bytes:
        if self._session is None:
            raise RuntimeError("fetcher is not open: use it as an async context manager")
        method, url, query = _block_request(endpoint, block_id)
        try:
            async with self._session.request(method, url, params=query, allow_redirects=False) as response:
                block = await _read_block(response)
        except TimeoutError as error:
            raise _NoBlockError(Failure.TIMED_OUT) from error
        except aiohttp.ClientError as error:
            raise _NoBlockError(Failure.UNREACHABLE) from error
        try:
            validate_block(block_id, block)
        except Invalid as error:
            raise _NoBlockError(Failure.WRONG_BYTES) from error
        return block


def _block_request(endpoint: Endpoint, block_id: BlockId) -> tuple[str, str, Mapping[str, str]]:
    if endpoint.kind is EndpointKind.RPC:
        return "POST", f"{endpoint.base}/api/v0/block/get", {"arg": block_id.cid}
    return "GET", f"{endpoint.base}/ipfs/{block_id.cid}", {"format": "raw"}


async def _read_block(response: aiohttp.ClientResponse) -> bytes:
    if response.status != 200:
        raise _NoBlockError(await _classify_refusal(response))
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _NoBlockError(Failure.REFUSED)  # the request forbids it: a few bytes could unpack to gigabytes
    block = await _read_bounded(response, MAX_BLOCK_BYTES)
    if len(block) > MAX_BLOCK_BYTES:
        raise _NoBlockError(Failure.TOO_LARGE)
    return block


async def _classify_refusal(response: aiohttp.ClientResponse) -> Failure:
    """Classify an error answer: gateways use 404 or 410, Kubo's RPC uses 500 with a message that has to be read."""
    if response.status in (404, 410):
        return Failure.NOT_FOUND
    if response.status != 500:
        return Failure.REFUSED
    message = await _read_bounded(response, MAX_ERROR_BYTES)
    return Failure.NOT_FOUND if any(phrase in message for phrase in _NOT_FOUND_PHRASES) else Failure.REFUSED


async def _read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Return the body, cut a little above `limit`; the caller compares the length."""
    body = bytearray()
    async for piece in response.content.iter_chunked(READ_BYTES):
        body += piece
        if len(body) > limit:
            break
    return bytes(body)


def _describe(failures: Mapping[Endpoint, Failure]) -> dict[str, object]:
    answers = ", ".join(f"{endpoint.label} {failure.value}" for endpoint, failure in failures.items())
    is_absent = all(failure is Failure.NOT_FOUND for failure in failures.values())
    return {"answers": answers, "is_absent": is_absent}
