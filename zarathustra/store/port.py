"""The content store as services use it.

Production uses `fetch.Fetcher` and `writer.Writer`; the simnet and tests use `memory.MemoryStore`.
"""

from typing import Protocol

from zarathustra.core.types import Cid
from zarathustra.store.cid import BlockId


class ArtefactReader(Protocol):
    """Fetches artefacts by CID, from any node, verified."""

    async def fetch(self, cid: Cid | str, *, max_bytes: int) -> bytes:
        """Return the file that `cid` names, with every block hashed. Never returns bytes of another artefact.

        Raises Invalid(BAD_CID | OVERSIZE | BAD_DAG) when the artefact itself is wrong: every operator gets this, at
        any time. Raises Retry(UNAVAILABLE) when no endpoint serves it now. The fact `is_absent` is true when every
        endpoint answered that it does not have it, and false otherwise.
        """
        ...


class ArtefactWriter(Protocol):
    """Keeps artefacts on the operator's own node. Idempotent."""

    async def add(self, data: bytes) -> Cid:
        """Store and pin `data`; return the CID computed here. Raises Retry if the node does not answer or agree."""
        ...

    async def pin(self, cid: Cid | str, *, max_bytes: int = ...) -> None:
        """Keep the file that `cid` names, copying the blocks that the own node lacks. Raises as `fetch`, and Retry.

        Once this returns, the own node can serve the whole file without any other node.
        """
        ...


class BlockSource(Protocol):
    """Fetches single blocks by id."""

    async def fetch_block(self, block_id: BlockId) -> bytes:
        """Return the block, verified. Raises Retry(UNAVAILABLE) when no node serves it."""
        ...
