"""How performer and validator are joined: the same parts, another signer and other handlers.

nodes ─▶ chain ─┐
own IPFS node ──┼─▶ Parts ─▶ role.build_jobs ─▶ serve until stopped
evaluator ──────┤              ▲
Kafka ──────────┘   signer ────┘
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from zarathustra.bus.topics import group_name
from zarathustra.core.digests import Domain
from zarathustra.core.types import OperatorId, Topic
from zarathustra.duty.assessment import ArtefactSource, Assess, Assessor
from zarathustra.duty.evaluator_client import EvaluatorClient
from zarathustra.duty.operator import OperatorChain, OperatorSettings, follow_chain, open_chain
from zarathustra.duty.seeds import SeedDeriver
from zarathustra.runtime.lifecycle import Job, Runtime, serve
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.routes import Routes
from zarathustra.runtime.map_loop.service import Bus, build_map_loop, open_kafka
from zarathustra.runtime.settings import setting
from zarathustra.store.endpoints import list_endpoints
from zarathustra.store.fetch import Fetcher


@dataclass(frozen=True, kw_only=True)
class DutySettings(OperatorSettings):
    """Settings of the services that evaluate."""

    confirmations: int = setting("how deep the seed block must be before its hash is used; at least 1", default=2)
    ipfs_api_url: str = setting("the operator's own IPFS node or content store, `http://host:port`")
    ipfs_gateway_urls: tuple[str, ...] = setting("trustless gateways to try after it", default=())
    evaluator_url: str = setting("the evaluator: `tcp:host:port` or `unix:/path`", default="tcp:127.0.0.1:9500")
    http_listen: str = setting("address of `/livez`, `/readyz` and `/metrics`")


class HasOperatorId(Protocol):
    @property
    def operator_id(self) -> OperatorId: ...


S = TypeVar("S", bound=DutySettings)
K = TypeVar("K", bound=HasOperatorId)


@dataclass(frozen=True)
class Parts:
    """What both services act through, open."""

    chain: OperatorChain
    seeds: SeedDeriver
    bus: Bus
    assess: Assess
    artefacts: ArtefactSource


@dataclass(frozen=True)
class Role(Generic[S, K]):
    """What makes one service of the common parts."""

    name: str
    topics: tuple[Topic, ...]
    open_signer: Callable[[S, Domain], AbstractContextManager[K]]
    build_jobs: Callable[[S, Runtime, Parts, K], dict[str, Job]]


def be_honest(assess: Assess) -> Assess:
    """The assessment as it is."""
    return assess


async def run_role(
    role: Role[S, K], settings: S, runtime: Runtime, *, distort: Callable[[Assess], Assess] = be_honest
) -> None:
    """Run until stopped. The development network's liars pass another `distort`."""
    async with AsyncExitStack() as stack:
        endpoints = list_endpoints(settings.ipfs_api_url, settings.ipfs_gateway_urls)
        fetcher = await stack.enter_async_context(Fetcher(endpoints))
        evaluator = await stack.enter_async_context(EvaluatorClient(settings.evaluator_url))
        chain = await stack.enter_async_context(open_chain(settings, runtime))
        signer = stack.enter_context(role.open_signer(settings, chain.domain))  # before others wait for this member
        group = group_name(role.name, signer.operator_id)
        bus = await stack.enter_async_context(
            open_kafka(settings.kafka_bootstrap_servers, group=group, topics=role.topics)
        )
        assess = distort(Assessor(fetcher, evaluator.evaluate).assess)
        parts = assemble(settings, chain, bus, assess=assess, artefacts=fetcher)
        await serve(runtime, settings.http_listen, role.build_jobs(settings, runtime, parts, signer))


def assemble(
    settings: DutySettings, chain: OperatorChain, bus: Bus, *, assess: Assess, artefacts: ArtefactSource
) -> Parts:
    """The parts over adapters that are open, whatever they are."""
    seeds = SeedDeriver(
        reader=chain.reader, clock=chain.clock, deployment=chain.deployment, confirmations=settings.confirmations
    )
    return Parts(chain=chain, seeds=seeds, bus=bus, assess=assess, artefacts=artefacts)


def build_duty_jobs(
    settings: DutySettings,
    runtime: Runtime,
    parts: Parts,
    routes: Routes,
    *,
    drain_seconds: float,
) -> dict[str, Job]:
    """The jobs of both services: follow the chain, and handle records."""
    bounds = MapLoopSettings(
        parts.bus.group,
        first_delay_ms=settings.retry_delay_ms,
        drain_grace_s=drain_seconds,
        revoke_grace_s=drain_seconds,
    )
    loop = build_map_loop(parts.bus, routes, runtime, bounds)
    return {"clock": lambda: follow_chain(parts.chain, runtime), "map-loop": lambda: loop.run(runtime.stop)}
