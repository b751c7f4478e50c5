"""Removal of blocks that no pin needs and that no client gave recently."""

from zarathustra.store.blocks import DirectoryBlocks
from zarathustra.store.cid import Codec
from zarathustra.store.dag_pb import parse_node


def collect_garbage(blocks: DirectoryBlocks, *, before: float) -> list[bytes]:
    """Remove the unpinned blocks that were last given before a Unix time. Returns their digests.

    May run beside every other call: a block that is given or pinned meanwhile gets a new time and stays. Raises
    Retry(CID_MISMATCH | UNAVAILABLE) and removes nothing when a block below a pin cannot be read, because the blocks
    below that one are not known.
    """
    needed = _find_needed(blocks)
    unneeded = [stored for stored in blocks.stored() if stored.given_at < before and stored.digest not in needed]
    return [stored.digest for stored in unneeded if blocks.remove_given_before(stored.digest, before)]


def _find_needed(blocks: DirectoryBlocks) -> set[bytes]:
    """Return the digests of all blocks below pins. Raw blocks have no children, so they are not read."""
    needed: set[bytes] = set()
    waiting = blocks.pins()
    while waiting:
        block_id = waiting.pop()
        if block_id.digest in needed:
            continue
        needed.add(block_id.digest)
        if block_id.codec is Codec.DAG_PB:
            waiting += [link.block_id for link in parse_node(blocks.get(block_id)).links]
    return needed
