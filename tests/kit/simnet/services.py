"""How each service is built for a run: by its production wiring, on the simnet's bus, node and store.

Not here: Kafka, Faust (the fold runs over a dict), HTTP, torch and the jail, IPFS nodes. Other tiers test those.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from services.aggregator.fold_loop import FoldLoop
from services.aggregator.settings import Settings as AggregatorSettings
from services.aggregator.stream import SOURCES
from services.aggregator.wiring import POSTER, build_fold_ports, build_poster_loop
from services.indexer import wiring as indexer
from services.indexer.settings import Settings as IndexerSettings
from services.notifier import wiring as notifier
from services.notifier.handlers import Notification
from services.notifier.settings import Settings as NotifierSettings
from services.performer import wiring as performer
from services.performer.settings import Settings as PerformerSettings
from services.validator import wiring as validator
from services.validator.settings import Settings as ValidatorSettings
from tests.kit.aggregation.dict_fold import DictTable, run_over_dict
from tests.kit.simnet import evaluator
from tests.kit.simnet.connections import CrashableRpc, Lifetime
from tests.kit.simnet.net import BLOCK_S, POLL_S, RunService, Simnet
from tests.kit.simnet.stage import PASSWORD, Operator
from zarathustra.bus.topics import group_name
from zarathustra.chain.rpc import Rpc
from zarathustra.chain.scan import ChainScanner
from zarathustra.core.types import Topic
from zarathustra.duty.assessment import Assess, Assessor
from zarathustra.duty.operator import OperatorChain, OperatorSettings, build_chain, follow_chain, load_operator_key
from zarathustra.duty.service import assemble
from zarathustra.runtime.lifecycle import Job
from zarathustra.runtime.settings import Secret
from zarathustra.signing.backends import FAST, load_backend
from zarathustra.signing.signer import EcdsaSigner

# Settings that only the real adapters read.
NOWHERE: Final[Mapping[str, Any]] = {
    "kafka_bootstrap_servers": "",
    "eth_rpc_urls": Secret(""),
    "deployment_file": Path(),
}
DUTY: Final[Mapping[str, Any]] = {"ipfs_api_url": "", "confirmations": 0}


def add_services(net: Simnet) -> None:
    """Add every service of the network; none is started."""
    net.add("indexer", run_indexer)
    net.add("notifier", run_notifier)
    net.add("aggregator-1", build_aggregator(net.operators[0]))
    for operator in net.operators:
        net.add(f"performer-{operator.number}", build_performer(operator))
        net.add(f"validator-{operator.number}", build_validator(operator))


async def run_indexer(net: Simnet, lifetime: Lifetime) -> None:
    settings = IndexerSettings(**NOWHERE, confirmations=0, poll_interval_ms=int(POLL_S * 1_000))
    scanner = ChainScanner(_open_rpc(net, lifetime), net.deployment)
    async with lifetime.open_consumer(indexer.group_of(net.deployment), [Topic.INDEXER_CHECKPOINT]) as consumer:
        jobs = indexer.build_jobs(settings, lifetime.runtime, scanner, consumer, lifetime.producer())
        await lifetime.runtime.run_jobs(jobs)


async def run_notifier(net: Simnet, lifetime: Lifetime) -> None:
    settings = NotifierSettings("", Path())

    async def deliver(notification: Notification) -> None:
        net.notifications.append(notification)

    async with lifetime.open_bus(settings.group, notifier.TOPICS) as bus:
        await lifetime.runtime.run_jobs(notifier.build_jobs(settings, lifetime.runtime, bus, deliver, net.domain))


def build_performer(operator: Operator, assess: Assess | None = None) -> RunService:
    """Build a performer; `assess` replaces the honest assessment."""

    async def run(net: Simnet, lifetime: Lifetime) -> None:
        settings = PerformerSettings(
            **_operator_settings(net, operator),
            **DUTY,
            keeper_key_file=operator.directory / "keeper.json",
            keeper_key_password=Secret(PASSWORD),
            sweep_seconds=5 * BLOCK_S,
            keeper_sweep_blocks=5,
        )
        chain = _open_chain(net, settings, lifetime)
        group = group_name("performer", operator.operator_id)
        async with lifetime.open_bus(group, performer.ROLE.topics) as bus:
            store = net.stores[operator.number]
            parts = assemble(settings, chain, bus, assess=assess or build_assess(net, operator), artefacts=store)
            with performer.open_signer(settings, chain.domain) as signer:
                jobs = performer.build_jobs_with(settings, lifetime.runtime, parts, signer, writer=store)
                await lifetime.runtime.run_jobs(jobs)

    return run


def build_validator(operator: Operator, assess: Assess | None = None) -> RunService:
    """Build a validator; `assess` replaces the honest assessment."""

    async def run(net: Simnet, lifetime: Lifetime) -> None:
        settings = ValidatorSettings(
            **_operator_settings(net, operator),
            bls_key_file=operator.directory / "voting.json",
            bls_key_password=Secret(PASSWORD),
            vote_log_file=net.directory / f"votes-{operator.number}.sqlite",
            **DUTY,
        )
        chain = _open_chain(net, settings, lifetime)
        group = group_name("validator", operator.operator_id)
        with validator.open_signer(settings, chain.domain) as signer:
            async with lifetime.open_bus(group, validator.ROLE.topics) as bus:
                store = net.stores[operator.number]
                parts = assemble(settings, chain, bus, assess=assess or build_assess(net, operator), artefacts=store)
                await lifetime.runtime.run_jobs(validator.build_jobs(settings, lifetime.runtime, parts, signer))

    return run


def build_aggregator(operator: Operator) -> RunService:
    """Build the fold over a dict, and the poster."""

    async def run(net: Simnet, lifetime: Lifetime) -> None:
        runtime = lifetime.runtime
        settings = AggregatorSettings(**_operator_settings(net, operator), data_dir=net.directory, takeover_blocks=0)
        chain = _open_chain(net, settings, lifetime)
        key = load_operator_key(settings)
        async with (
            lifetime.open_bus(group_name(POSTER, operator.operator_id), [Topic.CERTIFICATES]) as bus,
            lifetime.open_consumer(group_name("aggregator", operator.operator_id), SOURCES) as consumer,
        ):
            signer = EcdsaSigner(key, chain.domain)
            ports = build_fold_ports(chain, bus, signer, load_backend(FAST), runtime)
            fold = FoldLoop(ports, DictTable(), settings.rules, runtime.metrics)
            poster = build_poster_loop(settings, runtime, chain, bus, key)
            jobs: Mapping[str, Job] = {
                "clock": lambda: follow_chain(chain, runtime),
                "fold": lambda: run_over_dict(fold, consumer, runtime.stop),
                "timer": lambda: fold.run_timer(chain.clock, runtime.stop),
                "poster": lambda: poster.run(runtime.stop),
            }
            await runtime.run_jobs(jobs)

    return run


def build_assess(net: Simnet, operator: Operator) -> Assess:
    """Build the honest assessment, on the operator's own store."""
    return Assessor(net.stores[operator.number], evaluator.evaluate).assess


def _operator_settings(net: Simnet, operator: Operator) -> dict[str, Any]:
    return {
        **NOWHERE,
        "operator_key_file": operator.directory / "signing.json",
        "operator_key_password": Secret(PASSWORD),
        "poll_seconds": POLL_S,
        "retry_delay_ms": net.retry_delay_ms,
    }


def _open_rpc(net: Simnet, lifetime: Lifetime) -> Rpc:
    return CrashableRpc(net.rpc, lifetime, is_cut_off=lambda: lifetime.name in net.cut_off)


def _open_chain(net: Simnet, settings: OperatorSettings, lifetime: Lifetime) -> OperatorChain:
    return build_chain(settings, lifetime.runtime, _open_rpc(net, lifetime), net.deployment)
