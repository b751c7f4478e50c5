"""What the notifier sends to the webhook, what it only logs, and the id of each notification."""

import dataclasses
import json
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import pytest

from services.notifier.handlers import TOLD_FACTS, Notification, Notifier
from services.notifier.settings import Settings
from services.notifier.wiring import open_webhook
from tests.golden.make_wire import EXAMPLES
from tests.kit.bus.records import deliver
from tests.kit.chain.deployment import DOMAIN
from tests.kit.metrics import count
from tests.kit.signing.operators import make_keys
from tests.kit.waiting import within
from zarathustra.bus.records import Delivery, Header, Record
from zarathustra.core import events, messages
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.events import ChainEvent, Fact, Retracted, chain_record_id
from zarathustra.core.messages import Message, TaskStalled
from zarathustra.core.outcomes import Outcome
from zarathustra.core.reasons import Reason
from zarathustra.core.types import (
    ZERO32,
    Attempt,
    BlockHash,
    BlockNumber,
    Micro,
    OperatorId,
    ProjectId,
    SubmissionIndex,
    TaskId,
    Topic,
)
from zarathustra.runtime.records import build_record
from zarathustra.runtime.settings import load_settings
from zarathustra.signing.signer import EcdsaSigner
from zarathustra.telemetry.metrics import Metrics
from zarathustra.wire.codec import encode

pytestmark = pytest.mark.unit

SIGNER = EcdsaSigner(make_keys(0).ecdsa, DOMAIN)
TASK = TaskId(b"\x11" * 32)
SETTLED = events.SubmissionSettled(
    ProjectId(1), SubmissionIndex(2), TASK, Outcome.IMPROVED, Micro(-1), Micro(900_000), Micro(2**60)
)
EVENTS = {name: value for name, value in EXAMPLES.items() if isinstance(value, ChainEvent)}


@dataclass
class Receiver:
    """A webhook receiver that takes notifications or refuses them."""

    taken: list[Notification] = field(default_factory=list)
    is_up: bool = True

    async def deliver(self, notification: Notification) -> None:
        if not self.is_up:
            raise Retry(Reason.WEBHOOK_FAILED, "receiver refused", status=500)
        self.taken.append(notification)


@dataclass
class Site:
    receiver: Receiver
    metrics: Metrics
    notifier: Notifier


def open_site(*, has_webhook: bool = True, trusted: OperatorId | None = SIGNER.operator_id) -> Site:
    receiver, metrics = Receiver(), Metrics("notifier")
    deliver = receiver.deliver if has_webhook else None
    trusted_operators = frozenset({trusted} if trusted else ())
    return Site(receiver, metrics, Notifier(deliver, DOMAIN, metrics, trusted_operators=trusted_operators))


def event_of(fact: Fact) -> ChainEvent:
    return ChainEvent(31_337, BlockNumber(7), BlockHash(b"\xb1" * 32), ZERO32, 3, ProjectId(1), fact)


def event_delivery(value: ChainEvent | Retracted) -> Delivery:
    headers: dict[str, bytes] = {
        Header.TYPE: type(value).__name__.encode(),
        Header.ID: str(chain_record_id(value)).encode(),
    }
    return deliver(Record(Topic.CHAIN_EVENTS, b"\x01", encode(value), headers))


def certificate_delivery(message: Message) -> Delivery:
    return deliver(build_record(Topic.CERTIFICATES, message, signer=SIGNER, time_ms=1))


async def tell(site: Site, value: ChainEvent | Retracted | Message) -> None:
    """Give a record of the value to the handler of its topic; the handler must return no records."""
    if isinstance(value, ChainEvent | Retracted):
        assert await within(site.notifier.on_chain_event(event_delivery(value))) == ()
    else:
        assert await within(site.notifier.on_certificate(certificate_delivery(value))) == ()


@pytest.mark.parametrize("name", sorted(EVENTS))
async def test_tell__every_fact__is_logged_and_sent_if_people_act_on_it(name: str) -> None:
    site, event = open_site(), EVENTS[name]
    await tell(site, event)
    is_told = type(event.fact) in TOLD_FACTS
    assert [one.type for one in site.receiver.taken] == ([name] if is_told else [])
    assert count(site.metrics, "notifications_total", channel="log", type=name) == 1
    assert count(site.metrics, "notifications_total", channel="webhook", type=name) == is_told


@pytest.mark.parametrize("name", sorted(kind.__name__ for kind in get_args(messages.Message)), ids=str)
async def test_tell__every_message__is_logged_and_sent_if_people_act_on_it(name: str) -> None:
    site = open_site()
    await tell(site, EXAMPLES[name])
    assert [one.type for one in site.receiver.taken] == ([name] if name == "TaskStalled" else [])
    assert count(site.metrics, "notifications_total", channel="log", type=name) == 1


async def test_tell__strangers_message__is_logged_and_not_sent() -> None:
    site = open_site(trusted=None)
    await tell(site, TaskStalled(TASK, Attempt(0), Reason.QUORUM_UNREACHABLE.code))
    assert site.receiver.taken == []
    assert count(site.metrics, "notifications_total", channel="log", type="TaskStalled") == 1


async def test_tell__no_webhook__only_logs() -> None:
    site = open_site(has_webhook=False)
    await tell(site, event_of(SETTLED))
    assert count(site.metrics, "notifications_total", channel="log", type="SubmissionSettled") == 1


async def test_tell__fact__is_readable_json() -> None:
    site = open_site()
    await tell(site, event_of(SETTLED))
    (notification,) = site.receiver.taken
    assert notification.data == {
        "project_id": 1,
        "index": 2,
        "task_id": "0x" + TASK.hex(),
        "outcome": "IMPROVED",
        "champion_score": -1,
        "challenger_score": 900_000,
        "gain_lower_bound": str(2**60),  # a number would lose digits in JavaScript
    }
    json.dumps(dataclasses.asdict(notification))


async def test_tell__retraction__is_marked_and_has_another_id() -> None:
    site, event = open_site(), event_of(SETTLED)
    await tell(site, event)
    await tell(site, Retracted(event))
    told, retracted = site.receiver.taken
    assert (told.is_retracted, retracted.is_retracted) == (False, True)
    assert (told.type, told.data) == (retracted.type, retracted.data)
    assert told.id != retracted.id


async def test_tell__same_record_twice__has_the_same_id() -> None:
    site = open_site()
    for _ in range(2):
        await tell(site, event_of(SETTLED))
    first, second = site.receiver.taken
    assert first == second
    assert first.id == str(chain_record_id(event_of(SETTLED)))


@pytest.mark.parametrize("header", [b"", b"\xff\xfe", b"a\r\nwebhook-id: b", b"x" * 10_000])
async def test_tell__id_header_is_forged__id_is_derived_from_the_content(header: bytes) -> None:
    """The envelope does not cover headers: with a copied id, a stranger could suppress a true notification."""
    site = open_site()
    stalled = TaskStalled(TASK, Attempt(0), Reason.QUORUM_UNREACHABLE.code)
    honest = certificate_delivery(stalled)
    forged = replace(honest, record=replace(honest.record, headers={**honest.record.headers, Header.ID: header}))
    await within(site.notifier.on_certificate(honest))
    await within(site.notifier.on_certificate(forged))
    first, second = site.receiver.taken
    assert first.id == second.id == honest.record.headers[Header.ID].decode()


async def test_tell__receiver_is_down__raises_retry_and_is_sent_later() -> None:
    site = open_site()
    site.receiver.is_up = False
    with pytest.raises(Retry) as caught:
        await tell(site, event_of(SETTLED))
    assert caught.value.reason is Reason.WEBHOOK_FAILED
    assert count(site.metrics, "notifications_total", channel="webhook", type="SubmissionSettled") == 0
    site.receiver.is_up = True
    await tell(site, event_of(SETTLED))
    assert len(site.receiver.taken) == 1


async def test_on_certificate__bad_envelope__is_refused() -> None:
    site = open_site()
    delivery = certificate_delivery(TaskStalled(TASK, Attempt(0), "x"))
    tampered = replace(delivery, record=replace(delivery.record, value=delivery.record.value + b"\x00"))
    with pytest.raises(Invalid) as caught:
        await within(site.notifier.on_certificate(tampered))
    assert caught.value.reason is Reason.BAD_ENVELOPE
    assert site.receiver.taken == []


async def test_on_chain_event__operators_message__is_refused() -> None:
    site = open_site()
    with pytest.raises(Invalid) as caught:
        await within(site.notifier.on_chain_event(certificate_delivery(TaskStalled(TASK, Attempt(0), "x"))))
    assert caught.value.reason is Reason.UNKNOWN_TYPE


# ---- settings

GOOD_SECRET = "whsec_" + "QUFB" * 8
ENVIRON = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092", "DEPLOYMENT_FILE": "/deployment.json"}


def settings_with(**extra: str) -> Settings:
    return load_settings(Settings, {**ENVIRON, **extra})


async def test_open_webhook__no_url__delivers_nowhere() -> None:
    async with open_webhook(settings_with()) as deliver_to:
        assert deliver_to is None


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"WEBHOOK_SECRET": "hunter2"},
        {"WEBHOOK_SECRET": "QUFB" * 8},
        {"WEBHOOK_SECRET": "whsec_QUFB"},
        {"WEBHOOK_SECRET": "whsec_" + "!" * 40},
        {"WEBHOOK_SECRET": "whsec_" + "ü" * 40},
    ],
    ids=["none", "no prefix", "only base64", "too short", "no base64", "no ascii"],
)
async def test_open_webhook__secret_is_missing_or_wrong__is_refused_and_not_shown(extra: dict[str, str]) -> None:
    with pytest.raises(Invalid) as caught:
        await open_it(settings_with(WEBHOOK_URL="http://127.0.0.1:1/", **extra))
    assert caught.value.reason is Reason.BAD_SETTING
    assert extra.get("WEBHOOK_SECRET", "?") not in str(caught.value)


@pytest.mark.parametrize("url", ["not a url", "ftp://example.org/x", "http://", "http://[", "//example.org"])
async def test_open_webhook__url_is_malformed__is_refused(url: str) -> None:
    """A bad URL is reported at the start; otherwise it would look like a receiver that never answers."""
    with pytest.raises(Invalid) as caught:
        await open_it(settings_with(WEBHOOK_URL=url, WEBHOOK_SECRET=GOOD_SECRET))
    assert caught.value.reason is Reason.BAD_SETTING


async def open_it(settings: Settings) -> Any:
    async with open_webhook(settings) as deliver_to:
        return deliver_to
