"""The contracts deployed on anvil, with accounts and operators whose keys are known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from devnet.anvil import DEFAULT_CHAIN_ID
from tests.kit.signing.operators import OperatorKeys
from zarathustra.chain.contracts import CenterContract, GovernanceContract, MarketContract, Registration, SignedVote
from zarathustra.chain.deploy import DeploymentParameters, deploy
from zarathustra.chain.deployment import DeploymentRecord
from zarathustra.chain.operator_sender import ChainTaskSender
from zarathustra.chain.port import Deployment, Receipt
from zarathustra.chain.reader import ChainTaskReader
from zarathustra.chain.rpc import Rpc
from zarathustra.chain.transactions import Intent, Sender
from zarathustra.core.digests import (
    Domain,
    commitment,
    consent_digest,
    evaluation_digest,
    evaluation_hash,
    input_hash,
    key_hash,
    possession_digest,
    report_hash,
    seed,
    vote_digest,
)
from zarathustra.core.messages import CertificateIssued, EvaluationProposed
from zarathustra.core.outcomes import Code
from zarathustra.core.project import ProjectParams, RewardRule
from zarathustra.core.task import Operator, Task, effective_attempt, performer_of
from zarathustra.core.types import (
    ZERO_ADDRESS,
    Address,
    BlockNumber,
    Bps,
    Cid,
    Evaluation,
    Micro,
    OperatorId,
    Ppm,
    ProjectId,
    SetVersion,
    Slot,
    SubmissionIndex,
    Wei,
)
from zarathustra.core.vote import Vote
from zarathustra.signing.backends import load_backend
from zarathustra.signing.ecdsa import compute_address, sign_digest
from zarathustra.signing.keys import BlsSecretKey, EcdsaSecretKey

ETHER = 10**18
FEE = Wei(ETHER // 100)
BOND = Wei(3 * FEE)
STAKE = Wei(10 * ETHER)
PATIENCE_S = 2.0  # anvil counts a nonce milliseconds before it serves the receipt
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
OPERATOR_KEYS = tuple(
    OperatorKeys(EcdsaSecretKey(DEV_KEYS[FIRST_OPERATOR + number]), BlsSecretKey.from_int(number + 1))
    for number in range(4)
)


def make_sender(rpc: Rpc, key: bytes, intents: list[Intent] | None = None, *, stuck_blocks: int = 3) -> Sender:
    record = [] if intents is None else intents
    return Sender(
        rpc,
        key,
        chain_id=DEFAULT_CHAIN_ID,
        on_intent=record.append,
        poll_s=0.01,
        stuck_blocks=stuck_blocks,
        patience_s=PATIENCE_S,
    )


def make_params(*, pool: int = ETHER, architecture_cid: str = "bafkarchitecture") -> ProjectParams:
    """Return parameters that the contract accepts, with FEE and BOND."""
    return ProjectParams(
        architecture_cid=Cid(architecture_cid),
        parameters_cid=Cid("bafkbaseline"),
        evaluator_cid=Cid("bafkevaluator"),
        metadata_cid=Cid("bafkmetadata"),
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
        seed_delay=2,
        max_attempts=4,
        attempt_blocks=20,
        reveal_blocks=50,
        dispute_blocks=0,
        open_until=BlockNumber(1_000_000),
        owner_pays_misses=False,
    )


@dataclass(frozen=True)
class TestMarket:
    """Every contract deployed, and one sender for each role."""

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
        """Register OPERATOR_KEYS in their order, which is that of their slots, and seal the set."""
        for keys in OPERATOR_KEYS:
            await self.governance.register_operator(self._build_registration(keys), value=STAKE)
        await self.governance.seal_operator_set()

    def _build_registration(self, keys: OperatorKeys) -> Registration:
        backend = load_backend("fast")
        encoded = backend.g1_to_eip2537(backend.public_key(keys.bls))
        domain = Domain(self.deployment.chain_id, self.deployment.governance)
        digest = possession_digest(domain, self.owner.address, keys.operator_id, key_hash(encoded))
        return Registration(
            bls_key=encoded,
            possession=backend.g2_to_eip2537(backend.prove_possession(keys.bls, digest)),
            signing_key=keys.operator_id,
            consent=sign_digest(keys.ecdsa, consent_digest(domain, self.owner.address, key_hash(encoded))),
            rewards_receiver=Address(keys.operator_id),
            stake=STAKE,
        )

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

    async def open_task(self) -> Task:
        """Return the one open task, and mine up to its seed block if needed."""
        reader = ChainTaskReader(self.rpc, self.deployment)
        (task_id,) = await reader.fetch_open_tasks()
        task = await reader.fetch_task(task_id)
        missing = task.seed_block + 1 - await reader.fetch_block_number()
        if missing > 0:
            await self.rpc.call("anvil_mine", hex(missing))
        return task

    async def build_certificate(self, task: Task, verdict: "Verdict") -> CertificateIssued:
        """Build the certificate of all operators for `verdict`, proposed by the effective attempt's performer."""
        reader = ChainTaskReader(self.rpc, self.deployment)
        operators = (await reader.fetch_operator_set(task.set_version)).operators
        header = await reader.fetch_seed_header(task.seed_block)
        task_seed = seed(header.prev_randao, self.deployment.chain_id, self.deployment.model_submission, task.task_id)
        attempt = effective_attempt(task, BlockNumber(await reader.fetch_block_number() + 1))
        assert attempt is not None
        performer = performer_of(operators, task_seed, attempt)
        evaluation = Evaluation(
            task_id=task.task_id,
            attempt=attempt,
            performer=performer.operator_id,
            input_hash=input_hash(task.input_root, task_seed),
            code=verdict.code,
            champion_score=Micro(verdict.champion_score),
            challenger_score=Micro(verdict.challenger_score),
            gain_lower_bound=Micro(verdict.gain_lower_bound),
            report_hash=report_hash(REPORT_CID),
        )
        return self._sign(evaluation, verdict, operators, task.set_version)

    def _sign(
        self, evaluation: Evaluation, verdict: "Verdict", operators: Sequence[Operator], version: SetVersion
    ) -> CertificateIssued:
        domain = Domain(self.deployment.chain_id, self.deployment.attestation_center)
        vote = Vote(evaluation.task_id, evaluation.attempt, evaluation_hash(evaluation), verdict.is_approved)
        backend = load_backend("fast")
        signatures = [
            backend.sign(OPERATOR_KEYS[operator.slot].bls, vote_digest(domain, vote)) for operator in operators
        ]
        performer = next(keys for keys in OPERATOR_KEYS if keys.operator_id == evaluation.performer)
        return CertificateIssued(
            proposal=EvaluationProposed(
                evaluation=evaluation,
                proof_of_task=REPORT_CID,
                performer_signature=sign_digest(performer.ecdsa, evaluation_digest(domain, evaluation)),
            ),
            approved=verdict.is_approved,
            set_version=version,
            bitmap=sum(1 << operator.slot for operator in operators),
            signature=backend.aggregate_signatures(signatures),
        )

    async def build_signed_vote(self, evaluation: Evaluation) -> SignedVote:
        """Build all operators' approval of an evaluation, as evidence."""
        domain = Domain(self.deployment.chain_id, self.deployment.attestation_center)
        vote = Vote(evaluation.task_id, evaluation.attempt, evaluation_hash(evaluation), True)
        backend = load_backend("fast")
        signatures = [backend.sign(keys.bls, vote_digest(domain, vote)) for keys in OPERATOR_KEYS]
        aggregate = backend.g2_to_eip2537(backend.aggregate_signatures(signatures))
        return SignedVote(evaluation, True, (1 << len(OPERATOR_KEYS)) - 1, aggregate)

    async def rotate_signing_key(self, number: int) -> None:
        """Give operator `number` a new signing address."""
        keys, fresh = OPERATOR_KEYS[number], EcdsaSecretKey.from_int(0x99)
        backend = load_backend("fast")
        encoded = backend.g1_to_eip2537(backend.public_key(keys.bls))
        domain = Domain(self.deployment.chain_id, self.deployment.governance)
        consent = sign_digest(fresh, consent_digest(domain, self.owner.address, key_hash(encoded)))
        signing_key = OperatorId(compute_address(fresh))
        await self.governance.rotate_signing_key(keys.operator_id, signing_key, encoded, consent)

    def task_sender(self, number: int = 0) -> ChainTaskSender:
        """Build operator `number`'s sender of transactions about tasks."""
        return ChainTaskSender(
            self.operators[number], self.deployment, encode_signature=load_backend("fast").g2_to_eip2537
        )

    async def certify(self, verdict: "Verdict") -> Receipt:
        """Settle the open task."""
        return await self.post(await self.build_certificate(await self.open_task(), verdict))

    async def post(self, certificate: CertificateIssued, *, operator: int = 0) -> Receipt:
        """Send a certificate as an operator, whose slot is its number."""
        reader = ChainTaskReader(self.rpc, self.deployment)
        task = await reader.fetch_task(certificate.proposal.evaluation.task_id)
        header = await reader.fetch_seed_header(task.seed_block)
        return await self.task_sender(operator).submit_certificate(certificate, Slot(operator), header)


@dataclass(frozen=True)
class Verdict:
    """What the operators sign."""

    code: Code = Code.VALID
    champion_score: int = 900_000
    challenger_score: int = 900_000
    gain_lower_bound: int = 0
    is_approved: bool = True


IMPROVED = Verdict(challenger_score=950_000, gain_lower_bound=40_000)
WORSE = Verdict(challenger_score=500_000, gain_lower_bound=-500_000)
REPORT_CID = Cid("bafkreport")


def build_parameters(admin: Address, **changes: Any) -> DeploymentParameters:
    """Build a deployment in which one account has every role."""
    parameters = DeploymentParameters(
        admin=admin,
        guardian=admin,
        resolver=admin,
        treasury=Address(b"\x7e" * 20),
        is_registration_open=True,
        min_stake=Wei(ETHER),
        epoch_blocks=1,
        activation_delay=0,
        min_dispute_blocks=0,
    )
    return replace(parameters, **changes)


async def deploy_record(rpc: Rpc) -> DeploymentRecord:
    """Deploy everything; the first development account owns it."""
    owner = make_sender(rpc, DEV_KEYS[OWNER])
    return await deploy(owner, rpc, build_parameters(owner.address), chain_id=DEFAULT_CHAIN_ID)


async def deploy_market(rpc: Rpc) -> TestMarket:
    """Deploy everything, with a sender for each role."""
    owner = make_sender(rpc, DEV_KEYS[OWNER])
    record = await deploy_record(rpc)
    operators = tuple(make_sender(rpc, keys.ecdsa.reveal()) for keys in OPERATOR_KEYS)
    return TestMarket(rpc, record.deployment, owner, make_sender(rpc, DEV_KEYS[CONTRIBUTOR]), operators)
