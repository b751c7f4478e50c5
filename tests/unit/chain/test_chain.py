"""The chain library without a chain: hex, ABI, log ranges, operator sets, deployment."""

import subprocess
import sys
from typing import Any

import pytest
from eth_abi.abi import encode

from tests.kit.chain.fake_rpc import FakeRpc
from tests.kit.paths import ROOT
from zarathustra.chain import abi
from zarathustra.chain.abi import decode_fact, describe_revert, load_abi
from zarathustra.chain.deploy import compute_contract_address
from zarathustra.chain.logs import FIRST_SPAN, MAX_SPAN, LogFilter, Span, fetch_logs_of_block, scan_spans
from zarathustra.chain.operator_set import HEADER_LENGTH, MAX_LENGTH, SLOT_LENGTH, compress_g1, parse_operator_set
from zarathustra.chain.quantities import parse_data, parse_field, parse_quantity
from zarathustra.core.errors import Retry
from zarathustra.core.events import OperatorExited, SubmissionRevealed, SubmissionSettled
from zarathustra.core.outcomes import Outcome
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockHash, BlockNumber, SetVersion
from zarathustra.signing.backends import load_backend
from zarathustra.signing.keys import BlsSecretKey

pytestmark = pytest.mark.unit

CONTRACT = Address(b"\xc0" * 20)
STRANGER = Address(b"\xee" * 20)
TOPIC = b"\x70" * 32
FILTER = LogFilter((CONTRACT,), (TOPIC,))


# ---- imports


def test_import__readers_and_indexer__load_no_transaction_library() -> None:
    """Loading it takes a second, also at the start of a service that signs nothing."""
    modules = "zarathustra.chain.reader, zarathustra.chain.market, services.indexer.wiring"
    program = f"import sys, {modules}; sys.exit({{'web3', 'eth_account'}} & sys.modules.keys() != set())"
    ended = subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT)  # noqa: S603  our own interpreter
    assert ended.returncode == 0


# ---- hex


@pytest.mark.parametrize("text", ["0x", "1", "0xg", "", None, 5, "0x" + "1" * 65, "-0x1", "0x1\n"])
def test_parse_quantity__not_a_quantity__retry(text: Any) -> None:
    with pytest.raises(Retry):
        parse_quantity(text)


@pytest.mark.parametrize("text", ["0x1", "01", "0xzz", None, "0x01\n"])
def test_parse_data__not_data__retry(text: Any) -> None:
    with pytest.raises(Retry):
        parse_data(text)


def test_parse_data__wrong_length__retry() -> None:
    assert parse_data("0x0102", length=2) == b"\x01\x02"
    with pytest.raises(Retry):
        parse_data("0x0102", length=3)


def test_parse_field__not_an_object__retry() -> None:
    with pytest.raises(Retry):
        parse_field(None, "hash")


# ---- ABI


def test_decode_fact__indexed_and_plain_fields__are_decoded() -> None:
    entry = load_abi(abi.MODEL_SUBMISSION).get_event("SubmissionSettled")
    topics = [entry.hash, _word(3), _word(9), b"\x44" * 32]
    data = encode(["uint8", "int64", "int64", "int64"], [int(Outcome.WORSE), -5, 6, -7])
    fact = decode_fact(entry, topics, data)
    assert fact == SubmissionSettled(3, 9, b"\x44" * 32, Outcome.WORSE, -5, 6, -7)  # type: ignore[arg-type]
    assert isinstance(fact, SubmissionSettled)
    assert isinstance(fact.outcome, Outcome)


def test_decode_fact__address__has_twenty_bytes() -> None:
    entry = load_abi(abi.GOVERNANCE).get_event("OperatorExited")
    operator, to = b"\x0a" * 20, b"\x0b" * 20
    fact = decode_fact(entry, [entry.hash, bytes(12) + operator], encode(["address", "uint96"], [to, 7]))
    assert fact == OperatorExited(operator, to, 7)  # type: ignore[arg-type]


def test_decode_fact__text_is_not_utf8__still_decodes() -> None:
    """A stranger chooses this text; it must not stop the indexer."""
    entry = load_abi(abi.MODEL_SUBMISSION).get_event("SubmissionRevealed")
    fact = decode_fact(entry, [entry.hash, _word(1), _word(2)], encode(["bytes"], [b"bafk\xff\xfe"]))
    assert fact == SubmissionRevealed(1, 2, "bafk\ufffd\ufffd")  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [b"", b"\x00" * 31, encode(["uint256"], [2**200])])
def test_decode_fact__data_of_another_shape__retry(data: bytes) -> None:
    entry = load_abi(abi.MODEL_SUBMISSION).get_event("SubmissionRevealed")
    with pytest.raises(Retry):
        decode_fact(entry, [entry.hash, _word(1), _word(2)], data)


def test_decode_fact__missing_topic__retry() -> None:
    entry = load_abi(abi.MODEL_SUBMISSION).get_event("SubmissionRevealed")
    with pytest.raises(Retry):
        decode_fact(entry, [entry.hash, _word(1)], encode(["string"], ["bafk"]))


def test_describe_revert__errors_of_contracts_and_of_solidity__by_name() -> None:
    wrong_value = next(e for e in load_abi(abi.MODEL_SUBMISSION).errors.values() if e.name == "WrongValue")
    described = describe_revert(wrong_value.selector + encode(["uint256", "uint256"], [1, 2]))
    assert (described.name, described.arguments) == ("WrongValue", "(1, 2)")
    assert describe_revert(bytes.fromhex("08c379a0") + encode(["string"], ["no"])).arguments == "(no)"
    assert describe_revert(bytes.fromhex("4e487b71") + encode(["uint256"], [17])).name == "Panic"


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"", "EmptyRevert"), (b"\x01\x02\x03\x04", "UnknownError"), (b"\x01", "UnknownError")],
)
def test_describe_revert__unreadable__still_described(data: bytes, name: str) -> None:
    assert describe_revert(data).name == name


def test_describe_revert__truncated__keeps_the_name() -> None:
    wrong_value = next(e for e in load_abi(abi.MODEL_SUBMISSION).errors.values() if e.name == "WrongValue")
    assert describe_revert(wrong_value.selector).name == "WrongValue"


# ---- logs


class LogNode:
    """A node with one log in every tenth block; it refuses ranges of more than `limit` blocks."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def get_logs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        if last - first + 1 > self.limit:
            raise Retry(Reason.RPC_ERROR, "range is too long")
        return [make_log(number) for number in range(last, first - 1, -1) if number % 10 == 0]


def make_log(number: int, address: Address = CONTRACT) -> dict[str, Any]:
    return {
        "address": "0x" + address.hex(),
        "topics": ["0x" + TOPIC.hex()],
        "data": "0x",
        "blockNumber": hex(number),
        "blockHash": "0x" + number.to_bytes(32, "big").hex(),
        "transactionHash": "0x" + "00" * 32,
        "logIndex": "0x0",
    }


async def scan(limit: int, first: int, last: int) -> list[Span]:
    rpc = FakeRpc({"eth_getLogs": LogNode(limit).get_logs})
    return [span async for span in scan_spans(rpc, FILTER, BlockNumber(first), BlockNumber(last))]


@pytest.mark.parametrize("limit", [1, 7, 500, MAX_SPAN])
async def test_scan_spans__any_limit__every_log_once_and_no_gap(limit: int) -> None:
    spans = await scan(limit, 5, 3_000)
    assert [span.first for span in spans] == [5, *(span.last + 1 for span in spans[:-1])]
    assert spans[-1].last == 3_000
    assert [log.block_number for span in spans for log in span.logs] == list(range(10, 3_001, 10))


async def test_scan_spans__generous_node__asks_for_longer_and_longer_ranges() -> None:
    lengths = [span.last - span.first + 1 for span in await scan(10**9, 0, 40_000)]
    assert lengths[:4] == [FIRST_SPAN, 2 * FIRST_SPAN, 4 * FIRST_SPAN, 8 * FIRST_SPAN]
    assert max(lengths) == MAX_SPAN


async def test_scan_spans__single_block_refused__gives_up() -> None:
    with pytest.raises(Retry):
        await scan(0, 1, 10)


async def test_scan_spans__node_down__does_not_halve() -> None:
    def refuse(_query: object) -> None:
        raise Retry(Reason.RPC_UNREACHABLE, "ask node")

    rpc = FakeRpc({"eth_getLogs": refuse})
    with pytest.raises(Retry):
        async for _ in scan_spans(rpc, FILTER, BlockNumber(0), BlockNumber(1_000_000)):
            pass
    assert len(rpc.calls) == 1


@pytest.mark.parametrize("log", [make_log(8), make_log(7, STRANGER), {**make_log(7), "data": "0x1"}, {}, None])
async def test_fetch_logs_of_block__log_that_was_not_asked_for__retry(log: Any) -> None:
    rpc = FakeRpc({"eth_getLogs": lambda _query: [log]})
    with pytest.raises(Retry):
        await fetch_logs_of_block(rpc, FILTER, BlockHash((7).to_bytes(32, "big")))


# ---- operator sets


def test_compress_g1__keys_of_the_signing_library__the_same_bytes() -> None:
    backend = load_backend("fast")
    for number in range(1, 40):  # both roots of y occur
        key = backend.public_key(BlsSecretKey.from_int(number))
        encoded = backend.g1_to_eip2537(key)
        assert compress_g1(encoded[16:64], encoded[80:128]) == key


def test_parse_operator_set__empty_slots__left_out() -> None:
    slot = b"\xaa" * 20 + (5).to_bytes(12, "big") + b"\x01" * 48 + b"\x02" * 48
    blob = bytes(HEADER_LENGTH) + bytes(3 * SLOT_LENGTH) + slot
    operators = parse_operator_set(SetVersion(2), blob).operators
    assert [(operator.slot, operator.stake, operator.operator_id) for operator in operators] == [(3, 5, b"\xaa" * 20)]


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        bytes(HEADER_LENGTH - 1),
        bytes(HEADER_LENGTH + 1),
        bytes(MAX_LENGTH + SLOT_LENGTH),
        b"\x01" + bytes(MAX_LENGTH - 1),
    ],
)
def test_parse_operator_set__other_code__retry(blob: bytes) -> None:
    with pytest.raises(Retry):
        parse_operator_set(SetVersion(1), blob)


# ---- deployment


@pytest.mark.parametrize(
    ("nonce", "address"),
    [
        (0, "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d"),
        (1, "343c43a37d37dff08ae8c4a11544c718abb4fcf8"),
        (2, "f778b86fa74e846c4f0a1fbd1335fe81c00a0c91"),
        (3, "fffd933a0bc612844eaf0c6fe3e5b8e9b6c1d19c"),
    ],
)
def test_contract_address__known_deployer__known_addresses(nonce: int, address: str) -> None:
    """Public vectors of the CREATE rule."""
    deployer = Address(bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"))
    assert compute_contract_address(deployer, nonce).hex() == address


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")
