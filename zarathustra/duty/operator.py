"""What an operator's services have in common: settings, and the adapters those settings name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from zarathustra.chain.deployment import load_record
from zarathustra.chain.port import Deployment
from zarathustra.chain.reader import ChainTaskReader
from zarathustra.chain.rpc import Rpc
from zarathustra.core.digests import Domain
from zarathustra.core.reasons import Reason
from zarathustra.duty.blocks import BlockClock
from zarathustra.duty.nodes import open_nodes
from zarathustra.runtime.lifecycle import Runtime
from zarathustra.runtime.settings import Secret, setting
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.signing.keystore import load_ecdsa_keystore


@dataclass(frozen=True, kw_only=True)
class OperatorSettings:
    """Settings of every service that acts for an operator."""

    kafka_bootstrap_servers: str = setting("Kafka's brokers, comma-separated, each `host:port`")
    # Providers put API keys into URLs, and settings are logged.
    eth_rpc_urls: Secret = setting("the operator's own nodes, comma-separated; the next one is asked when one fails")
    deployment_file: Path = setting("chain id, contract addresses and first block, JSON")
    operator_key_file: Path = setting("web3 v3 keystore of the operator's signing (ECDSA) key")
    operator_key_password: Secret = setting("password of that keystore")
    poll_seconds: float = setting("pause between two requests for the chain's head", default=2.0)
    retry_delay_ms: int = setting("first delay of a record that is put back", default=1_000)
    log_level: str = setting("lowest level that is logged", default="INFO")


@dataclass(frozen=True)
class OperatorChain:
    """The operator's own view of the chain. Run `clock.run` as a job."""

    rpc: Rpc
    reader: ChainTaskReader
    clock: BlockClock
    deployment: Deployment
    domain: Domain  # AttestationCenter's


@asynccontextmanager
async def open_chain(settings: OperatorSettings, runtime: Runtime) -> AsyncIterator[OperatorChain]:
    """The operator's own nodes and what is derived from them. Raises as `open_nodes`."""
    record = load_record(settings.deployment_file)
    async with open_nodes(settings.eth_rpc_urls, record, runtime.metrics) as rpc:
        yield build_chain(settings, runtime, rpc, record.deployment)


def build_chain(settings: OperatorSettings, runtime: Runtime, rpc: Rpc, deployment: Deployment) -> OperatorChain:
    """What is derived from nodes that are open."""
    reader = ChainTaskReader(rpc, deployment)
    clock = BlockClock(reader.fetch_block_number, poll_seconds=settings.poll_seconds)
    runtime.metrics.gauge("head_block", "The head of the operator's chain").set_function(lambda: clock.head)
    return OperatorChain(
        rpc=rpc,
        reader=reader,
        clock=clock,
        deployment=deployment,
        domain=Domain(deployment.chain_id, deployment.attestation_center),
    )


async def follow_chain(chain: OperatorChain, runtime: Runtime) -> None:
    """The job that polls the head; the service is ready once it was seen."""
    runtime.health.wait_for("chain", Reason.RPC_UNREACHABLE.code)
    readiness = asyncio.create_task(_note_first_head(chain.clock, runtime))
    try:
        await chain.clock.run(runtime.stop)
    finally:
        readiness.cancel()


async def _note_first_head(clock: BlockClock, runtime: Runtime) -> None:
    await clock.wait_for(0)
    runtime.health.fulfil("chain")


def load_operator_key(settings: OperatorSettings) -> EcdsaSecretKey:
    """The operator's signing key."""
    return load_ecdsa_keystore(settings.operator_key_file, settings.operator_key_password.reveal())
