"""Seed headers from a node's answers: what is compared before use, and which answers are refused."""

from typing import Any

import pytest
import rlp
from eth_hash.auto import keccak

from tests.kit.chain.fake_rpc import FakeRpc
from tests.kit.chain.headers import build_answer
from zarathustra.chain.headers import FIELDS, FRONTIER_FIELDS, encode_header, fetch_seed_header
from zarathustra.chain.port import SeedHeader
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlockNumber

pytestmark = pytest.mark.unit

NUMBER = BlockNumber(20)
RANDAO_PLACE = 13  # where the contract's library looks for PREVRANDAO


async def fetch(answer: Any, number: BlockNumber = NUMBER) -> SeedHeader:
    return await fetch_seed_header(FakeRpc({"eth_getBlockByNumber": lambda _number, _full: answer}), number)


# ---- what is accepted


@pytest.mark.parametrize("field_count", range(FRONTIER_FIELDS, len(FIELDS) + 1))
async def test_fetch_seed_header__header_of_every_fork__hashes_to_the_blocks_hash(field_count: int) -> None:
    answer = build_answer(field_count, number=NUMBER)
    header = await fetch(answer)
    assert "0x" + keccak(header.encoded).hex() == answer["hash"]
    assert "0x" + header.prev_randao.hex() == answer["mixHash"]
    assert len(rlp.decode(header.encoded)) == field_count


async def test_fetch_seed_header__any_header__randomness_is_where_the_contract_reads_it() -> None:
    header = await fetch(build_answer(number=NUMBER))
    assert rlp.decode(header.encoded)[RANDAO_PLACE] == header.prev_randao


async def test_fetch_seed_header__any_header__asks_for_that_block_without_its_transactions() -> None:
    rpc = FakeRpc({"eth_getBlockByNumber": lambda _number, _full: build_answer(number=NUMBER)})
    await fetch_seed_header(rpc, NUMBER)
    assert [call.params for call in rpc.calls] == [("0x14", False)]


@pytest.mark.parametrize(
    "extra", [{"size": "0x220"}, {"totalDifficulty": "0x0"}, {"withdrawals": []}, {"uncles": None}]
)
async def test_fetch_seed_header__fields_that_are_no_part_of_the_header__are_left_out(extra: dict[str, Any]) -> None:
    answer = build_answer(number=NUMBER)
    assert await fetch({**answer, **extra}) == await fetch(answer)


async def test_fetch_seed_header__later_field_is_null__is_not_encoded() -> None:
    """Some nodes answer null for the fields of forks that did not happen yet."""
    answer = build_answer(len(FIELDS) - 1, number=NUMBER)
    assert await fetch({**answer, FIELDS[-1]: None}) == await fetch(answer)


# ---- what is refused


async def test_fetch_seed_header__node_lacks_the_block__no_seed() -> None:
    with pytest.raises(Retry) as caught:
        await fetch(None)
    assert caught.value.reason is Reason.NO_SEED


@pytest.mark.parametrize("name", FIELDS)
async def test_fetch_seed_header__one_field_is_changed__refused(name: str) -> None:
    answer = build_answer(number=NUMBER)
    changed = answer[name][:-1] + ("1" if answer[name][-1] != "1" else "2")
    with pytest.raises(Retry) as caught:
        await fetch({**answer, name: changed}, BlockNumber(int(changed, 16)) if name == "number" else NUMBER)
    assert caught.value.reason is Reason.RPC_ERROR


@pytest.mark.parametrize("name", [*FIELDS, "hash"])
async def test_fetch_seed_header__one_field_is_missing__refused(name: str) -> None:
    answer = build_answer(number=NUMBER)
    del answer[name]
    with pytest.raises(Retry) as caught:
        await fetch(answer)
    assert caught.value.reason is Reason.RPC_ERROR


async def test_fetch_seed_header__fork_added_a_field_that_is_not_known__refused() -> None:
    answer = build_answer(number=NUMBER)
    later = keccak(rlp.encode([*rlp.decode(encode_header(answer)), b"\x01" * 32]))
    with pytest.raises(Retry) as caught:
        await fetch({**answer, "laterRoot": "0x" + "01" * 32, "hash": "0x" + later.hex()})
    assert caught.value.reason is Reason.RPC_ERROR


async def test_fetch_seed_header__another_block__refused() -> None:
    with pytest.raises(Retry) as caught:
        await fetch(build_answer(number=NUMBER + 1))
    assert caught.value.reason is Reason.RPC_ERROR


@pytest.mark.parametrize("answer", ["0x", [], 5, {}, {"number": "0x14"}, {"number": 20}])
async def test_fetch_seed_header__no_block__refused(answer: Any) -> None:
    with pytest.raises(Retry) as caught:
        await fetch(answer)
    assert caught.value.reason is Reason.RPC_ERROR


@pytest.mark.parametrize("value", [5, "20", "0x", "0xzz", None])
async def test_fetch_seed_header__field_is_no_hex__refused(value: Any) -> None:
    with pytest.raises(Retry) as caught:
        await fetch({**build_answer(number=NUMBER), "gasUsed": value})
    assert caught.value.reason is Reason.RPC_ERROR


@pytest.mark.parametrize("number", [0, 20])
async def test_fetch_seed_header__block_without_randomness__refused_as_the_contract_does(number: int) -> None:
    with pytest.raises(Invalid) as caught:
        await fetch(build_answer(number=number, mix_hash=bytes(32)), BlockNumber(number))
    assert caught.value.reason is Reason.NO_RANDOMNESS
    assert caught.value.details["number"] == number
