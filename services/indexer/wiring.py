"""Joins the indexer's parts."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.indexer.handlers import BusSink
from services.indexer.settings import Settings
from services.indexer.standby import Replica
from zarathustra.bus.kafka import KafkaConsumer, KafkaProducer
from zarathustra.bus.port import Consumer, Producer
from zarathustra.chain.deployment import load_deployment
from zarathustra.chain.follow import BlockSource, ChainFollower
from zarathustra.chain.port import Deployment
from zarathustra.chain.rpc import HttpRpc, validate_chain_id
from zarathustra.chain.scan import ChainScanner
from zarathustra.core.types import Topic
from zarathustra.runtime.lifecycle import Job, Runtime, serve
from zarathustra.telemetry.metrics import Metrics


async def start(settings: Settings, runtime: Runtime) -> None:
    """Run until stopped."""
    deployment = load_deployment(settings.deployment_file)
    group = group_of(deployment)
    consumer = KafkaConsumer(
        settings.kafka_bootstrap_servers,
        group=group,
        topics=[Topic.INDEXER_CHECKPOINT],
        instance_id=settings.instance_id,
    )
    async with (
        open_rpc(settings, deployment.chain_id, runtime.metrics) as rpc,
        KafkaProducer(settings.kafka_bootstrap_servers, client_id=group) as producer,
        consumer,
    ):
        jobs = build_jobs(settings, runtime, ChainScanner(rpc, deployment), consumer, producer)
        await serve(runtime, settings.http_listen, jobs)


def group_of(deployment: Deployment) -> str:
    """The consumer group that all replicas of one chain's indexer share."""
    return f"indexer.{deployment.chain_id}"


def build_jobs(
    settings: Settings, runtime: Runtime, source: BlockSource, consumer: Consumer, producer: Producer
) -> dict[str, Job]:
    """The service's jobs over adapters that are open, whatever they are."""
    follower = ChainFollower(source, BusSink(producer, runtime.metrics), confirmations=settings.confirmations)
    chain_id = source.deployment.chain_id
    replica = Replica(consumer, producer, follower, chain_id=chain_id, make_marker=make_marker)
    poll_s = settings.poll_interval_ms / 1_000
    return {"follow": lambda: replica.run(runtime.stop, runtime.health, poll_s=poll_s)}


@asynccontextmanager
async def open_rpc(settings: Settings, chain_id: int, metrics: Metrics) -> AsyncIterator[HttpRpc]:
    """The nodes, with their latencies measured. Raises Invalid(BAD_SETTING) when they are of another chain."""
    seconds = metrics.histogram("rpc_request_seconds", "Time a node takes to answer", ["method", "host"])
    failures = metrics.counter("rpc_failures", "Requests that a node did not answer or refused", ["method", "host"])

    def observe(method: str, host: str, duration_s: float, is_success: bool) -> None:
        seconds.labels(method=method, host=host).observe(duration_s)
        if not is_success:
            failures.labels(method=method, host=host).inc()

    urls = [url.strip() for url in settings.eth_rpc_urls.reveal().split(",") if url.strip()]
    async with HttpRpc(urls, timeout_s=settings.rpc_timeout_ms / 1_000, on_request=observe) as rpc:
        await validate_chain_id(rpc, chain_id)
        yield rpc


def make_marker() -> bytes:
    """See `standby.MakeMarker`."""
    return uuid.uuid4().bytes
