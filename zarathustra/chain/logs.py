"""Read logs by range of blocks or by block hash, within each provider's limits."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from zarathustra.chain.quantities import format_data, format_quantity, parse_data, parse_field, parse_quantity
from zarathustra.chain.rpc import Rpc
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockHash, BlockNumber

FIRST_SPAN: Final = 1_000  # most providers accept a range of this many blocks
MAX_SPAN: Final = 10_000
FEW_LOGS: Final = 2_000  # below this a longer range is safe to try; providers stop at 10,000 logs


@dataclass(frozen=True)
class Log:
    """One log as a node reports it."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes
    block_number: BlockNumber
    block_hash: BlockHash
    transaction_hash: bytes
    log_index: int


@dataclass(frozen=True)
class LogFilter:
    """Selects the logs from one of `addresses` with one of `first_topics`, followed by exactly `next_topics`."""

    addresses: tuple[Address, ...]
    first_topics: tuple[bytes, ...]
    next_topics: tuple[bytes, ...] = ()

    def to_json(self) -> dict[str, Any]:
        addresses = [format_data(address) for address in self.addresses]
        first = [format_data(topic) for topic in self.first_topics]
        return {"address": addresses, "topics": [first, *(format_data(topic) for topic in self.next_topics)]}


class Span(NamedTuple):
    """The logs of the blocks first … last, in chain order."""

    first: BlockNumber
    last: BlockNumber
    logs: tuple[Log, ...]


async def fetch_logs_of_block(rpc: Rpc, log_filter: LogFilter, block_hash: BlockHash) -> tuple[Log, ...]:
    """Return a block's logs in order. Raises Retry(RPC_ERROR) when the node does not know the block."""
    answer = await rpc.call("eth_getLogs", {**log_filter.to_json(), "blockHash": format_data(block_hash)})
    return _parse_logs(answer, log_filter, lambda log: log.block_hash == block_hash)


async def fetch_logs_between(rpc: Rpc, log_filter: LogFilter, first: BlockNumber, last: BlockNumber) -> tuple[Log, ...]:
    """Return the logs of the blocks first … last. One request; Retry(RPC_ERROR) also when the range is too large."""
    span = {"fromBlock": format_quantity(first), "toBlock": format_quantity(last)}
    answer = await rpc.call("eth_getLogs", {**log_filter.to_json(), **span})
    return _parse_logs(answer, log_filter, lambda log: first <= log.block_number <= last)


async def scan_spans(rpc: Rpc, log_filter: LogFilter, first: BlockNumber, last: BlockNumber) -> AsyncIterator[Span]:
    """Yield the logs of first … last in spans without gaps: shorter after a refusal, longer when there are few logs.

    The spans agree only on blocks that are not reorganised meanwhile: of other blocks a log may be missing or come
    twice. Raises Retry(RPC_ERROR) when a single block is refused.
    """
    length = FIRST_SPAN
    start = first
    while start <= last:
        end = BlockNumber(min(start + length - 1, last))
        try:
            logs = await fetch_logs_between(rpc, log_filter, start, end)
        except Retry as error:
            if error.reason is not Reason.RPC_ERROR or end == start:
                raise
            length = max(1, (end - start + 1) // 2)
            continue
        yield Span(start, end, logs)
        start = BlockNumber(end + 1)
        length = min(length * 2, MAX_SPAN) if len(logs) < FEW_LOGS else length


def _parse_logs(answer: Any, log_filter: LogFilter, is_wanted: Callable[[Log], bool]) -> tuple[Log, ...]:
    """Return the logs in order; a log that was not asked for means that the node is broken."""
    if not isinstance(answer, list):
        raise Retry(Reason.RPC_ERROR, "parse logs", answer=repr(answer)[:80])

    logs = [parse_log(item) for item in answer]
    if not all(is_wanted(log) and log.address in log_filter.addresses for log in logs):
        raise Retry(Reason.RPC_ERROR, "node sent logs that were not asked for")
    return tuple(sorted(logs, key=_place))


def parse_log(item: Any) -> Log:
    """Parse one log of an answer. Raises Retry(RPC_ERROR)."""
    topics: Sequence[Any] = parse_field(item, "topics")
    return Log(
        address=Address(parse_data(parse_field(item, "address"), length=20)),
        topics=tuple(parse_data(topic, length=32) for topic in topics),
        data=parse_data(parse_field(item, "data")),
        block_number=BlockNumber(parse_quantity(parse_field(item, "blockNumber"))),
        block_hash=BlockHash(parse_data(parse_field(item, "blockHash"), length=32)),
        transaction_hash=parse_data(parse_field(item, "transactionHash"), length=32),
        log_index=parse_quantity(parse_field(item, "logIndex")),
    )


def _place(log: Log) -> tuple[int, int]:
    return log.block_number, log.log_index
