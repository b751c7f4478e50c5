"""Joins the validator's parts."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from services.validator.handlers import Ports, Validator
from services.validator.settings import Settings
from zarathustra.core.digests import Domain
from zarathustra.core.types import Topic
from zarathustra.duty.operator import load_operator_key
from zarathustra.duty.service import Parts, Role, build_duty_jobs, run_role
from zarathustra.duty.view import ChainView
from zarathustra.runtime.lifecycle import Job, Runtime
from zarathustra.runtime.map_loop.routes import Route, Routes, no_lane
from zarathustra.signing.backends import load_backend
from zarathustra.signing.keystore import load_bls_keystore
from zarathustra.signing.signer import LocalSigner, Signer
from zarathustra.signing.vote_log import VoteLog

# The next start repeats an evaluation that was in flight. Its vote, if it was signed, is in the vote log.
DRAIN_SECONDS = 3.0


async def start(settings: Settings, runtime: Runtime) -> None:
    """Run until stopped."""
    await run_role(ROLE, settings, runtime)


@contextmanager
def open_signer(settings: Settings, domain: Domain) -> Iterator[LocalSigner]:
    """Open the operator's signer: its keys and its vote log, which no other process may use meanwhile."""
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


def build_jobs(settings: Settings, runtime: Runtime, parts: Parts, signer: Signer) -> dict[str, Job]:
    """Build the service's jobs from open parts."""
    validator = Validator(
        Ports(
            view=ChainView(parts.chain.reader, parts.chain.clock, parts.seeds),
            clock=parts.chain.clock,
            seeds=parts.seeds,
            assess=parts.assess,
            artefacts=parts.artefacts,
            signer=signer,
            domain=parts.chain.domain,
            get_time_ms=runtime.now_ms,
        ),
        runtime.metrics,
    )
    routes: Routes = {Topic.EVALUATIONS: Route(validator.on_evaluation, no_lane, has_foreign_writers=True)}
    return build_duty_jobs(settings, runtime, parts, routes, drain_seconds=DRAIN_SECONDS)


ROLE = Role("validator", (Topic.EVALUATIONS,), open_signer, build_jobs)
