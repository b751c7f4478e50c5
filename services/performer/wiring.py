"""Joins the performer's parts."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

from services.performer.handlers import Assess, Performer, Ports
from services.performer.keeper import Keeper, KeeperPorts
from services.performer.settings import Settings
from zarathustra.bus.topics import group_name
from zarathustra.chain.market import MarketReader
from zarathustra.chain.operator_sender import ChainTaskSender
from zarathustra.chain.transactions import Sender
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ProjectId, Topic
from zarathustra.duty.assessment import Assessor
from zarathustra.duty.evaluator_client import EvaluatorClient
from zarathustra.duty.operator import OperatorChain, follow_chain, load_operator_key, open_chain
from zarathustra.runtime.lifecycle import Job, Runtime, serve
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.routes import Handler, Route, no_lane
from zarathustra.runtime.map_loop.service import Bus, build_map_loop, open_kafka
from zarathustra.signing.backends import FAST, load_backend
from zarathustra.signing.keystore import load_ecdsa_keystore
from zarathustra.signing.signer import EcdsaSigner
from zarathustra.store.endpoints import list_endpoints
from zarathustra.store.fetch import Fetcher
from zarathustra.store.port import ArtefactWriter
from zarathustra.store.writer import Writer

TOPICS = (Topic.CHAIN_EVENTS,)
# A task is followed to its end: there is no point in waiting for it when we stop, the next start finds it again.
DRAIN_SECONDS = 1.0


async def start(settings: Settings, runtime: Runtime) -> None:
    """Run until stopped."""
    endpoints = list_endpoints(settings.ipfs_api_url, settings.ipfs_gateway_urls)
    async with Fetcher(endpoints) as fetcher, EvaluatorClient(settings.evaluator_url) as evaluator:
        await run(settings, runtime, assess=Assessor(fetcher, evaluator.evaluate).assess, fetcher=fetcher)


async def run(settings: Settings, runtime: Runtime, *, assess: Assess, fetcher: Fetcher) -> None:
    """Run with a given way to assess: the development network hands in one that lies."""
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(open_chain(settings, runtime))
        signer = EcdsaSigner(load_operator_key(settings), chain.domain)
        group = group_name("performer", signer.operator_id)
        bus = await stack.enter_async_context(open_kafka(settings.kafka_bootstrap_servers, group=group, topics=TOPICS))
        writer = Writer(settings.ipfs_api_url, source=fetcher)
        jobs = build_jobs(settings, runtime, chain, bus, signer=signer, assess=assess, writer=writer)
        await serve(runtime, settings.http_listen, jobs)


def build_jobs(
    settings: Settings,
    runtime: Runtime,
    chain: OperatorChain,
    bus: Bus,
    *,
    signer: EcdsaSigner,
    assess: Assess,
    writer: ArtefactWriter,
) -> dict[str, Job]:
    """The service's jobs over adapters that are open, whatever they are."""
    keeper = build_keeper(settings, runtime, chain, signer)
    performer = Performer(
        Ports(
            reader=chain.reader,
            clock=chain.clock,
            seeds=chain.seeds,
            assess=assess,
            writer=writer,
            signer=signer,
            send=bus.producer.send,
            get_time_ms=runtime.now_ms,
        ),
        runtime.metrics,
        on_project_moved=keeper.poke if keeper else _ignore,
    )
    handlers: Mapping[str, Handler | Route] = {Topic.CHAIN_EVENTS: Route(performer.on_chain_event, no_lane)}
    loop = build_map_loop(
        bus,
        handlers,
        runtime,
        MapLoopSettings(
            bus.group,
            first_delay_ms=settings.retry_delay_ms,
            drain_grace_s=DRAIN_SECONDS,
            revoke_grace_s=DRAIN_SECONDS,
        ),
    )
    stop = runtime.stop
    jobs: dict[str, Job] = {
        "clock": lambda: follow_chain(chain, runtime),
        "map-loop": lambda: loop.run(stop),
        "sweep": lambda: performer.sweep(stop, every_seconds=settings.sweep_seconds),
    }
    if keeper is not None:
        jobs["keeper"] = lambda: keeper.run(stop, sweep_blocks=settings.keeper_sweep_blocks)
    return jobs


def build_keeper(settings: Settings, runtime: Runtime, chain: OperatorChain, signer: EcdsaSigner) -> Keeper | None:
    """The keeper, where a key is configured for it."""
    if settings.keeper_key_file is None:
        return None
    if settings.keeper_key_password is None:
        raise Invalid(Reason.BAD_SETTING, "KEEPER_KEY_FILE needs KEEPER_KEY_PASSWORD")
    key = load_ecdsa_keystore(settings.keeper_key_file, settings.keeper_key_password.reveal())
    sender = Sender(
        chain.rpc,
        key.reveal(),
        chain_id=chain.deployment.chain_id,
        on_intent=lambda intent: runtime.log.info("Keeper transaction signed", nonce=intent.nonce),
        poll_s=settings.poll_seconds,
    )
    encode_signature = load_backend(FAST).g2_to_eip2537
    ports = KeeperPorts(
        reader=chain.reader,
        market=MarketReader(chain.rpc, chain.deployment),
        clock=chain.clock,
        sender=ChainTaskSender(sender, chain.deployment, encode_signature=encode_signature),
        operator_id=signer.operator_id,
    )
    return Keeper(ports, runtime.metrics)


def _ignore(_project_id: ProjectId) -> None:
    """Nobody keeps."""
