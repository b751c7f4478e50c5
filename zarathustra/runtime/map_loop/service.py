"""What every map-loop service needs around its handlers: the open bus, and the loop with telemetry."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import SystemRandom

from zarathustra.bus.kafka import KafkaConsumer, KafkaProducer
from zarathustra.bus.port import Consumer, Producer
from zarathustra.runtime.lifecycle import Runtime
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.handling import Clock
from zarathustra.runtime.map_loop.loop import MapLoop
from zarathustra.runtime.map_loop.routes import Routes, list_topics
from zarathustra.runtime.map_loop.telemetry import LoopTelemetry


@dataclass(frozen=True)
class Bus:
    """A group member and a producer, both open."""

    consumer: Consumer
    producer: Producer
    group: str


@asynccontextmanager
async def open_kafka(
    bootstrap_servers: str, *, group: str, topics: tuple[str, ...], instance_id: str | None = None
) -> AsyncIterator[Bus]:
    """Join `group` on Kafka. Raises Retry(BUS_UNREACHABLE): the service then ends and has to be restarted."""
    consumer = KafkaConsumer(bootstrap_servers, group=group, topics=list_topics(topics, group), instance_id=instance_id)
    async with KafkaProducer(bootstrap_servers, client_id=group) as producer, consumer:
        yield Bus(consumer, producer, group)


def build_map_loop(bus: Bus, handlers: Routes, runtime: Runtime, settings: MapLoopSettings) -> MapLoop:
    """Build the loop over `bus` with the service's metrics and log."""
    return MapLoop(
        bus.consumer,
        bus.producer,
        handlers,
        settings,
        clock=Clock(now_ms=runtime.now_ms, sleep=asyncio.sleep),
        random=SystemRandom(),
        observer=LoopTelemetry(runtime.metrics),
    )
