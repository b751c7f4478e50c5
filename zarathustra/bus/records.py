"""Records of the bus: one to send, and one as it was delivered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Header(StrEnum):
    """Header names. Append-only: topics and dead letters store them."""

    ID = "id"  # uuid5 of the fact's natural key
    TYPE = "type"  # name of the message in the topic's proto
    TIME = "time"
    TRACEPARENT = "traceparent"
    OPERATOR = "operator"
    SIGNATURE = "signature"
    # Set by the loop on retries and dead letters, never by a service.
    ATTEMPT = "attempt"  # number of the delivery attempt: the next one on a retry, the last one on a dead letter
    NOT_BEFORE = "not-before"  # milliseconds since the epoch
    REASON = "reason"
    CAUSE = "cause"  # the last delivery attempt's reason when `reason` is too_many_failures
    ERROR = "error"
    SOURCE_TOPIC = "source-topic"
    SOURCE_PARTITION = "source-partition"
    SOURCE_OFFSET = "source-offset"
    CUT_FROM = "cut-from"  # the length that the value had, when it was too large to keep whole


class Partition(NamedTuple):
    """One ordered log of a topic."""

    topic: str
    number: int


@dataclass(frozen=True)
class Record:
    """A record to send. Records with equal keys go to one partition, in the order in which they were sent."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)

    def count_bytes(self) -> int:
        """Return the size of key, value and headers together, without Kafka's framing."""
        headers = sum(len(name.encode()) + len(value) for name, value in self.headers.items())
        return len(self.key) + len(self.value) + headers


@dataclass(frozen=True)
class Delivery:
    """A record as the bus delivered it. (topic, partition, offset) identifies it permanently."""

    record: Record
    partition: int
    offset: int
    timestamp_ms: int

    def get_partition(self) -> Partition:
        return Partition(self.record.topic, self.partition)
