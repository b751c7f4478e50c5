"""A service with one handler, as a process of its own that a test can kill.

    python -m tests.kit.bus.kafka_worker BOOTSTRAP_SERVERS GROUP IN_TOPIC OUT_TOPIC

Copies records from IN_TOPIC to OUT_TOPIC, a few at a time, until it is killed.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from random import Random

from zarathustra.bus.kafka import KafkaConsumer, KafkaProducer
from zarathustra.bus.records import Delivery, Record
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.handling import Clock
from zarathustra.runtime.map_loop.loop import MapLoop
from zarathustra.runtime.map_loop.routes import list_topics

WORK_S = 0.005  # long enough that a kill hits records in flight


async def run(bootstrap_servers: str, group: str, in_topic: str, out_topic: str) -> None:
    async def copy(delivery: Delivery) -> Sequence[Record]:
        await asyncio.sleep(WORK_S)
        return [Record(out_topic, delivery.record.key, delivery.record.value)]

    consumer = KafkaConsumer(
        bootstrap_servers, group=group, topics=list_topics([in_topic], group), session_timeout_ms=3_000
    )
    async with KafkaProducer(bootstrap_servers, client_id="worker") as producer, consumer:
        loop = MapLoop(
            consumer,
            producer,
            {in_topic: copy},
            MapLoopSettings(group=group, max_in_flight=16),
            clock=Clock(lambda: time.time_ns() // 1_000_000, asyncio.sleep),
            random=Random(),
        )
        await loop.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
