"""The content store as services use it.

Real ones: `fetch.Fetcher` and `writer.Writer`. Simnet and tests take `memory.MemoryStore`.
"""

from typing import Protocol

from zarathustra.core.types import Cid
from zarathustra.store.cid import BlockId


class ArtefactReader(Protocol):
    """Gets artefacts by name, from anyone, verified."""

    async def fetch(self, cid: Cid | str, *, max_bytes: int) -> bytes:
        """The file that `cid` names, every block hashed.

        Invalid(BAD_CID | OVERSIZE | BAD_DAG): the artefact itself is wrong, for everybody and for ever.
        Retry(UNAVAILABLE): nobody serves it now; the fact `is_absent` is true when every endpoint answered that it has
        not got it, false when one did not answer or lied. Bytes of another artefact are never returned.
        """
        ...


class ArtefactWriter(Protocol):
    """Keeps artefacts on the operator's own node. Idempotent."""

    async def add(self, data: bytes) -> Cid:
        """Store and pin `data`; its name is the one computed here. Retry when the node does not answer or agree."""
        ...

    async def pin(self, cid: Cid | str, *, max_bytes: int = ...) -> None:
        """Keep the file that `cid` names, copying the blocks that the own node lacks. Raises as `fetch`, and Retry.

        Once this returns, the own node serves the whole file without anybody else.
        """
        ...


class BlockSource(Protocol):
    """Gets single blocks by name."""

    async def fetch_block(self, block_id: BlockId) -> bytes:
        """The block, verified. Retry(UNAVAILABLE) when nobody serves it."""
        ...
