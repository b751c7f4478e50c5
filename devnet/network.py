"""The network: chain, Kafka, content store, contracts, operators, and their services in separate processes.

chain ─┐
Kafka ─┼─▶ topics ───────────────────────┐
store ─┤                                 ├─▶ services ─▶ ready
       └─▶ contracts ─▶ operators ─▶ set ┘
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from devnet.chain import DevelopmentChain
from devnet.chains import DEFAULT_CHAIN, build_chain
from devnet.kafka import KafkaBroker
from devnet.keys import AdministratorKey, OperatorKeys, create_administrator_key, create_operator_keys
from devnet.ports import find_free_port
from devnet.processes import ProcessSpec, Supervisor, python_service
from devnet.progress import Progress
from devnet.token import DevelopmentToken, allow_token, deploy_token
from services.aggregator.settings import Settings as AggregatorSettings
from services.evaluator.settings import Settings as EvaluatorSettings
from services.indexer.settings import Settings as IndexerSettings
from services.notifier.settings import Settings as NotifierSettings
from services.performer.settings import Settings as PerformerSettings
from services.validator.settings import Settings as ValidatorSettings
from zarathustra.bus.kafka import create_topics
from zarathustra.bus.topics import Profile, group_name
from zarathustra.chain.deploy import deploy
from zarathustra.chain.deploy_parameters import DeploymentParameters, TimelockParameters
from zarathustra.chain.deployment import DeploymentRecord, dump_record
from zarathustra.chain.port import Deployment
from zarathustra.chain.rpc import HttpRpc, Rpc
from zarathustra.chain.transactions import Sender
from zarathustra.core.types import Address, Wei
from zarathustra.runtime.settings import PREFIX, list_variables
from zarathustra.sdk.client import log_intent, open_client
from zarathustra.sdk.network import Network, NetworkFile, save_network
from zarathustra.sdk.operators import consent_to_owner, register_operator, seal_operator_set
from zarathustra.signing.backends import FAST, load_backend
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import EcdsaSecretKey

ETHER = Wei(10**18)
STAKE = Wei(32 * ETHER)
FAUCET = Wei(1_000 * ETHER)
TIMELOCK_SECONDS = 10  # long enough to see an operation wait
HURRY_SECONDS = 0.05  # how often a block is mined on demand while the network is set up
READY_SECONDS = 90.0
SETTINGS: Mapping[str, type[object]] = {
    "indexer": IndexerSettings,
    "notifier": NotifierSettings,
    "evaluator": EvaluatorSettings,
    "performer": PerformerSettings,
    "validator": ValidatorSettings,
    "aggregator": AggregatorSettings,
}


@dataclass(frozen=True)
class Misbehaviour:
    """Which operators lie, and how. `devnet.liars` has the code."""

    lying_performers_submission: int | None = None  # the performer of this submission's first attempt lies
    lying_attester: int | None = None  # the number of the operator that rejects everything


@dataclass
class Devnet:
    """A running network and the values from its setup. The keys are development keys of this run."""

    directory: Path
    network: Network
    network_file: Path
    rpc: Rpc
    supervisor: Supervisor
    operators: Sequence[OperatorKeys]
    administrator: AdministratorKey
    treasury: Address
    chain: DevelopmentChain
    token: DevelopmentToken
    broker: KafkaBroker
    aggregators: Sequence[int] = field(default=(1,))

    async def fund(self, address: Address, amount: Wei = FAUCET) -> None:
        """Give `address` coins of the chain, and as much of the development token."""
        await self.chain.fund(self.rpc, address, amount)
        async with in_a_hurry(self.chain, self.rpc):
            await self.token.give(address, amount)


@asynccontextmanager
async def run_devnet(
    directory: Path,
    progress: Progress,
    *,
    operator_count: int = 3,
    misbehaviour: Misbehaviour = Misbehaviour(),
    chain_name: str = DEFAULT_CHAIN,
) -> AsyncIterator[Devnet]:
    """Start a network in the existing, empty `directory`, yield it when it is ready, and stop all of it at the end."""
    async with AsyncExitStack() as stack:
        with progress.step(f"Chain ({chain_name}), Apache Kafka and content store; contracts, operators"):
            chain = await stack.enter_async_context(build_chain(chain_name, directory / "logs"))
            broker = KafkaBroker(directory / "kafka")
            stack.push_async_callback(broker.kill)  # its log is deleted: no need for an orderly stop
            starting = asyncio.create_task(broker.start())
            stack.callback(starting.cancel)
            # Entered after chain and broker, so that the services stop before them.
            supervisor = await stack.enter_async_context(Supervisor(directory / "logs"))
            ipfs_url = start_store(supervisor, directory)
            rpc = await stack.enter_async_context(HttpRpc([chain.url]))
            treasury = compute_address(EcdsaSecretKey.generate())
            operators = [
                create_operator_keys(number, directory / f"operator-{number}")
                for number in range(1, operator_count + 1)
            ]
            administrator = create_administrator_key(directory / "administrator")
            async with in_a_hurry(chain, rpc):
                record = await deploy_contracts(chain, rpc, administrator, treasury, operator_count)
                file = NetworkFile((chain.url,), ipfs_url, record)
                network = file.network
                await supervisor.wait_until_ready(["store"], timeout_s=READY_SECONDS)
                token, _ = await asyncio.gather(
                    offer_token(chain, rpc, file, administrator), register_operators(chain, rpc, network, operators)
                )
            await starting
            await create_all_topics(broker.bootstrap_servers, network.deployment, operators)
            network_file = directory / "network.json"
            save_network(file, network_file)
            (directory / "deployment.json").write_text(dump_record(record))

        devnet = Devnet(
            directory=directory,
            network=network,
            network_file=network_file,
            rpc=rpc,
            supervisor=supervisor,
            operators=operators,
            administrator=administrator,
            treasury=treasury,
            chain=chain,
            token=token,
            broker=broker,
        )
        with progress.step("Services: indexer, notifier, evaluator (shared), performers, validators, aggregator"):
            specs = build_specs(devnet, misbehaviour)
            for spec in specs:
                supervisor.start(spec)
            await supervisor.wait_until_ready([spec.name for spec in specs], timeout_s=READY_SECONDS)
        yield devnet


# ---- chain


@asynccontextmanager
async def in_a_hurry(chain: DevelopmentChain, rpc: Rpc) -> AsyncIterator[None]:
    """Mine on demand: the setup has a dozen transactions in sequence, and a block takes a second otherwise."""

    async def mine() -> None:
        while True:
            await chain.mine(rpc)
            await asyncio.sleep(HURRY_SECONDS)

    miner = asyncio.create_task(mine())
    try:
        yield
    finally:
        miner.cancel()
        await asyncio.gather(miner, return_exceptions=True)


async def deploy_contracts(
    chain: DevelopmentChain, rpc: Rpc, administrator: AdministratorKey, treasury: Address, operator_count: int
) -> DeploymentRecord:
    """Deploy all contracts. A timelock administrates them, as in production; its delay is short. Anyone registers."""
    deployer = EcdsaSecretKey.generate()
    for address in (compute_address(deployer), administrator.address):
        await chain.fund(rpc, address, FAUCET)
    sender = Sender(rpc, deployer.reveal(), chain_id=chain.chain_id, on_intent=log_intent, poll_s=HURRY_SECONDS)
    parameters = DeploymentParameters(
        admin=TimelockParameters((administrator.address,), (administrator.address,), TIMELOCK_SECONDS),
        guardian=administrator.address,
        resolver=administrator.address,
        treasury=treasury,
        is_registration_open=True,
        min_stake=ETHER,
        activation_delay=0,
        min_dispute_blocks=0,
        min_operators=min(3, operator_count),
    )
    return await deploy(sender, rpc, parameters, chain_id=chain.chain_id)


async def offer_token(
    chain: DevelopmentChain, rpc: Rpc, file: NetworkFile, administrator: AdministratorKey
) -> DevelopmentToken:
    """Deploy the development token with a key of its own, and let the administrator allow it for projects."""
    faucet = EcdsaSecretKey.generate()
    await chain.fund(rpc, compute_address(faucet), FAUCET)
    sender = Sender(rpc, faucet.reveal(), chain_id=chain.chain_id, on_intent=log_intent, poll_s=HURRY_SECONDS)
    token = await deploy_token(rpc, sender)
    await allow_token(file, administrator.key, token.address, poll_seconds=HURRY_SECONDS)
    return token


async def register_operators(
    chain: DevelopmentChain, rpc: Rpc, network: Network, operators: Sequence[OperatorKeys]
) -> None:
    """Register each operator with stake and proof of possession, then seal the set (any account may)."""
    backend = load_backend(FAST)
    for keys in operators:
        for address in (keys.owner_address, Address(keys.operator_id), keys.keeper_address):
            await chain.fund(rpc, address, FAUCET)
        async with open_client(network, keys.owner, poll_seconds=HURRY_SECONDS) as owner:
            await register_operator(
                owner,
                backend,
                bls_key=keys.voting,
                consent=consent_to_owner(
                    network.deployment,
                    keys.signing,
                    owner=keys.owner_address,
                    bls_key_eip2537=backend.g1_to_eip2537(backend.public_key(keys.voting)),
                ),
                rewards_receiver=keys.owner_address,
                stake=STAKE,
            )
    async with open_client(network, operators[0].owner, poll_seconds=HURRY_SECONDS) as client:
        await seal_operator_set(client)


# ---- bus and services


async def create_all_topics(bootstrap_servers: str, deployment: Deployment, operators: Sequence[OperatorKeys]) -> None:
    """Create the topics of `proto/topics.yaml` and those of every consumer group."""
    services = ("performer", "validator", "aggregator", "poster")
    groups = [group_name(service, keys.operator_id) for service in services for keys in operators]
    await create_topics(
        bootstrap_servers, profile=Profile.TEST, groups=[*groups, "notifier", f"indexer.{deployment.chain_id}"]
    )


def start_store(supervisor: Supervisor, directory: Path) -> str:
    """Start the embedded content store and return its address."""
    listen = f"127.0.0.1:{find_free_port()}"
    settings = {"DATA_DIR": str(directory / "store"), "HTTP_LISTEN": listen}
    supervisor.start(ProcessSpec("store", python_service("services.store"), settings, f"http://{listen}/readyz"))
    return f"http://{listen}"


def build_specs(devnet: Devnet, misbehaviour: Misbehaviour) -> list[ProcessSpec]:
    """Return how each service runs."""
    build = _SpecBuilder(devnet)
    specs = [
        build.service("indexer", "services.indexer", CONFIRMATIONS="0", POLL_INTERVAL_MS="200"),
        build.service(
            "notifier",
            "services.notifier",
            RETRY_DELAY_MS="200",
            TRUSTED_OPERATORS=",".join(keys.operator_id.hex() for keys in devnet.operators),
        ),
        build.service("evaluator", "services.evaluator"),
    ]
    for keys in devnet.operators:
        specs += [
            build.performer(keys, misbehaviour.lying_performers_submission),
            build.validator(keys, is_lying=keys.number == misbehaviour.lying_attester),
        ]
    return specs + [build.aggregator(keys) for keys in devnet.operators if keys.number in devnet.aggregators]


class _SpecBuilder:
    """Environment and command of each service of one network."""

    def __init__(self, devnet: Devnet) -> None:
        self._devnet = devnet
        self._evaluator_listen = f"127.0.0.1:{find_free_port()}"
        self._shared = {  # each service gets the settings that it knows
            "KAFKA_BOOTSTRAP_SERVERS": devnet.broker.bootstrap_servers,
            "ETH_RPC_URLS": ",".join(devnet.network.rpc_urls),
            "DEPLOYMENT_FILE": str(devnet.directory / "deployment.json"),
            "IPFS_API_URL": devnet.network.ipfs_api_url,
            "EVALUATOR_URL": f"tcp:{self._evaluator_listen}",
            "LOG_LEVEL": "INFO",
        }

    def service(self, name: str, module: str, **environment: str) -> ProcessSpec:
        listen = self._evaluator_listen if name == "evaluator" else f"127.0.0.1:{find_free_port()}"
        known = list_variables(SETTINGS[name.partition("-")[0]])
        shared = {name: text for name, text in self._shared.items() if name in known}
        settings = {**shared, "HTTP_LISTEN": listen, **environment}
        prefixed = {PREFIX + name: text for name, text in settings.items()}  # so that an unknown setting is refused
        return ProcessSpec(name, python_service(module), prefixed, f"http://{listen}/readyz")

    def performer(self, keys: OperatorKeys, lie_submission: int | None) -> ProcessSpec:
        lie = {} if lie_submission is None else {"LIE_SUBMISSION": str(lie_submission)}
        return self.service(
            f"performer-{keys.number}",
            "services.performer" if lie_submission is None else "devnet.liars.performer",
            **self._operator(keys),
            KEEPER_KEY_FILE=str(keys.keeper_file),
            KEEPER_KEY_PASSWORD_FILE=str(keys.password_file),
            SWEEP_SECONDS="5",
            KEEPER_SWEEP_BLOCKS="5",
            **lie,
        )

    def validator(self, keys: OperatorKeys, *, is_lying: bool) -> ProcessSpec:
        return self.service(
            f"validator-{keys.number}",
            "devnet.liars.validator" if is_lying else "services.validator",
            **self._operator(keys),
            BLS_KEY_FILE=str(keys.voting_file),
            BLS_KEY_PASSWORD_FILE=str(keys.password_file),
            VOTE_LOG_FILE=str(keys.directory / "votes.sqlite"),
        )

    def aggregator(self, keys: OperatorKeys) -> ProcessSpec:
        return self.service(
            f"aggregator-{keys.number}",
            "services.aggregator",
            **self._operator(keys),
            DATA_DIR=str(keys.directory / "aggregator"),
            TAKEOVER_BLOCKS="0",  # the only aggregator of the network: it need not wait for another's turn
            COLLECT_BLOCKS="0",
        )

    def _operator(self, keys: OperatorKeys) -> dict[str, str]:
        return {
            "OPERATOR_KEY_FILE": str(keys.signing_file),
            "OPERATOR_KEY_PASSWORD_FILE": str(keys.password_file),
            "POLL_SECONDS": "0.2",
            "RETRY_DELAY_MS": "200",
        }
