"""A deployed market on a test chain, with operators whose keys the test holds."""

from dataclasses import dataclass

from devnet.anvil import DEFAULT_CHAIN_ID
from zarathustra.chain.contracts import CenterContract, GovernanceContract, MarketContract, Registration
from zarathustra.chain.deploy import DeploymentParameters, deploy
from zarathustra.chain.port import Deployment
from zarathustra.chain.rpc import Rpc
from zarathustra.chain.transactions import Intent, Sender
from zarathustra.core.digests import Domain, commitment, key_hash, possession_digest
from zarathustra.core.project import ProjectParams, RewardRule
from zarathustra.core.types import (
    ZERO_ADDRESS,
    Address,
    BlockNumber,
    Bps,
    Cid,
    Micro,
    OperatorId,
    Ppm,
    ProjectId,
    SubmissionIndex,
    Wei,
)
from zarathustra.signing.bls import load_backend
from zarathustra.signing.keys import BlsSecretKey

ETHER = 10**18
FEE = Wei(ETHER // 100)
BOND = Wei(3 * FEE)
STAKE = Wei(10 * ETHER)
SALT = b"\x5a" * 32

# The first six keys of the public development mnemonic (`devnet.anvil.DEV_MNEMONIC`).
DEV_KEYS = tuple(
    bytes.fromhex(key)
    for key in (
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
        "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
        "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
        "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
        "47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
        "8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    )
)
OWNER, CONTRIBUTOR, FIRST_OPERATOR = 0, 1, 2
OPERATORS = 3


def make_sender(rpc: Rpc, key: bytes, intents: list[Intent] | None = None, *, stuck_blocks: int = 3) -> Sender:
    record = [] if intents is None else intents
    return Sender(rpc, key, chain_id=DEFAULT_CHAIN_ID, on_intent=record.append, poll_s=0.01, stuck_blocks=stuck_blocks)


def make_params(*, pool: int = ETHER, architecture_cid: str = "bafkarchitecture") -> ProjectParams:
    """A project that the contract accepts, for FEE and BOND."""
    return ProjectParams(
        architecture_cid=architecture_cid,
        parameters_cid="bafkbaseline",
        evaluator_cid="bafkevaluator",
        token=ZERO_ADDRESS,
        pool=Wei(pool),
        budget=Wei(10 * FEE),
        reward_rule=RewardRule.FIXED,
        max_reward=Wei(ETHER // 2),
        reward_rate=Wei(0),
        bond=BOND,
        fee=FEE,
        min_gain=Micro(100),
        worse_tolerance=Micro(1_000),
        tolerance=Micro(2),
        rounds=32,
        alpha_ppm=Ppm(10_000),
        quorum_bps=Bps(6_600),
        attempt_blocks=20,
        reveal_blocks=50,
        open_until=BlockNumber(1_000_000),
        owner_pays_misses=False,
    )


@dataclass(frozen=True)
class TestMarket:
    """Everything deployed, with one sender per role."""

    __test__ = False  # not a test class

    rpc: Rpc
    deployment: Deployment
    owner: Sender
    contributor: Sender
    operators: tuple[Sender, ...]

    @property
    def governance(self) -> GovernanceContract:
        return GovernanceContract(self.owner, self.deployment)

    @property
    def center(self) -> CenterContract:
        return CenterContract(self.owner, self.deployment)

    @property
    def owner_market(self) -> MarketContract:
        return MarketContract(self.owner, self.deployment)

    @property
    def contributor_market(self) -> MarketContract:
        return MarketContract(self.contributor, self.deployment)

    async def register_operators(self) -> None:
        """Register and seal OPERATORS operators; slot i has BLS key i + 1."""
        for number, sender in enumerate(self.operators):
            registration = build_registration(number, OperatorId(sender.address), self.deployment)
            await self.governance.register_operator(registration, value=STAKE)
        await self.governance.seal_operator_set()

    def build_commitment(self, project_id: ProjectId, parameters_cid: str) -> bytes:
        return commitment(
            self.deployment.chain_id,
            self.deployment.model_submission,
            project_id,
            self.contributor.address,
            Cid(parameters_cid),
            SALT,
        )

    async def commit_and_reveal(self, project_id: ProjectId, parameters_cid: str) -> SubmissionIndex:
        market = self.contributor_market
        index = await market.commit(project_id, self.build_commitment(project_id, parameters_cid), value=BOND)
        await market.reveal(project_id, index, Cid(parameters_cid), SALT)
        return index


def bls_key(number: int) -> BlsSecretKey:
    """The BLS key of operator `number`."""
    return BlsSecretKey.from_int(number + 1)


def build_registration(number: int, operator: OperatorId, deployment: Deployment) -> Registration:
    backend = load_backend("fast")
    secret = bls_key(number)
    encoded = backend.g1_to_eip2537(backend.public_key(secret))
    domain = Domain(deployment.chain_id, deployment.governance)
    digest = possession_digest(domain, operator, key_hash(encoded))
    return Registration(
        bls_key=encoded,
        possession=backend.g2_to_eip2537(backend.prove_possession(secret, digest)),
        signing_key=operator,
        rewards_receiver=Address(operator),
        stake=STAKE,
    )


async def deploy_market(rpc: Rpc) -> TestMarket:
    """Deploy everything; the first development account owns it."""
    owner = make_sender(rpc, DEV_KEYS[OWNER])
    parameters = DeploymentParameters(
        owner=owner.address, treasury=Address(b"\x7e" * 20), min_stake=Wei(ETHER), epoch_blocks=1, seed_delay=2
    )
    deployment = await deploy(owner, rpc, parameters, chain_id=DEFAULT_CHAIN_ID)
    operators = tuple(make_sender(rpc, DEV_KEYS[FIRST_OPERATOR + number]) for number in range(OPERATORS))
    return TestMarket(rpc, deployment, owner, make_sender(rpc, DEV_KEYS[CONTRIBUTOR]), operators)
