"""What travels on the bus: a record to send, and a record as it was delivered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Header(StrEnum):
    """Header names. Append-only: they are stored in kept topics and in dead letters."""

    ID = "id"  # uuid5 of the fact's natural key
    TYPE = "type"  # which message of the topic's proto
    TIME = "time"
    TRACEPARENT = "traceparent"
    OPERATOR = "operator"
    SIGNATURE = "signature"
    # Set by the loop on retries and dead letters, never by a service.
    ATTEMPT = "attempt"  # how many times the record was handled
    NOT_BEFORE = "not-before"  # milliseconds since the epoch
    REASON = "reason"
    CAUSE = "cause"  # the last attempt's reason when `reason` is too_many_failures
    ERROR = "error"
    SOURCE_TOPIC = "source-topic"
    SOURCE_PARTITION = "source-partition"
    SOURCE_OFFSET = "source-offset"
    CUT_FROM = "cut-from"  # the value's length, when it was too large to keep whole


class Partition(NamedTuple):
    """One ordered log of a topic."""

    topic: str
    number: int


@dataclass(frozen=True)
class Record:
    """A record to send. The bus puts equal keys on one partition, in the order sent."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)

    def count_bytes(self) -> int:
        """Key, value and headers together, without Kafka's framing."""
        headers = sum(len(name.encode()) + len(value) for name, value in self.headers.items())
        return len(self.key) + len(self.value) + headers


@dataclass(frozen=True)
class Delivery:
    """A record as the bus delivered it. (topic, partition, offset) names it for ever."""

    record: Record
    partition: int
    offset: int
    timestamp_ms: int

    def get_partition(self) -> Partition:
        return Partition(self.record.topic, self.partition)
