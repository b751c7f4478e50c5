"""Signed webhooks as in the Standard Webhooks specification: the receiver can verify who sent one, and when.

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
    """One receiver. `send` returns once the receiver has answered 2xx."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        secret: Secret,
        *,
        get_time_s: Callable[[], int],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        """Raises Invalid(BAD_SETTING) if the URL or the secret is malformed."""
        self._session = session
        self._url = parse_url(url)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._key = parse_secret(secret)
        self._get_time_s = get_time_s

    async def send(self, notification: Notification) -> None:
        """Send one request. Raises Retry(WEBHOOK_FAILED) unless the receiver accepts it."""
        body = json.dumps(dataclasses.asdict(notification), sort_keys=True).encode()
        timestamp = self._get_time_s()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": notification.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._key, notification.id, timestamp, body),
        }
        try:
            # No redirects: a receiver must not be able to send our requests to another host.
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
    """Return the value of the `webhook-signature` header."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def parse_url(text: str) -> str:
    """Return the receiver's address. Raises Invalid(BAD_SETTING) if it is not http or https with a host."""
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_good = False
    if not is_good:
        raise Invalid(Reason.BAD_SETTING, "webhook URL is not http(s)://host…")  # not shown: it may hold a token
    return text


def parse_secret(secret: Secret) -> bytes:
    """Return the key of a secret "whsec_<base64>". Raises Invalid(BAD_SETTING) if it is malformed or too short."""
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
