"""Which endpoint is asked: sick ones are left for healthy ones, whatever they answer."""

import pytest

from tests.kit.chain.ledger import Ledger
from tests.kit.chain.rpc_server import refuse_with, serve, unreachable_url
from tests.kit.chain.sick_node import Backend, SickNode, answer_null, limit_rate, serve_ledger
from tests.kit.waiting import until
from zarathustra.chain.calls import fetch_head
from zarathustra.chain.endpoints import FAR_BEHIND_BLOCKS
from zarathustra.chain.quantities import parse_quantity
from zarathustra.chain.rpc import HttpRpc, validate_chain_id
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason

pytestmark = pytest.mark.chain

NOT_A_HEADER = {"number": "0x64"}


@pytest.fixture
def ledger() -> Ledger:
    chain = Ledger()
    chain.mine(100)
    return chain


# ---- parsed answers


@pytest.mark.parametrize("answer", [None, NOT_A_HEADER, [], "0x64", {"number": "100", "hash": "0x"}])
async def test_call__answer_does_not_parse__healthy_node_answers_and_is_asked_first_from_then_on(
    ledger: Ledger, answer: object
) -> None:
    sick = SickNode([Backend(ledger, results={"eth_getBlockByNumber": answer})])
    async with (
        serve(sick.respond) as broken,
        serve_ledger(ledger) as healthy,
        HttpRpc([broken.url, healthy.url]) as rpc,
    ):
        for _ in range(20):
            assert (await fetch_head(rpc)).number == 100
        assert (len(broken.bodies), len(healthy.bodies)) == (1, 20)


async def test_call__null_where_null_is_an_answer__is_taken(ledger: Ledger) -> None:
    async with serve_ledger(ledger, answer_null("eth_getTransactionReceipt")) as node, HttpRpc([node.url]) as rpc:
        assert await rpc.call("eth_getTransactionReceipt", "0x00") is None


# ---- another chain


async def test_call__one_endpoint_is_of_another_chain__only_its_chain_is_asked_for() -> None:
    ours, other = Ledger(chain_id=1), Ledger(chain_id=5)
    other.mine(1_000)
    async with (
        serve_ledger(other) as foreign,
        serve_ledger(ours) as healthy,
        HttpRpc([foreign.url, healthy.url]) as rpc,
    ):
        await validate_chain_id(rpc, 1)
        assert (await fetch_head(rpc)).block_hash == ours.blocks[0].block_hash
        healthy.respond = refuse_with("down", 503)
        with pytest.raises(Retry):
            await fetch_head(rpc)
        assert foreign.count("eth_getBlockByNumber") == 0


async def test_call__endpoint_moves_to_another_chain__is_left(ledger: Ledger) -> None:
    """Behind one URL the node may change."""
    moving, other = SickNode([Backend(ledger)]), Backend(Ledger(chain_id=5))
    async with (
        serve(moving.respond) as first,
        serve_ledger(ledger) as second,
        HttpRpc([first.url, second.url], chain_id=1, heads_every_s=0.01) as rpc,
    ):
        await fetch_head(rpc)
        moving.backends = [other]
        asked = first.count("eth_chainId")
        await until(lambda: first.count("eth_chainId") > asked)
        assert (await fetch_head(rpc)).number == 100


async def test_validate_chain_id__all_endpoints_of_another_chain__bad_setting(ledger: Ledger) -> None:
    async with serve_ledger(ledger) as first, HttpRpc([first.url, first.url]) as rpc:
        with pytest.raises(Invalid) as caught:
            await validate_chain_id(rpc, 5)
    assert caught.value.reason is Reason.BAD_SETTING


async def test_validate_chain_id__other_endpoint_does_not_answer__time_may_heal_it(ledger: Ledger) -> None:
    async with serve_ledger(ledger) as first, HttpRpc([first.url, unreachable_url()]) as rpc:
        with pytest.raises(Retry) as caught:
            await validate_chain_id(rpc, 5)
    assert caught.value.reason is Reason.RPC_UNREACHABLE


# ---- heads


async def test_call__first_node_is_far_behind__another_one_is_asked(ledger: Ledger) -> None:
    async with (
        serve_ledger(ledger, lag=FAR_BEHIND_BLOCKS + 1) as stuck,
        serve_ledger(ledger) as healthy,
        HttpRpc([stuck.url, healthy.url]) as rpc,
    ):
        assert (await fetch_head(rpc)).number == 100
        assert stuck.bodies == []


async def test_call__first_node_stops_while_the_other_moves__another_one_is_asked(ledger: Ledger) -> None:
    stopping = SickNode([Backend(ledger)])
    async with (
        serve(stopping.respond) as stuck,
        serve_ledger(ledger) as healthy,
        HttpRpc([stuck.url, healthy.url], heads_every_s=0.01) as rpc,
    ):
        assert (await fetch_head(rpc)).number == 100
        stopping.backends[0].lag = FAR_BEHIND_BLOCKS + 1
        ledger.mine(FAR_BEHIND_BLOCKS + 1)
        await until(lambda: _is_at(rpc, 100 + FAR_BEHIND_BLOCKS + 1))


async def _is_at(rpc: HttpRpc, number: int) -> bool:
    return (await fetch_head(rpc)).number == number


async def test_call__far_behind_but_the_only_one_left__is_asked(ledger: Ledger) -> None:
    async with (
        serve_ledger(ledger, lag=50) as stuck,
        serve_ledger(ledger) as healthy,
        HttpRpc([stuck.url, healthy.url]) as rpc,
    ):
        await fetch_head(rpc)
        healthy.respond = refuse_with("down", 503)
        assert (await fetch_head(rpc)).number == 50


# ---- rate limits


@pytest.mark.parametrize("code", [None, 429, -32005])
async def test_call__rate_limited_for_long__one_request_and_then_none(ledger: Ledger, code: int | None) -> None:
    ailment = limit_rate(1_000, retry_after="30", code=code)
    async with serve_ledger(ledger, ailment) as node, HttpRpc([node.url], timeout_s=0.2) as rpc:
        for _ in range(3):
            with pytest.raises(Retry) as caught:
                await rpc.call("eth_gasPrice")
            assert caught.value.reason is Reason.RATE_LIMITED
        assert len(node.bodies) == 1


async def test_call__rate_limited_for_a_moment__waits_as_told(ledger: Ledger) -> None:
    async with serve_ledger(ledger, limit_rate(2, retry_after="0")) as node, HttpRpc([node.url]) as rpc:
        assert await rpc.call("eth_blockNumber", parse=parse_quantity) == 100
        assert len(node.all_bodies) == 3


async def test_call__one_endpoint_limits_our_rate__the_other_answers_without_a_wait(ledger: Ledger) -> None:
    async with (
        serve_ledger(ledger, limit_rate(1_000, retry_after="30")) as limited,
        serve_ledger(ledger) as healthy,
        HttpRpc([limited.url, healthy.url]) as rpc,
    ):
        for _ in range(3):
            await fetch_head(rpc)
        assert (len(limited.all_bodies), len(healthy.bodies)) == (1, 3)
