"""Keep artefacts on the operator's own IPFS node, which is Kubo or the content store.

The calls of ipfshttpclient block, so each runs in a thread. Three of its faults are avoided here: `connect()` refuses
every daemon since 0.8, `get()` can write outside its target folder, and `add()` gives a CIDv0 unless two options are
set. The node is not trusted: the CID that it gives is compared with the one computed from the bytes.

`pin` before `fetch` costs only one download: pinning copies the blocks to the own node, which the fetcher asks first.
"""

import asyncio
import io
import warnings
from collections.abc import Callable
from typing import TypeVar

import ipfshttpclient
from ipfshttpclient import exceptions as ipfs_errors

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Cid
from zarathustra.store.cid import BlockId, Codec, parse_cid, validate_block
from zarathustra.store.endpoints import format_multiaddr
from zarathustra.store.port import BlockSource
from zarathustra.store.unixfs import MAX_ARTEFACT_BYTES, FileReader, compute_cid

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0  # the longest silence, while the node hashes and syncs 64 MiB
# ipfshttpclient passes urllib3 a parameter that urllib3 3 refuses; `pyproject.toml` keeps urllib3 below 3.
warnings.filterwarnings("ignore", message="The 'strict' parameter is no longer needed", category=FutureWarning)

INSUFFICIENT_STORAGE = 507
UPLOAD_PIECE_BYTES = 1 << 18  # the client's default of 8 KiB needs 8,192 writes for 64 MiB

# What the client raises when an answer does not have the expected shape: it asserts and indexes.
_MALFORMED_ANSWER = (AssertionError, LookupError, TypeError)
_CODEC_NAMES = {Codec.RAW: "raw", Codec.DAG_PB: "dag-pb"}

T = TypeVar("T")


class Writer:
    """Adds and pins on one node. Implements `port.ArtefactWriter`. Safe for concurrent use; keeps no connection."""

    def __init__(self, api_url: str, *, source: BlockSource, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._address = format_multiaddr(api_url)
        self._source = source
        self._timeout = (CONNECT_SECONDS, answer_seconds)

    async def add(self, data: bytes) -> Cid:
        """Store and pin `data` as CIDv1 with raw leaves; see `port.ArtefactWriter`.

        Raises Retry(UNAVAILABLE) when the node does not answer, Retry(STORE_FULL) when it has no room,
        Retry(CID_MISMATCH) when it built another DAG: check its settings.
        """
        if len(data) > MAX_ARTEFACT_BYTES:
            raise Invalid(Reason.OVERSIZE, "larger than any artefact", length=len(data), limit=MAX_ARTEFACT_BYTES)
        expected = await asyncio.to_thread(compute_cid, data)
        answered = await self._call(lambda client: _add(client, data))
        if answered != expected:
            raise Retry(Reason.CID_MISMATCH, "node gave the artefact another CID", expected=expected, answered=answered)
        return expected

    async def pin(self, cid: Cid | str, *, max_bytes: int = MAX_ARTEFACT_BYTES) -> None:
        """Pin a file, copying from the source what the node lacks; see `port.ArtefactWriter`."""
        root = parse_cid(cid)
        try:
            await self._pin_local(root)  # succeeds only if the node has the whole file, so nothing else has to be done
        except Retry:
            await self._copy_missing(root, max_bytes)
            await self._pin_local(root)

    async def _pin_local(self, root: BlockId) -> None:
        await self._call(lambda client: client.pin.add(root.cid, offline=True))

    async def _copy_missing(self, root: BlockId, max_bytes: int) -> None:
        reader = FileReader(root, max_bytes=max_bytes)
        while wanted := reader.wanted():
            for block_id in wanted:
                reader.supply(block_id, await self._ensure_block(block_id))

    async def _ensure_block(self, block_id: BlockId) -> bytes:
        """Return the block, which is on the node when this returns."""
        try:
            block = await self._call(lambda client: bytes(client.block.get(block_id.cid, offline=True)))
            validate_block(block_id, block)
        except (Retry, Invalid):  # missing, or damaged on the node: either way a good copy has to come from elsewhere
            block = await self._source.fetch_block(block_id)
            validate_block(block_id, block)
            await self._call(lambda client: _put_block(client, block_id.codec, block))
        return block

    async def _call(self, ask: Callable[[ipfshttpclient.Client], T]) -> T:
        """Run one request to the node in a thread, with a new client, because sessions must not be shared."""
        try:
            return await asyncio.to_thread(lambda: ask(self._client()))
        except (ipfs_errors.Error, OSError) as error:  # `requests` raises OSErrors, and the client maps only some
            if _get_status(error) == INSUFFICIENT_STORAGE:
                raise Retry(Reason.STORE_FULL, "node has no room", node=self._address) from error
            raise Retry(Reason.UNAVAILABLE, "ask IPFS node", node=self._address, error=type(error).__name__) from error
        except _MALFORMED_ANSWER as error:
            raise Retry(Reason.UNAVAILABLE, "IPFS node's answer is malformed", node=self._address) from error

    def _client(self) -> ipfshttpclient.Client:
        return ipfshttpclient.Client(self._address, timeout=self._timeout, chunk_size=UPLOAD_PIECE_BYTES)


def _get_status(error: Exception) -> int | None:
    """Return the HTTP status that made the client raise `error`, or None if no answer came."""
    if not isinstance(error, ipfs_errors.ErrorResponse | ipfs_errors.StatusError):
        return None
    return int(error.original.response.status_code)


def _add(client: ipfshttpclient.Client, data: bytes) -> str:
    # Without both keywords Kubo answers a CIDv0 with dag-pb leaves.
    return str(client.add(io.BytesIO(data), raw_leaves=True, cid_version=1)["Hash"])


def _put_block(client: ipfshttpclient.Client, codec: Codec, block: bytes) -> None:
    client.block.put(io.BytesIO(block), opts={"cid-codec": _CODEC_NAMES[codec], "mhtype": "sha2-256"})
