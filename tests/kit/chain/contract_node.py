"""A node whose contracts are a table of views and a list of events: what readers of a chain are told, lies included."""

from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode

from tests.kit.chain.deployment import DEPLOYMENT
from tests.kit.chain.fake_rpc import FakeRpc
from tests.kit.derived import derive_bytes
from zarathustra.chain import abi
from zarathustra.chain.abi import Entry, Parameter, encode_arguments, encode_call, load_abi, to_snake_case
from zarathustra.core.events import AttestationFact, Fact
from zarathustra.core.types import Address

ADDRESSES = {
    abi.GOVERNANCE: DEPLOYMENT.governance,
    abi.ATTESTATION_CENTER: DEPLOYMENT.attestation_center,
    abi.MODEL_SUBMISSION: DEPLOYMENT.model_submission,
}


@dataclass
class ContractNode:
    """`rpc` answers from `views` and `events`; a test changes both. Events are pairs of a block and a fact."""

    head: int = 100
    views: dict[tuple[Address, bytes], bytes] = field(default_factory=dict)
    events: list[tuple[int, Fact]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rpc = FakeRpc(
            {
                "eth_getBlockByNumber": lambda _number, _full: self._build_block(),
                "eth_call": lambda request, _block: self._view(request),
                "eth_getLogs": self._find_logs,
            }
        )

    def put_view(self, contract: str, function: str, *arguments: object, value: object) -> None:
        """Let a view return a value: a struct is a dataclass of its fields."""
        entry = load_abi(contract)
        data = encode_call(entry, function, *arguments)
        self.views[ADDRESSES[contract], data] = encode_arguments(entry.functions[function].outputs, [value])

    def count_calls(self, method: str) -> int:
        return sum(call.method == method for call in self.rpc.calls)

    def _build_block(self) -> dict[str, str]:
        return {
            "number": hex(self.head),
            "hash": _hash(self.head),
            "parentHash": _hash(self.head - 1),
            "timestamp": "0x1",
        }

    def _view(self, request: dict[str, str]) -> str:
        to, data = (bytes.fromhex(request[name][2:]) for name in ("to", "data"))
        return "0x" + self.views[Address(to), data].hex()

    def _find_logs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        logs = [
            _build_log(block, place, fact) for place, (block, fact) in enumerate(self.events) if first <= block <= last
        ]
        return [log for log in logs if _matches(log, query)]


def _matches(log: dict[str, Any], query: dict[str, Any]) -> bool:
    first, *rest = query["topics"]
    is_named = log["topics"][0] in first and log["topics"][1 : 1 + len(rest)] == rest
    return is_named and log["address"] in query["address"]


def _build_log(block: int, place: int, fact: Fact) -> dict[str, Any]:
    contract = abi.ATTESTATION_CENTER if isinstance(fact, AttestationFact) else abi.MODEL_SUBMISSION
    entry = load_abi(contract).get_event(type(fact).__name__)
    plain = [parameter for parameter in entry.inputs if not parameter.is_indexed]
    return {
        "address": "0x" + ADDRESSES[contract].hex(),
        "topics": ["0x" + topic.hex() for topic in _build_topics(entry, fact)],
        "data": "0x" + encode_arguments(plain, [_value_of(fact, parameter) for parameter in plain]).hex(),
        "blockNumber": hex(block),
        "blockHash": _hash(block),
        "transactionHash": "0x" + "00" * 32,
        "logIndex": hex(place),
    }


def _build_topics(entry: Entry, fact: Fact) -> list[bytes]:
    indexed = [parameter for parameter in entry.inputs if parameter.is_indexed]
    return [entry.hash, *(encode([parameter.type], [_value_of(fact, parameter)]) for parameter in indexed)]


def _value_of(fact: Fact, parameter: Parameter) -> Any:
    return getattr(fact, to_snake_case(parameter.name))


def _hash(number: int) -> str:
    return "0x" + derive_bytes(32, "block", number).hex()
