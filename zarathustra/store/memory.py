"""A content store in memory, with the CIDs that real nodes give, for the simnet and for tests."""

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Cid
from zarathustra.store.cid import BlockId, parse_cid, validate_block
from zarathustra.store.port import BlockSource
from zarathustra.store.unixfs import LAYOUT_V1, MAX_ARTEFACT_BYTES, FileReader, Layout, build_file


class MemoryStore:
    """Reader and writer in one. `pin` copies blocks that are not here from `source`.

    Passes the conformance suite of the ports. Not persistent; not for production.
    """

    def __init__(self, source: BlockSource | None = None) -> None:
        self._source = source
        self._blocks: dict[BlockId, bytes] = {}
        self._pins: set[BlockId] = set()

    async def fetch(self, cid: Cid | str, *, max_bytes: int) -> bytes:
        """Return the file, from the blocks that are here."""
        reader = FileReader(parse_cid(cid), max_bytes=max_bytes)
        while wanted := reader.wanted():
            for block_id in wanted:
                reader.supply(block_id, await self.fetch_block(block_id))
        return reader.content()

    async def add(self, data: bytes) -> Cid:
        """Store and pin."""
        return self.add_as(data, LAYOUT_V1)

    async def pin(self, cid: Cid | str, *, max_bytes: int = MAX_ARTEFACT_BYTES) -> None:
        """Copy the missing blocks from the source, and pin."""
        root = parse_cid(cid)
        reader = FileReader(root, max_bytes=max_bytes)
        while wanted := reader.wanted():
            for block_id in wanted:
                block = await self._find_block(block_id)
                reader.supply(block_id, block)
                self._blocks[block_id] = block
        self._pins.add(root)

    async def fetch_block(self, block_id: BlockId) -> bytes:
        """Return a block that is here. With this method one store can be the source of another."""
        try:
            return self._blocks[block_id]
        except KeyError as error:
            raise Retry(Reason.UNAVAILABLE, "block is not here", cid=block_id.cid, is_absent=True) from error

    def add_as(self, data: bytes, layout: Layout) -> Cid:
        """Store and pin in another tool's layout. Raises Invalid(OVERSIZE) above the size of any artefact."""
        if len(data) > MAX_ARTEFACT_BYTES:
            raise Invalid(Reason.OVERSIZE, "larger than any artefact", length=len(data), limit=MAX_ARTEFACT_BYTES)
        built = build_file(data, self.put_block, layout=layout)
        self._pins.add(built.block_id)
        return built.block_id.cid

    def put_block(self, block_id: BlockId, block: bytes) -> None:
        """Store one block."""
        validate_block(block_id, block)
        self._blocks[block_id] = block

    def forget_everything(self) -> None:
        """Remove all blocks and pins, like a node that disappeared."""
        self._blocks.clear()
        self._pins.clear()

    def is_pinned(self, cid: Cid | str) -> bool:
        return parse_cid(cid) in self._pins

    async def _find_block(self, block_id: BlockId) -> bytes:
        if block_id in self._blocks or self._source is None:
            return await self.fetch_block(block_id)
        return await self._source.fetch_block(block_id)
