"""Webhooks at a real receiver on a loopback port, which checks them by the Standard Webhooks specification.

The check here is written from the specification (signed content "id.timestamp.payload", HMAC-SHA256 with the decoded
secret, base64, `v1,` and a space-separated list) and shares no code with the sender.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web

from services.notifier.handlers import Notification
from services.notifier.webhook import Webhook
from tests.kit.store.hostile import (
    Behaviour,
    cut_short,
    hang_up,
    hostile_server,
    send_without_end,
    stay_silent,
    talk_nonsense,
)
from tests.kit.waiting import within
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.runtime.http import serve_http
from zarathustra.runtime.settings import Secret

pytestmark = pytest.mark.conformance

KEY = bytes(range(32))
SECRET = Secret("whsec_" + base64.b64encode(KEY).decode())
NOW = 1_700_000_000
TOLERANCE_SECONDS = 300  # the specification's libraries'
NOTIFICATION = Notification(
    id="0b6c0f9e-0000-5000-8000-000000000001",
    type="SubmissionSettled",
    is_retracted=False,
    data={"project_id": 1, "outcome": "IMPROVED", "note": "grüße ✓"},
)


@dataclass
class Receiver:
    """A receiver that keeps each request byte for byte and answers as its fields say."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    arrived: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    hold: asyncio.Event | None = None

    async def on_post(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.arrived.append((headers, await request.read()))
        if self.hold is not None:
            await self.hold.wait()
        return web.Response(status=self.status, headers=self.headers)


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes([web.post("/hook", receiver.on_post)])
    async with serve_http(app, "127.0.0.1:0") as port:
        yield f"http://127.0.0.1:{port}/hook"


async def send(url: str, notification: Notification = NOTIFICATION, *, timeout_seconds: float = 10.0) -> None:
    async with aiohttp.ClientSession() as session:
        webhook = Webhook(session, url, SECRET, get_time_s=lambda: NOW, timeout_seconds=timeout_seconds)
        await webhook.send(notification)


def verify(headers: dict[str, str], body: bytes, *, key: bytes = KEY, now: int = NOW) -> bool:
    """Verify a webhook as the specification requires of a receiver."""
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS or "." in message_id:
        return False
    mac = hmac.digest(key, message_id.encode("ascii") + b"." + timestamp.encode("ascii") + b"." + body, hashlib.sha256)
    given = [part.split(",", 1) for part in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and base64.b64decode(text, validate=True) == mac for version, text in given)


async def test_send__receiver_accepts__verifies_by_the_specification() -> None:
    receiver = Receiver()
    async with receiving(receiver) as url:
        await within(send(url))
    ((headers, body),) = receiver.arrived
    assert verify(headers, body)
    assert headers["webhook-id"] == NOTIFICATION.id
    assert headers["content-type"] == "application/json"
    document = json.loads(body)
    assert document["type"] == "SubmissionSettled"
    assert document["data"] == NOTIFICATION.data
    assert document["is_retracted"] is False


async def test_verify__anything_changed__fails() -> None:
    """This shows that `verify` can fail."""
    receiver = Receiver()
    async with receiving(receiver) as url:
        await within(send(url))
    ((headers, body),) = receiver.arrived
    assert not verify(headers, body + b" ")
    assert not verify({**headers, "webhook-id": "other"}, body)
    assert not verify({**headers, "webhook-timestamp": str(NOW + 1)}, body)
    assert not verify(headers, body, key=bytes(32))
    assert not verify(headers, body, now=NOW + TOLERANCE_SECONDS + 1)


async def test_send__again__has_the_same_id() -> None:
    receiver = Receiver()
    async with receiving(receiver) as url:
        await within(send(url))
        await within(send(url))
    (first, _), (second, _) = receiver.arrived
    assert first["webhook-id"] == second["webhook-id"]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_send__2xx__is_delivered(status: int) -> None:
    async with receiving(Receiver(status)) as url:
        await within(send(url))


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 410, 429, 500, 503])
async def test_send__any_other_status__is_tried_again(status: int) -> None:
    async with receiving(Receiver(status)) as url:
        with pytest.raises(Retry) as caught:
            await within(send(url))
    assert caught.value.reason is Reason.WEBHOOK_FAILED
    assert caught.value.details["status"] == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_send__redirect__is_not_followed(status: int) -> None:
    """A receiver must not be able to redirect the sender to another server, such as one inside its network."""
    elsewhere = Receiver()
    async with receiving(elsewhere) as target, receiving(Receiver(status, {"Location": target})) as url:
        with pytest.raises(Retry) as caught:
            await within(send(url))
    assert caught.value.reason is Reason.WEBHOOK_FAILED
    assert elsewhere.arrived == []


async def test_send__receiver_does_not_answer__is_tried_again() -> None:
    receiver = Receiver(hold=asyncio.Event())
    async with receiving(receiver) as url:
        with pytest.raises(Retry) as caught:
            await within(send(url, timeout_seconds=0.2))
        assert receiver.hold is not None
        receiver.hold.set()
    assert caught.value.reason is Reason.WEBHOOK_FAILED


async def test_send__nobody_listens__is_tried_again() -> None:
    async with receiving(Receiver()) as url:
        closed = url
    with pytest.raises(Retry) as caught:
        await within(send(closed))
    assert caught.value.reason is Reason.WEBHOOK_FAILED


@pytest.mark.parametrize("behaviour", [hang_up, talk_nonsense, stay_silent], ids=lambda one: str(one.__name__))
async def test_send__hostile_receiver__is_tried_again(behaviour: Behaviour) -> None:
    async with hostile_server(behaviour) as server:
        with pytest.raises(Retry) as caught:
            await within(send(server.url, timeout_seconds=0.5))
    assert caught.value.reason is Reason.WEBHOOK_FAILED


@pytest.mark.parametrize("behaviour", [send_without_end, cut_short], ids=lambda one: str(one.__name__))
async def test_send__receiver_accepts_with_a_bad_body__is_delivered(behaviour: Behaviour) -> None:
    """Only the status counts: the body comes from a stranger and is not read."""
    async with hostile_server(behaviour) as server:
        await within(send(server.url, timeout_seconds=5))
