"""Which handler takes the records of which topic, and which records must stay in order."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from zarathustra.bus.records import Delivery, Record
from zarathustra.bus.topics import group_topics

Handler = Callable[[Delivery], Awaitable[Sequence[Record]]]
Lane = Callable[[Delivery], bytes | None]


def lane_by_key(delivery: Delivery) -> bytes | None:
    """Handle one record of a key at a time, so that a retraction is handled after the event that it retracts."""
    return delivery.record.key


def no_lane(delivery: Delivery) -> bytes | None:
    """Handle records in any order and at the same time, for a handler that does not depend on order."""
    return None


@dataclass(frozen=True)
class Route:
    """How records of one topic are handled.

    `lane` returns a record's lane, or None for no order; it must not raise. `has_foreign_writers` marks a topic that
    other operators write. Their invalid records become dead letters but never stop the loop: otherwise one operator
    could stop all others.
    """

    handle: Handler
    lane: Lane = lane_by_key
    has_foreign_writers: bool = False


Routes = Mapping[str, Handler | Route]
"""Handlers or routes by topic."""


def as_route(handler: Handler | Route) -> Route:
    """Return the route, or a route with the defaults for a plain handler."""
    return handler if isinstance(handler, Route) else Route(handler)


def list_topics(topics: Iterable[str], group: str) -> list[str]:
    """Return the topics that the loop's consumer subscribes to: those of the handlers and the group's retry topic."""
    return [*topics, group_topics(group).retry]
