"""The content store that needs no installation: blocks in a directory, served as Kubo serves them.

It serves the part of Kubo's RPC that ipfshttpclient 0.7.0 uses, and the raw format of the trustless gateway. It joins
no network: its blocks are available only from its own address. An option that it does not implement is refused, never
ignored.

Anyone that reaches the port can write: the store belongs on loopback or inside the operator's own network. Requests
that a browser sends for a web page are refused, as Kubo does, so that no page can write to its visitor's store.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator

from aiohttp import web

from services.store.options import Options
from services.store.uploads import open_file
from zarathustra.core.errors import Invalid, Retry, ZarathustraError
from zarathustra.core.reasons import Reason
from zarathustra.runtime.body import find_status
from zarathustra.store.blocks import DirectoryBlocks
from zarathustra.store.cid import BlockId, Codec, compute_block_id, parse_cid
from zarathustra.store.garbage import collect_garbage
from zarathustra.store.unixfs import CHUNK_BYTES, MAX_BLOCK_BYTES, FileBuilder, Layout, iter_file

VERSION = "0.1.0"
MAX_FILE_BYTES = 256 << 20  # data sets may be larger than artefacts; stops one add from filling the disk
DEFAULT_KEEP_SECONDS = 3600.0  # time for a client to pin what it stored block by block


_CODECS = {"raw": Codec.RAW, "dag-pb": Codec.DAG_PB}
_IMMUTABLE = "public, max-age=29030400, immutable"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_routes(blocks: DirectoryBlocks, *, keep_seconds: float = DEFAULT_KEEP_SECONDS) -> list[web.RouteDef]:
    """Build the API's routes over an open block store. `repo/gc` keeps what was given in the last `keep_seconds`."""
    api = _Api(blocks, keep_seconds)
    commands: dict[str, Handler] = {
        "add": api.add,
        "cat": api.cat,
        "version": api.version,
        "block/get": api.block_get,
        "block/put": api.block_put,
        "block/stat": api.block_stat,
        "pin/add": api.pin_add,
        "pin/rm": api.pin_rm,
        "pin/ls": api.pin_ls,
        "repo/gc": api.repo_gc,
        "repo/stat": api.repo_stat,
    }
    routes = [web.post(f"/api/v0/{name}", handler) for name, handler in commands.items()]
    return [*routes, web.get("/ipfs/{cid}", api.gateway)]


class _Api:
    """The commands. Disk access and hashing run in threads; the event loop only moves bytes."""

    def __init__(self, blocks: DirectoryBlocks, keep_seconds: float) -> None:
        self._blocks = blocks
        self._keep_seconds = keep_seconds

    async def add(self, request: web.Request) -> web.Response:
        options = Options(request)
        version = options.take_choice("cid-version", {"0": 0, "1": 1}, default="0")
        layout = Layout(version, options.take_flag("raw-leaves", default=version == 1))
        is_dry, is_pinned = options.take_flag("only-hash", default=False), options.take_flag("pin", default=True)
        options.require({"chunker": f"size-{CHUNK_BYTES}", "hash": "sha2-256"})
        options.require_false("trickle", "wrap-with-directory", "nocopy", "progress", "inline")
        options.refuse_others()

        file = await open_file(request, MAX_FILE_BYTES)
        upload = self._blocks.begin_upload()
        builder = FileBuilder(_discard if is_dry else upload.put, layout=layout)
        try:
            async for piece in file.iter_pieces(MAX_FILE_BYTES):
                await asyncio.to_thread(builder.write, piece)
            built = await asyncio.to_thread(builder.finish)
            await asyncio.to_thread(upload.commit)
        finally:
            await asyncio.to_thread(upload.close)
        if is_pinned and not is_dry:
            await asyncio.to_thread(self._blocks.pin, built.block_id)

        text = built.block_id.v0_text if version == 0 else built.block_id.cid
        line = {"Name": file.name or text, "Hash": text, "Size": str(built.dag_size)}
        return web.Response(text=json.dumps(line) + "\n", content_type="application/json")

    async def cat(self, request: web.Request) -> web.StreamResponse:
        options = Options(request)
        root = parse_cid(options.take_path())
        offset, length = options.take_integer("offset", default=0), options.take_integer("length", default=-1)
        options.refuse_others()
        pieces = _cut(iter_file(root, self._blocks.get, max_bytes=MAX_FILE_BYTES), offset, length)
        return await _stream(request, pieces)

    async def version(self, request: web.Request) -> web.Response:
        Options(request).refuse_others()
        return web.json_response(
            {"Version": VERSION, "Commit": "", "Repo": "1", "System": "zarathustra-store", "Golang": ""}
        )

    async def block_get(self, request: web.Request) -> web.Response:
        options = Options(request)
        block_id = parse_cid(options.take_path())
        options.refuse_others()
        block = await asyncio.to_thread(self._blocks.get, block_id)
        return web.Response(body=block, content_type="application/octet-stream")

    async def block_put(self, request: web.Request) -> web.Response:
        options = Options(request)
        codec = options.take_choice("cid-codec", _CODECS, default="raw")
        is_pinned = options.take_flag("pin", default=False)
        options.require({"mhtype": "sha2-256", "mhlen": "-1"})
        options.require_false("allow-big-block")
        options.refuse_others()

        file = await open_file(request, MAX_BLOCK_BYTES)
        block = b"".join([piece async for piece in file.iter_pieces(MAX_BLOCK_BYTES)])
        block_id = compute_block_id(codec, block)
        await asyncio.to_thread(self._blocks.put, block_id, block)
        if is_pinned:
            await asyncio.to_thread(self._pin_whole_file, block_id)
        return web.json_response({"Key": block_id.cid, "Size": len(block)})

    async def block_stat(self, request: web.Request) -> web.Response:
        options = Options(request)
        asked = options.take_path()
        options.refuse_others()
        block_id = parse_cid(asked)
        block = await asyncio.to_thread(self._blocks.get, block_id)
        return web.json_response({"Key": _as_asked(block_id, asked), "Size": len(block)})

    async def pin_add(self, request: web.Request) -> web.Response:
        options = Options(request)
        asked = options.take_path()
        options.require({"recursive": "true"})
        options.require_false("progress")
        options.refuse_others()
        block_id = parse_cid(asked)
        await asyncio.to_thread(self._pin_whole_file, block_id)
        return web.json_response({"Pins": [_as_asked(block_id, asked)]})

    async def pin_rm(self, request: web.Request) -> web.Response:
        options = Options(request)
        asked = options.take_path()
        options.require({"recursive": "true"})
        options.refuse_others()
        block_id = parse_cid(asked)
        await asyncio.to_thread(self._blocks.unpin, block_id)
        return web.json_response({"Pins": [_as_asked(block_id, asked)]})

    async def pin_ls(self, request: web.Request) -> web.Response:
        """List the pins. All are of whole files, so the types `all` and `recursive` give the same list."""
        options = Options(request)
        asked = options.take_text("arg", default="")
        options.take_choice("type", {"all": True, "recursive": True}, default="all")
        options.require_false("quiet", "stream", "names")
        options.refuse_others()
        keys = await asyncio.to_thread(self._list_pins, asked)
        return web.json_response({"Keys": {key: {"Type": "recursive", "Name": ""} for key in keys}})

    async def repo_gc(self, request: web.Request) -> web.Response:
        """Remove what is neither pinned nor recent. Kubo removes recent blocks too."""
        options = Options(request)
        options.require_false("quiet", "stream-errors", "silent")
        options.refuse_others()
        before = time.time() - self._keep_seconds
        removed = await asyncio.to_thread(collect_garbage, self._blocks, before=before)
        lines = [json.dumps({"Key": {"/": BlockId(Codec.RAW, digest).cid}}) + "\n" for digest in removed]
        return web.Response(text="".join(lines), content_type="application/json")

    async def repo_stat(self, request: web.Request) -> web.Response:
        options = Options(request)
        options.require_false("size-only", "human")
        options.refuse_others()
        number = await asyncio.to_thread(lambda: sum(1 for _stored in self._blocks.stored()))
        space = self._blocks.space
        return web.json_response(
            {
                "NumObjects": number,
                "RepoPath": "",
                "RepoSize": space.used_bytes,
                "StorageMax": space.quota_bytes,
                "Version": "",
            }
        )

    async def gateway(self, request: web.Request) -> web.Response:
        """Serve one raw block. Files and directories are not served."""
        if request.query.get("format") != "raw" and "application/vnd.ipld.raw" not in request.headers.get("Accept", ""):
            return web.Response(status=406, text="only ?format=raw is served\n")
        block_id = parse_cid(request.match_info["cid"])
        block = await asyncio.to_thread(self._blocks.get, block_id)
        headers = {
            "Cache-Control": _IMMUTABLE,
            "Content-Disposition": f'attachment; filename="{block_id.cid}.bin"',
            "Etag": f'"{block_id.cid}.raw"',
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=block, content_type="application/vnd.ipld.raw", headers=headers)

    def _pin_whole_file(self, root: BlockId) -> None:
        """Read every block before pinning: a pin says that the whole file is here."""
        for _piece in iter_file(root, self._blocks.get_again, max_bytes=MAX_FILE_BYTES):
            pass
        self._blocks.pin(root)

    def _list_pins(self, asked: str) -> list[str]:
        if not asked:
            return [block_id.cid for block_id in self._blocks.pins()]
        block_id = parse_cid(asked)
        if not self._blocks.is_pinned(block_id):
            raise Retry(Reason.UNAVAILABLE, f"path {asked!r} is not pinned")
        return [_as_asked(block_id, asked)]


def _as_asked(block_id: BlockId, asked: str) -> str:
    """Return the CID in the version that the client used, as Kubo answers."""
    return block_id.v0_text if asked.startswith("Qm") else block_id.cid


def _discard(_block_id: BlockId, _block: bytes) -> None:
    """Drop the block: the sink of `only-hash`."""


def _cut(pieces: Iterator[bytes], offset: int, length: int) -> Iterator[bytes]:
    """Yield bytes `offset` … `offset + length` of a file in pieces; a negative length means to the end."""
    left = length
    for piece in pieces:
        kept = piece[offset:] if length < 0 else piece[offset : offset + left]
        offset = max(0, offset - len(piece))
        left -= len(kept)
        if kept:
            yield kept
        if left == 0:
            return


async def _stream(request: web.Request, pieces: Iterator[bytes]) -> web.StreamResponse:
    first = await asyncio.to_thread(next, pieces, b"")  # before the status line: most errors occur here
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    await response.prepare(request)
    await response.write(first)
    try:
        while piece := await asyncio.to_thread(next, pieces, b""):
            await response.write(piece)
    except ZarathustraError:
        if request.transport is not None:
            request.transport.abort()  # the status was sent; only a broken connection can still tell the client
    except ConnectionError:
        pass  # the client left
    return response


@web.middleware
async def refuse_browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    if any(name in request.headers for name in ("Origin", "Referer")):
        return _error_response("requests from web pages are refused", 403)
    return await handler(request)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors in Kubo's words: clients look for `could not find` in a status 500."""
    is_gateway = request.path.startswith("/ipfs/")
    try:
        return await handler(request)
    except Retry as error:
        if error.reason is Reason.STORE_FULL:
            return _error_response(str(error), 507)
        if error.reason is not Reason.UNAVAILABLE:
            return _error_response(str(error), 500)
        if "cid" not in error.details:
            return _error_response(error.message, 500)
        message = f"block was not found locally (offline): ipld: could not find {error.details['cid']}"
        return _error_response(message, 404 if is_gateway else 500)
    except Invalid as error:
        return _error_response(str(error), find_status(error))


def _error_response(message: str, status: int) -> web.Response:
    return web.json_response({"Message": message, "Code": 0, "Type": "error"}, status=status)


MIDDLEWARES = (refuse_browsers, answer_errors)
