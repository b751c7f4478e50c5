"""The notifier's handlers: log every fact, and send those that people act on to the webhook."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from zarathustra.bus.records import Delivery, Record
from zarathustra.core import events, messages
from zarathustra.core.digests import Domain
from zarathustra.core.events import chain_record_id
from zarathustra.core.messages import message_record_id
from zarathustra.core.types import OperatorId
from zarathustra.runtime.records import read_chain_event, read_message
from zarathustra.telemetry.log import get_logger
from zarathustra.telemetry.metrics import Metrics
from zarathustra.wire.json_view import to_json_value

# Facts that move money or need a person to act; the others are only logged.
TOLD_FACTS = frozenset(
    {
        events.Paused,
        events.Unpaused,
        events.OperatorSlashed,
        events.OperatorJailed,
        events.OperatorEjected,
        events.PerformerGuilty,
        events.ConflictProven,
        events.TaskRejected,
        events.TaskExpired,
        events.TaskDisputed,
        events.DisputeResolved,
        events.ProjectOpened,
        events.ProjectSuspended,
        events.ProjectCancelled,
        events.SubmissionSettled,
        events.ModelImproved,
        events.ChampionRestored,
        events.RewardWithheld,
        events.RewardPaid,
        events.RewardReturned,
        events.BondSlashed,
        messages.TaskStalled,
    }
)


@dataclass(frozen=True)
class Notification:
    """One fact as a receiver gets it. The receiver drops an `id` that it has seen.

    The id is computed from the content. The record's header `id` is not signed: a stranger could copy another record's
    id into its own record, and receivers would drop the other one.
    """

    id: str
    type: str
    is_retracted: bool
    data: dict[str, Any]


Deliver = Callable[[Notification], Awaitable[None]]


class Notifier:
    """Reports each fact at least once. A repeated notification has the same id."""

    def __init__(
        self,
        deliver: Deliver | None,
        domain: Domain,
        metrics: Metrics,
        *,
        trusted_operators: frozenset[OperatorId],
    ) -> None:
        """`deliver` is None where no webhook is configured.

        Anyone that can write to the bus can sign a message, so only those of `trusted_operators` reach the webhook.
        """
        self._deliver = deliver
        self._trusted = trusted_operators
        self._domain = domain
        self._log = get_logger(component="notifier")
        self._told = metrics.counter("notifications", "Facts reported", ["channel", "type"])

    async def on_chain_event(self, delivery: Delivery) -> Sequence[Record]:
        """Handle a record of `chain-events.v1`."""
        value = read_chain_event(delivery)
        event = value.event if isinstance(value, events.Retracted) else value
        is_retracted = isinstance(value, events.Retracted)
        await self._tell(chain_record_id(value), event.fact, is_retracted=is_retracted, is_trusted=True)
        return ()

    async def on_certificate(self, delivery: Delivery) -> Sequence[Record]:
        """Handle a record of `certificates.v1`."""
        sender, message = read_message(delivery, self._domain)
        record_id = message_record_id(message, delivery.record.value)
        await self._tell(record_id, message, is_retracted=False, is_trusted=sender in self._trusted)
        return ()

    async def _tell(
        self, record_id: UUID, fact: events.Fact | messages.Message, *, is_retracted: bool, is_trusted: bool
    ) -> None:
        notification = Notification(
            id=str(record_id),
            type=type(fact).__name__,
            is_retracted=is_retracted,
            data=to_json_value(fact),
        )
        if self._deliver is not None and is_trusted and type(fact) in TOLD_FACTS:
            await self._deliver(notification)
            self._told.labels(channel="webhook", type=notification.type).inc()
        self._log.info("Fact told", type=notification.type, is_retracted=is_retracted, **_flatten(notification.data))
        self._told.labels(channel="log", type=notification.type).inc()


def _flatten(data: dict[str, Any]) -> dict[str, Any]:
    """Return the fields for a log line, without nested values and signatures."""
    return {name: value for name, value in data.items() if not isinstance(value, dict) and name != "signature"}
