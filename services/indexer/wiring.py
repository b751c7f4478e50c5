"""Joins the indexer's parts."""

import uuid

from services.indexer.handlers import BusSink
from services.indexer.settings import Settings
from services.indexer.standby import Replica
from zarathustra.bus.kafka import KafkaConsumer, KafkaProducer
from zarathustra.bus.port import Consumer, Producer
from zarathustra.chain.deployment import load_record
from zarathustra.chain.follow import BlockSource, ChainFollower
from zarathustra.chain.port import Deployment
from zarathustra.chain.scan import ChainScanner
from zarathustra.core.types import Topic
from zarathustra.duty.nodes import open_nodes
from zarathustra.runtime.lifecycle import Job, Runtime, serve


async def start(settings: Settings, runtime: Runtime) -> None:
    """Run until stopped."""
    record = load_record(settings.deployment_file)
    group = group_of(record.deployment)
    consumer = KafkaConsumer(
        settings.kafka_bootstrap_servers,
        group=group,
        topics=[Topic.INDEXER_CHECKPOINT],
        instance_id=settings.instance_id,
    )
    async with (
        open_nodes(
            settings.eth_rpc_urls,
            record,
            runtime.metrics,
            timeout_s=settings.rpc_timeout_ms / 1_000,
        ) as rpc,
        KafkaProducer(settings.kafka_bootstrap_servers, client_id=group) as producer,
        consumer,
    ):
        jobs = build_jobs(settings, runtime, ChainScanner(rpc, record.deployment), consumer, producer)
        await serve(runtime, settings.http_listen, jobs)


def group_of(deployment: Deployment) -> str:
    """Return the consumer group that all replicas of one chain's indexer share."""
    return f"indexer.{deployment.chain_id}"


def build_jobs(
    settings: Settings, runtime: Runtime, source: BlockSource, consumer: Consumer, producer: Producer
) -> dict[str, Job]:
    """Build the service's jobs over open adapters, real or fake."""
    follower = ChainFollower(source, BusSink(producer, runtime.metrics), confirmations=settings.confirmations)
    chain_id = source.deployment.chain_id
    replica = Replica(consumer, producer, follower, chain_id=chain_id, make_marker=make_marker)
    poll_s = settings.poll_interval_ms / 1_000
    return {"follow": lambda: replica.run(runtime.stop, runtime.health, poll_s=poll_s)}


def make_marker() -> bytes:
    """See `standby.MakeMarker`."""
    return uuid.uuid4().bytes
