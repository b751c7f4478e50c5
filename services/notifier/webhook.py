"""Signed webhooks after the Standard Webhooks specification: the receiver can tell that we sent it, and when.

webhook-signature: v1,base64(HMAC-SHA256(secret, "<id>.<timestamp>.<body>"))
"""

import base64
import dataclasses
import hashlib
import hmac
import json
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp

from services.notifier.handlers import Notification
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.runtime.settings import Secret

SECRET_PREFIX = "whsec_"  # noqa: S105  the specification's prefix, not a secret
MIN_SECRET_BYTES = 24
TIMEOUT_SECONDS = 10.0


class Webhook:
    """One receiver. `send` returns once it has answered 2xx."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        secret: Secret,
        *,
        get_time_s: Callable[[], int],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Raises Invalid(BAD_SETTING) on a URL or a secret that cannot be one."""
        self._session = session
        self._url = parse_url(url)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._key = parse_secret(secret)
        self._get_time_s = get_time_s

    async def send(self, notification: Notification) -> None:
        """Deliver once. Raises Retry(WEBHOOK_FAILED) unless the receiver takes it."""
        body = json.dumps(dataclasses.asdict(notification), sort_keys=True).encode()
        timestamp = self._get_time_s()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": notification.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._key, notification.id, timestamp, body),
        }
        try:
            # No redirects: a receiver must not be able to point us at somebody else.
            async with self._session.post(
                self._url,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=self._timeout,
            ) as response:
                if not 200 <= response.status < 300:
                    raise Retry(Reason.WEBHOOK_FAILED, "receiver refused", status=response.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Retry(Reason.WEBHOOK_FAILED, "receiver did not answer") from error


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def parse_url(text: str) -> str:
    """The receiver's address, http or https. Raises Invalid(BAD_SETTING)."""
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_good = False
    if not is_good:
        raise Invalid(Reason.BAD_SETTING, "webhook URL is not http(s)://host…")  # not shown: it may hold a token
    return text


def parse_secret(secret: Secret) -> bytes:
    """The key in "whsec_<base64>". Raises Invalid(BAD_SETTING)."""
    text = secret.reveal()
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError as error:
        raise Invalid(Reason.BAD_SETTING, "webhook secret is not base64") from error
    if not text.startswith(SECRET_PREFIX) or len(key) < MIN_SECRET_BYTES:
        raise Invalid(
            Reason.BAD_SETTING, f"webhook secret must be whsec_ and base64 of {MIN_SECRET_BYTES} bytes or more"
        )
    return key
