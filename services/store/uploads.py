"""The one file that a request brings, as multipart/form-data."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import BodyPartReader, MultipartReader, web

from services.store.options import refuse
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.runtime.body import GRACE_SECONDS, iter_body, read_within
from zarathustra.store.unixfs import CHUNK_BYTES

MULTIPART_OVERHEAD_BYTES = 1 << 16


@dataclass(frozen=True)
class UploadedFile:
    """The one file of a multipart body."""

    name: str
    parts: MultipartReader
    content: BodyPartReader

    async def iter_pieces(self, limit: int) -> AsyncIterator[bytes]:
        """Yield the file's bytes. Ends without an error only if the body was complete and held nothing else."""
        received = 0
        async for piece in iter_body(lambda: self.content.read_chunk(CHUNK_BYTES)):
            received += len(piece)
            if received > limit:
                raise Invalid(Reason.OVERSIZE, "body is too large", limit=limit)
            yield piece
        if await read_within(GRACE_SECONDS, self.parts.next) is not None:
            refuse("body must hold one file")


async def open_file(request: web.Request, limit: int) -> UploadedFile:
    """Return the file, of which only the name has arrived.

    Raises Invalid(OVERSIZE | BAD_ARGUMENT | INCOMPLETE_REQUEST).
    """
    if (request.content_length or 0) > limit + MULTIPART_OVERHEAD_BYTES:
        raise Invalid(Reason.OVERSIZE, "body is too large", length=request.content_length, limit=limit)
    if not request.content_type.startswith("multipart/"):
        refuse("body must be multipart/form-data with one file")
    parts = await request.multipart()
    content = await read_within(GRACE_SECONDS, parts.next)
    if not isinstance(content, BodyPartReader):
        refuse("body must hold one file")
    if content.headers.get("Content-Type") == "application/x-directory":
        refuse("directories are not supported")
    return UploadedFile(content.filename or "", parts, content)
