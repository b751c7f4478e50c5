"""Joins the validator's parts."""

from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, closing, contextmanager

from services.validator.handlers import Assess, Ports, Validator
from services.validator.settings import Settings
from zarathustra.bus.topics import group_name
from zarathustra.core.digests import Domain
from zarathustra.core.types import Topic
from zarathustra.duty.assessment import Assessor
from zarathustra.duty.evaluator_client import EvaluatorClient
from zarathustra.duty.operator import OperatorChain, follow_chain, load_operator_key, open_chain
from zarathustra.runtime.lifecycle import Job, Runtime, serve
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.routes import Handler, Route, no_lane
from zarathustra.runtime.map_loop.service import Bus, build_map_loop, open_kafka
from zarathustra.signing.backends import load_backend
from zarathustra.signing.keystore import load_bls_keystore
from zarathustra.signing.signer import LocalSigner, Signer
from zarathustra.signing.vote_log import VoteLog
from zarathustra.store.endpoints import list_endpoints
from zarathustra.store.fetch import Fetcher
from zarathustra.store.port import ArtefactReader

TOPICS = (Topic.EVALUATIONS,)
# An evaluation in flight when we stop is done again by the next start; its vote, if signed, is in the vote log.
DRAIN_SECONDS = 3.0


async def start(settings: Settings, runtime: Runtime) -> None:
    """Run until stopped."""
    endpoints = list_endpoints(settings.ipfs_api_url, settings.ipfs_gateway_urls)
    async with Fetcher(endpoints) as fetcher, EvaluatorClient(settings.evaluator_url) as evaluator:
        await run(settings, runtime, assess=Assessor(fetcher, evaluator.evaluate).assess, fetcher=fetcher)


async def run(settings: Settings, runtime: Runtime, *, assess: Assess, fetcher: Fetcher) -> None:
    """Run with a given way to assess: the development network hands in one that lies."""
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(open_chain(settings, runtime))
        signer = stack.enter_context(open_signer(settings, chain.domain))
        group = group_name("validator", signer.operator_id)
        bus = await stack.enter_async_context(open_kafka(settings.kafka_bootstrap_servers, group=group, topics=TOPICS))
        jobs = build_jobs(settings, runtime, chain, bus, signer=signer, assess=assess, artefacts=fetcher)
        await serve(runtime, settings.http_listen, jobs)


def build_jobs(
    settings: Settings,
    runtime: Runtime,
    chain: OperatorChain,
    bus: Bus,
    *,
    signer: Signer,
    assess: Assess,
    artefacts: ArtefactReader,
) -> dict[str, Job]:
    """The service's jobs over adapters that are open, whatever they are."""
    validator = Validator(
        Ports(
            reader=chain.reader,
            clock=chain.clock,
            seeds=chain.seeds,
            assess=assess,
            artefacts=artefacts,
            signer=signer,
            domain=chain.domain,
            get_time_ms=runtime.now_ms,
        ),
        runtime.metrics,
    )
    handlers: Mapping[str, Handler | Route] = {
        Topic.EVALUATIONS: Route(validator.on_evaluation, no_lane, is_open_to_strangers=True)
    }
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
    return {"clock": lambda: follow_chain(chain, runtime), "map-loop": lambda: loop.run(runtime.stop)}


@contextmanager
def open_signer(settings: Settings, domain: Domain) -> Iterator[LocalSigner]:
    """The operator's keys behind its vote log, which this process then owns."""
    backend = load_backend(settings.bls_backend)
    bls_key = load_bls_keystore(settings.bls_key_file, settings.bls_key_password.reveal(), backend)
    with closing(VoteLog(settings.vote_log_file, backend.public_key(bls_key))) as vote_log:
        yield LocalSigner(
            bls_key=bls_key,
            ecdsa_key=load_operator_key(settings),
            domain=domain,
            backend=backend,
            vote_log=vote_log,
        )
