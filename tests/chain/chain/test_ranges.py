"""Logs and batches from providers that refuse, cut off or lack them in any way."""

from collections import Counter
from typing import Any

import pytest

from tests.kit.chain.ledger import CONTRACT, TOPIC, Ledger
from tests.kit.chain.rpc_server import Server, refuse_with, respond_with_status, serve
from tests.kit.chain.sick_node import (
    REFUSALS,
    Backend,
    SickNode,
    answer_part_of_batches,
    cut_logs,
    limit_rate,
    refuse_batches,
    refuse_ranges,
    serve_ledger,
)
from zarathustra.chain.calls import parse_header
from zarathustra.chain.logs import FIRST_SPAN, FORGET_AFTER, LogFilter, Pace, fetch_logs_of_block, scan_spans
from zarathustra.chain.quantities import parse_quantity
from zarathustra.chain.receipts import fetch_logs_in_receipts
from zarathustra.chain.rpc import MAX_BATCH, Call, HttpRpc
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockHash, BlockNumber

pytestmark = pytest.mark.chain

FILTER = LogFilter((Address(CONTRACT),), (TOPIC,))
TIMEOUT_S = 0.2
BATCH_REFUSALS = {
    name: how for name, how in REFUSALS.items() if name not in ("no-answer", "status-413-text", "code-32603")
} | {
    "batch-limit": refuse_with({"code": -32000, "message": "batch limit 100 exceeded"}),
    "free-tier": refuse_with({"code": 31, "message": "Batch of more than 3 requests are not allowed on free tier"}),
    "no-batches": refuse_with({"code": -32005, "message": "Batched requests are not supported by this server"}),
    "status-500-page": respond_with_status(500, "oops"),
}


@pytest.fixture
def ledger() -> Ledger:
    chain = Ledger()
    for _ in range(120):
        chain.mine(9)
        chain.mine(logs=1)
    return chain


async def scan(node: Server, last: int, *, pace: Pace | None = None, turns: int = 1) -> list[int]:
    """Return the numbers of the logs' blocks. After a failure the next turn goes on, as the indexer's would."""
    numbers: list[int] = []
    first = 1
    async with HttpRpc([node.url], timeout_s=TIMEOUT_S) as rpc:
        for turn in range(turns):
            try:
                async for span in scan_spans(rpc, FILTER, BlockNumber(first), BlockNumber(last), pace=pace):
                    numbers += [log.block_number for log in span.logs]
                    first = span.last + 1
                return numbers
            except Retry:
                if turn == turns - 1:
                    raise
    raise AssertionError("unreachable")


def list_lengths(node: Server) -> list[int]:
    queries = [body["params"][0] for body in node.bodies]
    return [int(query["toBlock"], 16) - int(query["fromBlock"], 16) + 1 for query in queries]


# ---- ranges


@pytest.mark.parametrize("how", REFUSALS)
async def test_scan_spans__long_ranges_refused_in_any_way__every_log_once(ledger: Ledger, how: str) -> None:
    async with serve_ledger(ledger, refuse_ranges(300, REFUSALS[how])) as node:
        assert await scan(node, 1_200) == list(range(10, 1_201, 10))
        assert Counter(length > 300 for length in list_lengths(node))[True] == 2  # 1,000 and 500; then it is known


@pytest.mark.parametrize("how", REFUSALS)
async def test_scan_spans__only_single_blocks_served__every_log_once(ledger: Ledger, how: str) -> None:
    async with serve_ledger(ledger, refuse_ranges(1, REFUSALS[how])) as node:
        assert await scan(node, 60, pace=Pace(), turns=4) == [10, 20, 30, 40, 50, 60]


async def test_scan_spans__second_scan_with_its_pace__asks_for_nothing_that_was_refused(ledger: Ledger) -> None:
    pace = Pace()
    async with serve_ledger(ledger, refuse_ranges(300, REFUSALS["code-32005"])) as node:
        await scan(node, 1_200, pace=pace)
        asked = len(node.bodies)
        await scan(node, 1_200, pace=pace)
        assert max(list_lengths(node)[asked:]) <= 300


async def test_scan_spans__refusal_is_long_ago__longer_ranges_are_tried_again(ledger: Ledger) -> None:
    pace = Pace()
    pace.note_refusal(2)
    for _ in range(FORGET_AFTER - 1):
        pace.note_success(0)
    assert pace.length == 1
    pace.note_success(0)
    assert pace.length == 2


async def test_scan_spans__rate_limited__range_stays_long(ledger: Ledger) -> None:
    pace = Pace()
    async with serve_ledger(ledger, limit_rate(1_000, retry_after="30")) as node:
        with pytest.raises(Retry) as caught:
            await scan(node, 1_200, pace=pace)
        assert (caught.value.reason, len(node.bodies), pace.length) == (Reason.RATE_LIMITED, 1, FIRST_SPAN)


async def test_scan_spans__answers_cut_off_without_a_word__every_log_once() -> None:
    ledger = Ledger()
    ledger.mine(600, logs=1)
    async with serve_ledger(ledger, cut_logs(100, Backend(ledger))) as node:
        assert await scan(node, 600) == list(range(1, 601))


# ---- the logs of one block


@pytest.mark.parametrize("lacking", ["error", "empty", "null"])
async def test_fetch_logs_of_block__one_backend_lacks_the_block__is_never_taken_for_no_logs(lacking: str) -> None:
    ledger = Ledger()
    ledger.mine(logs=2)
    block = ledger.blocks[-1]
    balancer = SickNode([Backend(ledger, lag=1, lacking=lacking), Backend(ledger)])
    async with serve(balancer.respond) as node, HttpRpc([node.url]) as rpc:
        with pytest.raises(Retry):
            await fetch_logs_of_block(rpc, FILTER, BlockHash(block.block_hash), block.bloom)
        logs = await fetch_logs_of_block(rpc, FILTER, BlockHash(block.block_hash), block.bloom)
    assert [log.log_index for log in logs] == [0, 1]


async def test_fetch_logs_of_block__second_endpoint_has_the_logs__is_asked() -> None:
    ledger = Ledger()
    ledger.mine(logs=1)
    block = ledger.blocks[-1]
    lagging = SickNode([Backend(ledger, lag=1, lacking="empty")])
    async with serve(lagging.respond) as first, serve_ledger(ledger) as second, HttpRpc([first.url, second.url]) as rpc:
        assert len(await fetch_logs_of_block(rpc, FILTER, BlockHash(block.block_hash), block.bloom)) == 1


async def test_fetch_logs_of_block__bloom_denies_them__empty_is_taken(ledger: Ledger) -> None:
    block = ledger.blocks[1]
    async with serve_ledger(ledger) as node, HttpRpc([node.url]) as rpc:
        assert await fetch_logs_of_block(rpc, FILTER, BlockHash(block.block_hash), block.bloom) == ()


async def test_fetch_logs_in_receipts__bloom_names_what_is_not_there__proven_by_all_logs() -> None:
    """Other contracts' logs can give a bloom that admits ours: here an address and a topic of two different logs."""
    ledger, wanted = Ledger(), LogFilter((Address(CONTRACT),), (b"\x71" * 32,))
    ledger.mine(logs=1)
    block = ledger.blocks[-1]
    async with serve_ledger(ledger) as node, HttpRpc([node.url]) as rpc:
        assert await fetch_logs_in_receipts(rpc, wanted, BlockHash(block.block_hash), block.bloom) == ()
        with pytest.raises(Retry):
            await fetch_logs_in_receipts(rpc, wanted, BlockHash(block.block_hash), block.bloom | 1)


# ---- batches


def build_calls(count: int) -> list[Call]:
    return [
        Call("eth_getBlockByNumber", (hex(number), False), lambda answer: parse_header(answer).number)
        for number in range(count)
    ]


@pytest.mark.parametrize("limit", [1, 3, 10])
@pytest.mark.parametrize("how", BATCH_REFUSALS)
async def test_call_many__long_batches_refused_in_any_way__all_results_in_order(
    ledger: Ledger, how: str, limit: int
) -> None:
    async with serve_ledger(ledger, refuse_batches(limit, BATCH_REFUSALS[how])) as node, HttpRpc([node.url]) as rpc:
        assert await rpc.call_many(build_calls(60)) == list(range(60))
        asked = len(node.bodies)
        assert await rpc.call_many(build_calls(60)) == list(range(60))
        assert max(_length(body) for body in node.bodies[asked:]) <= limit  # what was refused is remembered


async def test_call_many__answered_in_part_and_out_of_order__all_results_in_order(ledger: Ledger) -> None:
    async with serve_ledger(ledger, answer_part_of_batches(Backend(ledger), 7)) as node, HttpRpc([node.url]) as rpc:
        assert await rpc.call_many(build_calls(60)) == list(range(60))


async def test_call_many__one_call_is_at_fault__batches_stay_long(ledger: Ledger) -> None:
    calls = [*build_calls(30), Call("eth_unknown", ())]
    async with serve_ledger(ledger) as node, HttpRpc([node.url]) as rpc:
        with pytest.raises(Retry):
            await rpc.call_many(calls)
        asked = len(node.bodies)
        await rpc.call_many(build_calls(MAX_BATCH))
        assert len(node.bodies) == asked + 1


async def test_call_many__one_result_does_not_parse__the_other_endpoint_answers(ledger: Ledger) -> None:
    sick = SickNode([Backend(ledger, results={"eth_gasPrice": None})])
    well = SickNode([Backend(ledger, results={"eth_gasPrice": "0x7"})])
    calls = [Call("eth_blockNumber", (), parse_quantity), Call("eth_gasPrice", (), parse_quantity)]
    async with serve(sick.respond) as first, serve(well.respond) as second, HttpRpc([first.url, second.url]) as rpc:
        assert await rpc.call_many(calls) == [1_200, 7]


def _length(body: Any) -> int:
    return len(body) if isinstance(body, list) else 1
