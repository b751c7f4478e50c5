"""Which handler takes the records of which topic, and what must stay in order."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from zarathustra.bus.records import Delivery, Record
from zarathustra.bus.topics import group_topics

Handler = Callable[[Delivery], Awaitable[Sequence[Record]]]
Lane = Callable[[Delivery], bytes | None]


def lane_by_key(delivery: Delivery) -> bytes | None:
    """One record of a key at a time: a retraction is handled after what it retracts."""
    return delivery.record.key


def no_lane(delivery: Delivery) -> bytes | None:
    """Any order and all at once, for a handler to which order means nothing."""
    return None


@dataclass(frozen=True)
class Route:
    """How records of one topic are handled.

    `lane` names what must stay in order; it must not raise. `is_open_to_strangers` marks a topic that operators
    other than us write: their rubbish is given up record by record, and never counts as a bug of ours, or one
    of them could stop everybody.
    """

    handle: Handler
    lane: Lane = lane_by_key
    is_open_to_strangers: bool = False


Routes = Mapping[str, Handler | Route]
"""By topic."""


def as_route(handler: Handler | Route) -> Route:
    """A bare handler as a route with the defaults."""
    return handler if isinstance(handler, Route) else Route(handler)


def list_topics(topics: Iterable[str], group: str) -> list[str]:
    """What the loop's consumer subscribes to: the handlers' topics and the group's retry topic."""
    return [*topics, group_topics(group).retry]
