"""Joins the notifier's parts."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from services.notifier.handlers import Deliver, Notifier
from services.notifier.settings import Settings
from services.notifier.webhook import Webhook
from zarathustra.chain.deployment import load_deployment
from zarathustra.core.digests import Domain
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import OperatorId, Topic
from zarathustra.runtime.lifecycle import Job, Runtime, serve
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.routes import Route, Routes, lane_by_key
from zarathustra.runtime.map_loop.service import Bus, build_map_loop, open_kafka

TOPICS = (Topic.CHAIN_EVENTS, Topic.CERTIFICATES)


async def start(settings: Settings, runtime: Runtime) -> None:
    """Run until stopped."""
    deployment = load_deployment(settings.deployment_file)
    domain = Domain(deployment.chain_id, deployment.attestation_center)
    async with (
        open_webhook(settings) as deliver,
        open_kafka(settings.kafka_bootstrap_servers, group=settings.group, topics=TOPICS) as bus,
    ):
        jobs = build_jobs(settings, runtime, bus, deliver, domain)
        await serve(runtime, settings.http_listen, jobs)


def build_jobs(
    settings: Settings, runtime: Runtime, bus: Bus, deliver: Deliver | None, domain: Domain
) -> dict[str, Job]:
    """Build the service's jobs from open adapters."""
    trusted = frozenset(OperatorId(address) for address in settings.trusted_operators)
    notifier = Notifier(deliver, domain, runtime.metrics, trusted_operators=trusted)
    handlers: Routes = {
        Topic.CHAIN_EVENTS: Route(notifier.on_chain_event),
        Topic.CERTIFICATES: Route(notifier.on_certificate, lane_by_key, has_foreign_writers=True),
    }
    loop = build_map_loop(bus, handlers, runtime, MapLoopSettings(bus.group, first_delay_ms=settings.retry_delay_ms))
    return {"map-loop": lambda: loop.run(runtime.stop)}


@asynccontextmanager
async def open_webhook(settings: Settings) -> AsyncIterator[Deliver | None]:
    """Open the configured webhook; give None if none is configured. Raises Invalid(BAD_SETTING)."""
    if settings.webhook_url is None:
        yield None
        return
    if settings.webhook_secret is None:
        raise Invalid(Reason.BAD_SETTING, "WEBHOOK_URL needs WEBHOOK_SECRET")
    async with aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar()) as session:
        webhook = Webhook(
            session, settings.webhook_url.reveal(), settings.webhook_secret, get_time_s=lambda: int(time.time())
        )
        yield webhook.send
