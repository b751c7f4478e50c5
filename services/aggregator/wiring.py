"""Joins the aggregator's parts: the fold on Faust, and the poster on the map loop."""

from contextlib import AsyncExitStack

from services.aggregator.conflicts import ConflictFiler, FilerPorts
from services.aggregator.fold_loop import FoldPorts
from services.aggregator.handlers import EffectPorts, Interpreter
from services.aggregator.intake import Intake, TaskCache
from services.aggregator.poster import Poster, PosterPorts
from services.aggregator.settings import Settings
from services.aggregator.stream import SERVICE, FaustFold, StreamSettings, changelog_catalogue
from zarathustra.bus.kafka import create_topics, fetch_layout
from zarathustra.bus.topics import Profile, group_name, group_topics
from zarathustra.chain.operator_sender import ChainTaskSender
from zarathustra.chain.transactions import Sender
from zarathustra.core.types import Topic
from zarathustra.duty.operator import OperatorChain, follow_chain, load_operator_key, open_chain
from zarathustra.runtime.lifecycle import Runtime, serve
from zarathustra.runtime.map_loop.bounds import MapLoopSettings
from zarathustra.runtime.map_loop.loop import MapLoop
from zarathustra.runtime.map_loop.routes import Route, Routes
from zarathustra.runtime.map_loop.service import Bus, build_map_loop, open_kafka
from zarathustra.runtime.stopping import pause
from zarathustra.signing.backends import FAST, load_backend
from zarathustra.signing.bls import BlsBackend
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.signing.signer import EcdsaSigner

POSTER = "poster"  # a separate consumer group: the poster waits for blocks, and the fold must not
READINESS_POLL_S = 0.5
# The next start finds on chain a transaction that was in flight when the service stopped.
DRAIN_SECONDS = 3.0


async def start(settings: Settings, runtime: Runtime) -> None:
    """Run until stopped."""
    async with AsyncExitStack() as stack:
        chain = await stack.enter_async_context(open_chain(settings, runtime))
        key = load_operator_key(settings)
        signer = EcdsaSigner(key, chain.domain)
        servers = settings.kafka_bootstrap_servers
        layout = await fetch_layout(servers, Topic.ATTESTATIONS)
        changelog = changelog_catalogue(signer.operator_id, layout)
        await create_topics(servers, profile=Profile.PRODUCTION, catalogue=changelog)
        bus = await stack.enter_async_context(
            open_kafka(servers, group=group_name(POSTER, signer.operator_id), topics=(Topic.CERTIFICATES,))
        )
        backend = load_backend(FAST)
        fold = FaustFold(
            StreamSettings(servers, signer.operator_id, settings.data_dir, layout.partitions),
            build_fold_ports(chain, bus, signer, backend, runtime),
            settings.rules,
            runtime.metrics,
        )
        poster = build_poster_loop(settings, runtime, chain, bus, key)
        await serve(
            runtime,
            settings.http_listen,
            {
                "clock": lambda: follow_chain(chain, runtime),
                "fold": lambda: fold.run(chain.clock, runtime.stop),
                "poster": lambda: poster.run(runtime.stop),
                "readiness": lambda: note_recovery(fold, runtime),
            },
        )


def build_fold_ports(
    chain: OperatorChain, bus: Bus, signer: EcdsaSigner, backend: BlsBackend, runtime: Runtime
) -> FoldPorts:
    """Build the functions that the fold uses."""
    tasks = TaskCache(chain.reader, chain.clock)
    intake = Intake(tasks, chain.reader, chain.deployment, runtime.now_ms)
    interpreter = Interpreter(EffectPorts(backend, signer, chain.domain, runtime.now_ms), runtime.metrics)
    return FoldPorts(
        intake=intake.read,
        read_task=tasks.read,
        perform=interpreter.perform,
        send=bus.producer.send,
        dead_letters=group_topics(group_name(SERVICE, signer.operator_id)).dead_letters,
    )


def build_poster_loop(
    settings: Settings, runtime: Runtime, chain: OperatorChain, bus: Bus, key: EcdsaSecretKey
) -> MapLoop:
    """Build the poster's loop. Nothing else may use the operator key's nonces."""
    sender = Sender(
        chain.rpc,
        key.reveal(),
        chain_id=chain.deployment.chain_id,
        on_intent=lambda intent: runtime.log.info("Certificate transaction signed", nonce=intent.nonce),
        poll_s=settings.poll_seconds,
    )
    task_sender = ChainTaskSender(sender, chain.deployment, encode_signature=load_backend(FAST).g2_to_eip2537)
    filer = ConflictFiler(
        FilerPorts(chain.reader, task_sender, chain.clock, chain.deployment),
        runtime.metrics,
        takeover_blocks=settings.takeover_blocks,
    )
    poster = Poster(
        PosterPorts(
            reader=chain.reader,
            sender=task_sender,
            clock=chain.clock,
            signer=EcdsaSigner(key, chain.domain),
            domain=chain.domain,
            get_time_ms=runtime.now_ms,
        ),
        runtime.metrics,
        takeover_blocks=settings.takeover_blocks,
        file_conflict=filer.file,
    )
    handlers: Routes = {Topic.CERTIFICATES: Route(poster.on_certificate, has_foreign_writers=True)}
    loop_settings = MapLoopSettings(
        bus.group,
        first_delay_ms=settings.retry_delay_ms,
        drain_grace_s=DRAIN_SECONDS,
        revoke_grace_s=DRAIN_SECONDS,
    )
    return build_map_loop(bus, handlers, runtime, loop_settings)


async def note_recovery(fold: FaustFold, runtime: Runtime) -> None:
    """Update readiness until stopped: the service is not ready while the table is being recovered."""
    while not runtime.stop.is_set():
        if fold.is_recovered:
            runtime.health.fulfil("fold")
        else:
            runtime.health.wait_for("fold", "recovering")
        await pause(runtime.stop, READINESS_POLL_S)
