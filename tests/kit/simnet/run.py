"""Opens a run: resets the stage, adds every service, and mines."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

from tests.kit.simnet.connections import CrashPlan, CrashPoint, RealRpc
from tests.kit.simnet.net import Simnet
from tests.kit.simnet.services import add_services
from tests.kit.simnet.stage import Stage
from tests.kit.simulated_time import SimulatedLoop, now_ms
from zarathustra.bus.memory import MemoryBroker
from zarathustra.bus.topics import Profile, TopicPlan, load_catalogue, plan_topics
from zarathustra.chain.rpc import HttpRpc

RECORD_LIMIT_FACTOR: Final = 2  # the simulated bus takes larger records than Kafka: compressed batches unfold


@asynccontextmanager
async def open_simnet(stage: Stage, *, crash: CrashPoint | None = None) -> AsyncIterator[Simnet]:
    """Open a run on `stage` with every service added and none started. `crash`: kill and restart one at that point."""
    loop = cast(SimulatedLoop, asyncio.get_running_loop())
    with TemporaryDirectory() as directory:
        async with HttpRpc([stage.anvil.url]) as http:
            rpc = RealRpc(http, loop)
            await stage.reset(rpc)
            net = Simnet(stage, rpc, Path(directory), CrashPlan(crash), MemoryBroker(now_ms=now_ms))
            net.broker.create_topics(_plan_topics(net))
            await net.note_head()
            add_services(net)
            async with _in_background(net):
                yield net
                net.raise_failures()


@asynccontextmanager
async def _in_background(net: Simnet) -> AsyncIterator[None]:
    """Mine, and kill the service that is due, within the block; at its end kill every service."""
    jobs = [asyncio.create_task(net.keep_mining()), asyncio.create_task(_kill_when_due(net))]
    try:
        yield
        for job in jobs:
            if job.done():
                job.result()
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        for service in net.services.values():
            await service.crash()


def _plan_topics(net: Simnet) -> list[TopicPlan]:
    plans = plan_topics(load_catalogue(), profile=Profile.TEST, groups=net.list_groups())
    return [replace(plan, configs={**plan.configs, "max.message.bytes": _double(plan)}) for plan in plans]


def _double(plan: TopicPlan) -> str:
    return str(RECORD_LIMIT_FACTOR * int(plan.configs["max.message.bytes"]))


async def _kill_when_due(net: Simnet) -> None:
    service = net.services[await net.crash_plan.due]
    await service.crash()
    service.start()
