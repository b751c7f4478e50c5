"""Core values ↔ protobuf bytes, by name: a dataclass and its message share their name and their fields' names.

One codec serves all messages. A field that is added to both sides needs no other change, and a field that only one
side has fails the golden test. Integers over 64 bits are big-endian bytes.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from zarathustra.core import events, messages
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.v1 import attestations_pb2, certificates_pb2, chain_events_pb2, evaluations_pb2

_MODULES = (chain_events_pb2, evaluations_pb2, attestations_pb2, certificates_pb2)

# The contracts' widest integer. A stranger can send a longer one, and Python raises ValueError when it formats an
# integer of thousands of digits: one log line with it would end the service.
MAX_INTEGER_BYTES = 32

T = TypeVar("T")


def encode(value: object) -> bytes:
    """Return the value's bytes; equal values give equal bytes."""
    return _to_message(value).SerializeToString(deterministic=True)


def decode(record_type: str, data: bytes) -> events.ChainEvent | events.Retracted | messages.Message:
    """Return the core value in a record. Raises Invalid(UNKNOWN_TYPE) or Invalid(UNPARSABLE)."""
    value_class = RECORD_TYPES.get(record_type)
    if value_class is None:
        raise Invalid(Reason.UNKNOWN_TYPE, "decode record", type=record_type[:64])
    value: events.ChainEvent | events.Retracted | messages.Message = decode_as(value_class, data)
    return value


def decode_as(value_class: type[T], data: bytes) -> T:
    """Return the value of a known class. Raises Invalid(UNPARSABLE)."""
    message = _message_class(value_class.__name__)()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise Invalid(Reason.UNPARSABLE, "parse protobuf", type=value_class.__name__) from error
    return _from_message(value_class, message)


def record_type(value: object) -> str:
    """Return the `type` header of a value's record."""
    return type(value).__name__


RECORD_TYPES: Mapping[str, type] = {
    value_class.__name__: value_class
    for value_class in (events.ChainEvent, events.Retracted, *get_args(messages.Message))
}


# ---- value to message


def _to_message(value: Any) -> Message:
    message = _message_class(type(value).__name__)()
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        descriptor = _descriptor_for(message, field.name, item)
        if descriptor.type == FieldDescriptor.TYPE_MESSAGE:
            getattr(message, descriptor.name).CopyFrom(_to_message(item))
            # Without this, an empty message would not be set in its oneof.
            getattr(message, descriptor.name).SetInParent()
        elif descriptor.type == FieldDescriptor.TYPE_BYTES and isinstance(item, int):
            setattr(message, descriptor.name, _int_to_bytes(item))
        else:
            setattr(message, descriptor.name, item)
    return message


def _descriptor_for(message: Message, name: str, item: object) -> Any:
    """Return the descriptor of the field that holds `item`; a union in the dataclass is a oneof in the message."""
    oneof = message.DESCRIPTOR.oneofs_by_name.get(name)
    if oneof is None:
        return message.DESCRIPTOR.fields_by_name[name]
    by_type = {field.message_type.name: field for field in oneof.fields if field.message_type is not None}
    return by_type[type(item).__name__]


def _int_to_bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


# ---- message to value


def _from_message(value_class: type[T], message: Message) -> T:
    readers = _field_readers(value_class)  # type: ignore[arg-type]  # classes are hashable
    try:
        return value_class(**{name: read(message) for name, read in readers.items()})
    except ValueError as error:  # a number that names no member of its enum
        raise Invalid(Reason.UNPARSABLE, "read message", type=value_class.__name__, cause=error) from error


@cache
def _field_readers(value_class: type) -> dict[str, Callable[[Message], Any]]:
    hints = get_type_hints(value_class)
    return {field.name: _reader(field.name, hints[field.name]) for field in dataclasses.fields(value_class)}


def _reader(name: str, hint: Any) -> Callable[[Message], Any]:
    kind = _plain_type(hint)
    if get_origin(kind) in (Union, types.UnionType):
        return lambda message: _read_oneof(message, name, get_args(kind))
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return lambda message: _from_message(kind, getattr(message, name))
    if issubclass(kind, IntEnum):
        return lambda message: kind(getattr(message, name))
    if kind is int:
        return lambda message: _read_int(getattr(message, name))
    return lambda message: getattr(message, name)


def _read_oneof(message: Message, name: str, choices: tuple[type, ...]) -> Any:
    chosen = message.WhichOneof(name)
    if chosen is None:
        raise Invalid(Reason.UNPARSABLE, f"read {name}: no known choice is set")
    nested = getattr(message, chosen)
    value_class = next(choice for choice in choices if choice.__name__ == nested.DESCRIPTOR.name)
    return _from_message(value_class, nested)


def _read_int(value: int | bytes) -> int:
    if isinstance(value, bytes) and len(value) > MAX_INTEGER_BYTES:
        raise Invalid(Reason.UNPARSABLE, "integer is too long", length=len(value))
    return int.from_bytes(value, "big") if isinstance(value, bytes) else value


def _plain_type(hint: Any) -> Any:
    """Return the runtime type below any NewType."""
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    return hint


@cache
def _message_class(name: str) -> type[Message]:
    for module in _MODULES:
        if hasattr(module, name):
            return getattr(module, name)  # type: ignore[no-any-return]
    raise KeyError(f"no message named {name}")
