"""Read logs by range of blocks or by block hash, within each provider's limits."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from zarathustra.chain.blooms import may_contain_any
from zarathustra.chain.quantities import format_data, format_quantity, parse_data, parse_field, parse_quantity
from zarathustra.chain.rpc import Call, Rpc
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockHash, BlockNumber

FIRST_SPAN: Final = 1_000  # most providers accept a range of this many blocks
MAX_SPAN: Final = 10_000
FEW_LOGS: Final = 2_000  # below this a longer range is safe to try; providers stop at 10,000 logs
FORGET_AFTER: Final = 64  # spans; a longer range is tried again, because the refusal may have had another cause
SHORTEST_CUT: Final = 100  # no provider is known that cuts off fewer logs without an error
MAX_TIMEOUTS: Final = 3  # in one scan, without an answer in between: the caller has other work

_NARROWING: Final = frozenset({Reason.RPC_ERROR, Reason.RPC_TIMEOUT})


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

    def may_match(self, bloom: int) -> bool:
        """Return whether a block with that bloom may have such logs."""
        return (
            may_contain_any(bloom, self.addresses)
            and may_contain_any(bloom, self.first_topics)
            and all(may_contain_any(bloom, [topic]) for topic in self.next_topics)
        )

    def matches(self, log: Log) -> bool:
        """Return whether the filter selects the log."""
        first, *rest = log.topics or (b"",)
        is_next = tuple(rest[: len(self.next_topics)]) == self.next_topics
        return log.address in self.addresses and first in self.first_topics and is_next


class EmptyDoubted(Retry):
    """A node has no logs of a block whose header admits some."""


class Span(NamedTuple):
    """The logs of the blocks first … last, in chain order."""

    first: BlockNumber
    last: BlockNumber
    logs: tuple[Log, ...]


@dataclass
class Pace:
    """How many blocks a range may have. Keep one per reader: what a provider refused is not asked again for a while."""

    length: int = FIRST_SPAN
    _ceiling: int | None = None  # the shortest length that was refused
    _served: int = 0  # ranges since then

    def note_refusal(self, length: int) -> None:
        """Ask for half as many blocks from now on."""
        self._ceiling = length if self._ceiling is None else min(length, self._ceiling)
        self._served = 0
        self.length = max(1, length // 2)

    def note_success(self, log_count: int) -> None:
        """Ask for more blocks if there were few logs, but not for as many as were refused lately."""
        self._served += 1
        if self._served >= FORGET_AFTER:
            self._ceiling = None
        if log_count < FEW_LOGS and (self._ceiling is None or 2 * self.length < self._ceiling):
            self.length = min(2 * self.length, MAX_SPAN)


async def fetch_logs_of_block(
    rpc: Rpc, log_filter: LogFilter, block_hash: BlockHash, bloom: int | None = None
) -> tuple[Log, ...]:
    """Return a block's logs in order. Raises Retry(RPC_ERROR) when the node does not know the block.

    `bloom`: the header's. If it admits logs of the filter, an endpoint's `[]` does not count: raises EmptyDoubted when
    no endpoint has any.
    """
    (logs,) = await rpc.call_many([build_block_call(log_filter, block_hash, bloom)])
    return logs  # type: ignore[no-any-return]


def build_block_call(
    log_filter: LogFilter, block_hash: BlockHash, bloom: int | None, *, is_doubt_raised: bool = True
) -> Call:
    """Build the call for a block's logs. In doubt it raises EmptyDoubted, or else its result is None."""

    def parse(answer: Any) -> tuple[Log, ...] | None:
        logs = _parse_logs(answer, log_filter, lambda log: log.block_hash == block_hash)
        if logs or bloom is None or not log_filter.may_match(bloom):
            return logs
        if not is_doubt_raised:
            return None
        raise EmptyDoubted(Reason.RPC_ERROR, "no logs, but the header's bloom admits some", block=block_hash.hex())

    return Call("eth_getLogs", ({**log_filter.to_json(), "blockHash": format_data(block_hash)},), parse)


async def fetch_logs_between(rpc: Rpc, log_filter: LogFilter, first: BlockNumber, last: BlockNumber) -> tuple[Log, ...]:
    """Return the logs of the blocks first … last. One request; Retry(RPC_ERROR) also when the range is too large."""

    def parse(answer: Any) -> tuple[Log, ...]:
        return _parse_logs(answer, log_filter, lambda log: first <= log.block_number <= last)

    span = {"fromBlock": format_quantity(first), "toBlock": format_quantity(last)}
    logs: tuple[Log, ...] = await rpc.call("eth_getLogs", {**log_filter.to_json(), **span}, parse=parse)
    return logs


async def scan_spans(
    rpc: Rpc, log_filter: LogFilter, first: BlockNumber, last: BlockNumber, *, pace: Pace | None = None
) -> AsyncIterator[Span]:
    """Yield the logs of first … last in spans without gaps: shorter after a refusal, longer when there are few logs.

    A refusal of any form makes them shorter, down to one block: an error, an HTTP status, an answer cut off, or none in
    time. The spans agree only on blocks that are not reorganised meanwhile: of other blocks a log may be missing or
    come twice. Raises Retry when a single block is refused, when no node can be reached, when all limit our rate, and
    after MAX_TIMEOUTS requests that took too long; `pace` keeps what was learnt for the next scan.
    """
    pace = pace or Pace()
    start, timeouts = first, 0
    while start <= last:
        end = BlockNumber(min(start + pace.length - 1, last))
        try:
            logs = await _fetch_whole(rpc, log_filter, start, end)
        except Retry as error:
            timeouts += error.reason is Reason.RPC_TIMEOUT
            if error.reason not in _NARROWING or end == start or timeouts > MAX_TIMEOUTS:
                raise
            pace.note_refusal(end - start + 1)
            continue
        pace.note_success(len(logs))
        yield Span(start, end, logs)
        start, timeouts = BlockNumber(end + 1), 0


async def _fetch_whole(rpc: Rpc, log_filter: LogFilter, first: BlockNumber, last: BlockNumber) -> tuple[Log, ...]:
    """Return the logs of a range. Raises Retry(RPC_ERROR) when the node cuts off long answers without a word.

    Then it has more logs after the last one that it sent: that block and those behind it are asked for again.
    """
    logs = await fetch_logs_between(rpc, log_filter, first, last)
    if len(logs) < SHORTEST_CUT or first == last:
        return logs
    cut_at = logs[-1].block_number
    rest = await fetch_logs_between(rpc, log_filter, cut_at, last)
    if rest != tuple(log for log in logs if log.block_number == cut_at):
        raise Retry(Reason.RPC_ERROR, "node cut off the logs of a range", first=first, last=last, logs=len(logs))
    return logs


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
