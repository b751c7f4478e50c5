"""Encode calls of the contracts, and decode their results, events and errors, by name.

The ABI's camel-case names are snake-case names in Python: the event `TaskOpened(taskId, …)` is the fact
`core.events.TaskOpened(task_id, …)`. So one decoder works for every event and struct; a golden test compares both
lists.
"""

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from functools import cache
from importlib import resources
from typing import Any, Final, TypeVar, get_args, get_type_hints

from eth_abi.abi import encode
from eth_abi.codec import ABICodec
from eth_abi.decoding import StringDecoder
from eth_abi.exceptions import DecodingError
from eth_abi.registry import registry as default_registry
from eth_hash.auto import keccak

from zarathustra.core.errors import Retry
from zarathustra.core.events import Fact
from zarathustra.core.reasons import Reason

GOVERNANCE: Final = "AvsGovernance"
ATTESTATION_CENTER: Final = "AttestationCenter"
AVS_LOGIC: Final = "AvsLogic"
MODEL_SUBMISSION: Final = "ModelSubmission"
VERIFIER: Final = "BlsSignatureVerifier"
SEED_SOURCE: Final = "PrevRandaoSeedSource"
ADMINISTRATION: Final = "Administration"
TIMELOCK: Final = "Timelock"
CONTRACTS: Final = (
    GOVERNANCE,
    ATTESTATION_CENTER,
    AVS_LOGIC,
    MODEL_SUBMISSION,
    VERIFIER,
    SEED_SOURCE,
    ADMINISTRATION,
    TIMELOCK,
)

SELECTOR_LENGTH: Final = 4
FACT_CLASSES: Final[Mapping[str, type]] = {fact.__name__: fact for fact in get_args(Fact)}

T = TypeVar("T")


def _build_codec() -> ABICodec:
    """Build eth_abi's codec, except that text that is not UTF-8 decodes with replacement characters.

    Solidity does not check a `string`; a stranger's invalid byte in an event must not stop the indexer.
    """
    registry: Any = default_registry.copy()  # type: ignore[no-untyped-call]
    decoder: Any = StringDecoder(handle_string_errors="replace")  # type: ignore[no-untyped-call]
    registry.unregister("string")
    registry.register("string", encoder=registry.get_encoder("bytes"), decoder=decoder)
    return ABICodec(registry)


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One input or output; `components` are a struct's fields, in the order of the ABI."""

    name: str
    type: str
    components: tuple["Parameter", ...] = ()
    is_indexed: bool = False

    @property
    def canonical_type(self) -> str:
        """The type as signatures write it: a struct is the tuple of its components."""
        if not self.type.startswith("tuple"):
            return self.type
        return _tuple_type(self.components) + self.type.removeprefix("tuple")


@dataclasses.dataclass(frozen=True)
class Entry:
    """A function, event or error."""

    name: str
    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...] = ()

    @property
    def hash(self) -> bytes:
        """Keccak of the signature. It is an event's first topic; its first four bytes select a function or error."""
        return keccak(f"{self.name}{_tuple_type(self.inputs)}".encode())

    @property
    def selector(self) -> bytes:
        return self.hash[:SELECTOR_LENGTH]


@dataclasses.dataclass(frozen=True)
class Abi:
    """One contract: functions by name, events by first topic, errors by selector, and the creation code."""

    name: str
    functions: Mapping[str, Entry]
    events: Mapping[bytes, Entry]
    errors: Mapping[bytes, Entry]
    constructor_inputs: tuple[Parameter, ...]
    bytecode: bytes

    def get_event(self, name: str) -> Entry:
        """Return the event of that name. Raises KeyError."""
        return {entry.name: entry for entry in self.events.values()}[name]


@dataclasses.dataclass(frozen=True)
class ContractError:
    """A decoded revert: the error's name and arguments, such as `WrongValue` and `(1, 2)`."""

    name: str
    arguments: str


@cache
def load_abi(name: str) -> Abi:
    """Load the committed ABI of a contract; cached. Raises FileNotFoundError for a name that is not in CONTRACTS."""
    source = resources.files("zarathustra.chain").joinpath("abi", f"{name}.json")
    return parse_abi(name, json.loads(source.read_text(encoding="utf-8")))


def parse_abi(name: str, document: Mapping[str, Any]) -> Abi:
    """Parse the ABI in a document `{"abi": […], "bytecode": "0x…"}`."""
    entries = document["abi"]
    constructors = [entry for entry in entries if entry["type"] == "constructor"]
    return Abi(
        name=name,
        functions={entry.name: entry for entry in _parse_entries(entries, "function")},
        events={entry.hash: entry for entry in _parse_entries(entries, "event")},
        errors={entry.selector: entry for entry in _parse_entries(entries, "error")},
        constructor_inputs=_parse_parameters(constructors[0]["inputs"]) if constructors else (),
        bytecode=bytes.fromhex(document.get("bytecode", "").removeprefix("0x")),
    )


def encode_call(abi: Abi, function: str, *arguments: object) -> bytes:
    """Encode the call data of a function. A struct argument is a dataclass with the struct's field names."""
    entry = abi.functions[function]
    return entry.selector + encode_arguments(entry.inputs, arguments)


def encode_arguments(parameters: Sequence[Parameter], arguments: Sequence[object]) -> bytes:
    """Encode the arguments of a function or constructor. Raises TypeError for a wrong number of them."""
    if len(parameters) != len(arguments):
        raise TypeError(f"expected {len(parameters)} arguments, got {len(arguments)}")
    values = [_to_abi(parameter, argument) for parameter, argument in zip(parameters, arguments, strict=True)]
    return encode([parameter.canonical_type for parameter in parameters], values)


def decode_result(abi: Abi, function: str, data: bytes) -> tuple[Any, ...]:
    """Decode the outputs of a function; structs are tuples in the ABI's order. Raises Retry(RPC_ERROR)."""
    outputs = abi.functions[function].outputs
    return tuple(
        _from_abi(parameter, value, None) for parameter, value in zip(outputs, _decode(outputs, data), strict=True)
    )


def decode_struct(abi: Abi, function: str, data: bytes, value_class: type[T]) -> T:
    """Decode the only struct that a function returns into a dataclass of its fields. Raises Retry(RPC_ERROR)."""
    outputs = abi.functions[function].outputs
    value: T = _from_abi(outputs[0], _decode(outputs, data)[0], value_class)
    return value


def decode_fact(entry: Entry, topics: Sequence[bytes], data: bytes) -> Fact:
    """Decode the fact in a log whose first topic is `entry`'s. Raises Retry(RPC_ERROR) if the rest does not fit."""
    values = decode_event(entry, topics, data)
    fact: Fact = _build(FACT_CLASSES[entry.name], entry.inputs, list(values.values()))
    return fact


def decode_event(entry: Entry, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
    """Decode a log's values by name, in the order of the ABI. As `decode_fact`, for events that are no facts."""
    indexed = [parameter for parameter in entry.inputs if parameter.is_indexed]
    plain = [parameter for parameter in entry.inputs if not parameter.is_indexed]
    if len(topics) != len(indexed) + 1:
        raise Retry(Reason.RPC_ERROR, "log has the wrong number of topics", event=entry.name, topics=len(topics))

    values = dict(zip(plain, _decode(plain, data), strict=True))
    values |= dict(zip(indexed, _decode(indexed, b"".join(topics[1:])), strict=True))
    return {parameter.name: values[parameter] for parameter in entry.inputs}


def decode_call(abi: Abi, data: bytes) -> tuple[str, tuple[Any, ...]] | None:
    """Return the function and the arguments of a call's data; None if the contract has no such function."""
    selected = [entry for entry in abi.functions.values() if entry.selector == data[:SELECTOR_LENGTH]]
    if not selected:
        return None
    try:
        return selected[0].name, _decode(selected[0].inputs, data[SELECTOR_LENGTH:])
    except Retry:
        return None


def describe_revert(data: bytes) -> ContractError:
    """Decode the error in a revert's data, with the ABI of all contracts. Never raises: a revert must be readable."""
    entry = _error_entries().get(data[:SELECTOR_LENGTH])
    if entry is None:
        return ContractError("UnknownError" if data else "EmptyRevert", "0x" + data[:36].hex() if data else "")
    try:
        values = _decode(entry.inputs, data[SELECTOR_LENGTH:])
    except Retry:
        return ContractError(entry.name, "undecodable")
    return ContractError(entry.name, "(" + ", ".join(map(_format_argument, values)) + ")")


def to_snake_case(name: str) -> str:
    """Convert camel case to snake case: `taskId` → `task_id`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


# ---- parsing


def _parse_entries(entries: Iterable[Mapping[str, Any]], kind: str) -> list[Entry]:
    return [
        Entry(entry["name"], _parse_parameters(entry["inputs"]), _parse_parameters(entry.get("outputs", ())))
        for entry in entries
        if entry["type"] == kind
    ]


def _parse_parameters(items: Iterable[Mapping[str, Any]]) -> tuple[Parameter, ...]:
    return tuple(
        Parameter(
            name=item["name"],
            type=item["type"],
            components=_parse_parameters(item.get("components", ())),
            is_indexed=item.get("indexed", False),
        )
        for item in items
    )


def _tuple_type(parameters: Iterable[Parameter]) -> str:
    return "(" + ",".join(parameter.canonical_type for parameter in parameters) + ")"


@cache
def _error_entries() -> Mapping[bytes, Entry]:
    """Return the errors of all contracts, and Solidity's own two."""
    builtin = (
        Entry("Error", (Parameter("message", "string"),)),
        Entry("Panic", (Parameter("code", "uint256"),)),
    )
    entries = {entry.selector: entry for entry in builtin}
    for name in CONTRACTS:
        entries |= load_abi(name).errors
    return entries


# ---- values


def _to_abi(parameter: Parameter, value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return tuple(
            _to_abi(component, getattr(value, to_snake_case(component.name))) for component in parameter.components
        )
    return value


def _decode(parameters: Sequence[Parameter], data: bytes) -> tuple[Any, ...]:
    try:
        values: tuple[Any, ...] = _CODEC.decode([parameter.canonical_type for parameter in parameters], data)
    except DecodingError as error:
        raise Retry(Reason.RPC_ERROR, "decode ABI data", types=_tuple_type(parameters), error=str(error)) from error
    return values


def _from_abi(parameter: Parameter, value: Any, hint: Any) -> Any:
    if parameter.type == "address":
        return bytes.fromhex(value.removeprefix("0x"))
    if parameter.type == "tuple" and dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, parameter.components, value)
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return hint(value)
    return value


def _build(value_class: Any, parameters: Sequence[Parameter], values: Sequence[Any]) -> Any:
    hints = _plain_hints(value_class)
    fields: dict[str, Any] = {}
    for parameter, value in zip(parameters, values, strict=True):
        name = to_snake_case(parameter.name)
        fields[name] = _from_abi(parameter, value, hints[name])
    return value_class(**fields)


@cache
def _plain_hints(value_class: type) -> Mapping[str, Any]:
    """Return each field's type without NewTypes."""
    return {name: _plain_type(hint) for name, hint in get_type_hints(value_class).items()}


def _plain_type(hint: Any) -> Any:
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    return hint


def _format_argument(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)[:80]


_CODEC: Final = _build_codec()
