"""A block's logs from its receipts: the last word where a node's `[]` contradicts the header's bloom.

A bloom may name a log that is not there. The receipts prove that: their logs give exactly the header's bloom.
"""

from typing import Any

from zarathustra.chain.blooms import compute_bloom
from zarathustra.chain.logs import Log, LogFilter, parse_log
from zarathustra.chain.quantities import format_data, parse_data, parse_field
from zarathustra.chain.rpc import Rpc
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlockHash


async def fetch_logs_in_receipts(rpc: Rpc, log_filter: LogFilter, block_hash: BlockHash, bloom: int) -> tuple[Log, ...]:
    """Return a block's logs in order. Raises Retry(RPC_ERROR) unless all its receipts are there."""

    def parse(answer: Any) -> tuple[Log, ...]:
        logs = _parse_receipts(answer, block_hash)
        if compute_bloom(item for log in logs for item in (log.address, *log.topics)) != bloom:
            raise Retry(Reason.RPC_ERROR, "receipts do not give the header's bloom", block=block_hash.hex())
        return tuple(sorted(filter(log_filter.matches, logs), key=lambda log: log.log_index))

    found: tuple[Log, ...] = await rpc.call("eth_getBlockReceipts", format_data(block_hash), parse=parse)
    return found


def _parse_receipts(answer: Any, block_hash: BlockHash) -> list[Log]:
    if not isinstance(answer, list):
        raise Retry(Reason.RPC_ERROR, "parse receipts", answer=repr(answer)[:80])
    if any(parse_data(parse_field(receipt, "blockHash"), length=32) != block_hash for receipt in answer):
        raise Retry(Reason.RPC_ERROR, "node sent receipts of another block")
    return [parse_log(item) for receipt in answer for item in parse_field(receipt, "logs")]
