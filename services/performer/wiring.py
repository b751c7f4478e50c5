"""Joins the performer's parts."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.performer.handlers import Performer, Ports
from services.performer.keeper import Keeper, KeeperPorts
from services.performer.settings import Settings
from zarathustra.chain.market import MarketReader
from zarathustra.chain.operator_sender import ChainTaskSender
from zarathustra.chain.transactions import Sender
from zarathustra.core.digests import Domain
from zarathustra.core.errors import Invalid
from zarathustra.core.fees import parse_floors
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ProjectId, Topic
from zarathustra.duty.operator import OperatorChain, load_operator_key
from zarathustra.duty.service import Parts, Role, build_duty_jobs, run_role
from zarathustra.runtime.lifecycle import Job, Runtime
from zarathustra.runtime.map_loop.routes import Route, Routes, no_lane
from zarathustra.signing.backends import FAST, load_backend
from zarathustra.signing.keystore import load_ecdsa_keystore
from zarathustra.signing.signer import EcdsaSigner
from zarathustra.store.port import ArtefactWriter
from zarathustra.store.writer import Writer

# A handler follows its task to the end. Do not wait for that when stopping: the next start finds the task again.
DRAIN_SECONDS = 1.0


async def start(settings: Settings, runtime: Runtime) -> None:
    """Run until stopped."""
    await run_role(ROLE, settings, runtime)


@contextmanager
def open_signer(settings: Settings, domain: Domain) -> Iterator[EcdsaSigner]:
    """Load the operator's signing key. A performer never holds the voting key."""
    yield EcdsaSigner(load_operator_key(settings), domain)


def build_jobs(settings: Settings, runtime: Runtime, parts: Parts, signer: EcdsaSigner) -> dict[str, Job]:
    """Build the service's jobs from open parts."""
    writer = Writer(settings.ipfs_api_url, source=parts.artefacts)
    return build_jobs_with(settings, runtime, parts, signer, writer=writer)


def build_jobs_with(
    settings: Settings, runtime: Runtime, parts: Parts, signer: EcdsaSigner, *, writer: ArtefactWriter
) -> dict[str, Job]:
    """Build the jobs with the given writer, which receives reports and pins."""
    keeper = build_keeper(settings, runtime, parts.chain, signer)
    performer = Performer(
        Ports(
            reader=parts.chain.reader,
            market=MarketReader(parts.chain.rpc, parts.chain.deployment),
            floors=parse_floors(settings.min_fee, settings.min_token_fees),
            clock=parts.chain.clock,
            seeds=parts.seeds,
            assess=parts.assess,
            writer=writer,
            signer=signer,
            send=parts.bus.producer.send,
            get_time_ms=runtime.now_ms,
        ),
        runtime.metrics,
        on_project_moved=keeper.poke if keeper else _ignore,
    )
    routes: Routes = {Topic.CHAIN_EVENTS: Route(performer.on_chain_event, no_lane)}
    jobs = build_duty_jobs(settings, runtime, parts, routes, drain_seconds=DRAIN_SECONDS)
    jobs["sweep"] = lambda: performer.sweep(runtime.stop, every_seconds=settings.sweep_seconds)
    if keeper is not None:
        jobs["keeper"] = lambda: keeper.run(runtime.stop, sweep_blocks=settings.keeper_sweep_blocks)
    return jobs


def build_keeper(settings: Settings, runtime: Runtime, chain: OperatorChain, signer: EcdsaSigner) -> Keeper | None:
    """Return the keeper, or None when no key is configured for it. Raises Invalid(BAD_SETTING) without a password."""
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
    """Do nothing: there is no keeper."""


ROLE = Role("performer", (Topic.CHAIN_EVENTS,), open_signer, build_jobs)
