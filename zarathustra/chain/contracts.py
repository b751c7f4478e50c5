"""The calls of owners, contributors and operators: one typed method per contract call.

Each method builds the call, sends it and returns the receipt or a value from the contract's event. All raise
Invalid(REVERTED), with the name of the contract's error as the fact `error`, and Retry when no node accepts the
transaction.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from zarathustra.chain import abi
from zarathustra.chain.abi import FACT_CLASSES, decode_fact, decode_result, encode_call, load_abi
from zarathustra.chain.logs import Log
from zarathustra.chain.port import Deployment, Receipt, SeedHeader
from zarathustra.chain.transactions import NO_VALUE, Sender, Transaction
from zarathustra.core.events import (
    Fact,
    OperatorRegistered,
    OperatorSetSealed,
    ProjectCreated,
    SubmissionCommitted,
    Withdrawn,
)
from zarathustra.core.project import ProjectParams
from zarathustra.core.types import (
    ZERO_ADDRESS,
    Address,
    Cid,
    EcdsaSignature,
    Evaluation,
    OperatorId,
    ProjectId,
    SetVersion,
    Slot,
    SubmissionIndex,
    TaskId,
    Wei,
    validate_length,
)

COIN: Final = ZERO_ADDRESS  # the token address that stands for the chain's own coin

F = TypeVar("F")


@dataclass(frozen=True)
class Registration:
    """The argument of `registerOperator`. Key and possession proof are in EIP-2537 form, as `signing` gives them.

    `consent`: the signing key's ECDSA signature of the consent digest.
    """

    bls_key: bytes  # 128 bytes, G1
    possession: bytes  # 256 bytes, G2: the signature of the possession digest
    signing_key: OperatorId
    consent: EcdsaSignature
    rewards_receiver: Address
    stake: Wei

    def __post_init__(self) -> None:
        validate_length("bls_key", self.bls_key, 128)
        validate_length("possession", self.possession, 256)
        validate_length("signing_key", self.signing_key, 20)
        validate_length("rewards_receiver", self.rewards_receiver, 20)


@dataclass(frozen=True)
class SignedVote:
    """One aggregate signature over one vote, as evidence: the argument of `proveConflict`. EIP-2537 form, 256 bytes."""

    evaluation: Evaluation
    approved: bool
    bitmap: int
    signature: bytes


class SendingContract:
    """One contract, with the sender that calls it."""

    def __init__(self, sender: Sender, name: str, address: Address) -> None:
        self._sender = sender
        self._abi = load_abi(name)
        self._address = address

    async def send(
        self, function: str, *arguments: object, value: Wei = NO_VALUE, may_restart: bool = True
    ) -> "Executed":
        """Call the function in a transaction; return once it is mined. `may_restart`: see `Sender.send`."""
        data = encode_call(self._abi, function, *arguments)
        mined = await self._sender.send(Transaction(self._address, data, value), may_restart=may_restart)
        return Executed(mined.receipt, self._read_facts(mined.logs))

    async def simulate(self, function: str, *arguments: object) -> tuple[Any, ...]:
        """Return what the function would return to the sender at the head."""
        data = encode_call(self._abi, function, *arguments)
        return decode_result(self._abi, function, await self._sender.simulate(Transaction(self._address, data)))

    def _read_facts(self, logs: Iterable[Log]) -> tuple[Fact, ...]:
        own = [log for log in logs if log.address == self._address and log.topics]
        known = [(self._abi.events.get(log.topics[0]), log) for log in own]
        return tuple(
            decode_fact(entry, log.topics, log.data)
            for entry, log in known
            if entry is not None and entry.name in FACT_CLASSES
        )


@dataclass(frozen=True)
class Executed:
    """A transaction that succeeded, with the facts that the contract emitted in it."""

    receipt: Receipt
    facts: tuple[Fact, ...]


def find_fact(executed: Executed, fact_class: type[F]) -> F:
    """Return the first fact of a class. Raises LookupError when there is none: the contract emits it or reverts."""
    for fact in executed.facts:
        if isinstance(fact, fact_class):
            return fact
    raise LookupError(f"transaction emitted no {fact_class.__name__}")


class GovernanceContract:
    """AvsGovernance, with one caller's key: usually that of an operator's owner."""

    def __init__(self, sender: Sender, deployment: Deployment) -> None:
        self._contract = SendingContract(sender, abi.GOVERNANCE, deployment.governance)

    async def register_operator(self, registration: Registration, *, value: Wei) -> Slot:
        """Register an operator; the sender becomes its owner. `value`: the stake when it is paid in coin, else 0."""
        mined = await self._contract.send("registerOperator", registration, value=value)
        return find_fact(mined, OperatorRegistered).slot

    async def increase_stake(self, operator: OperatorId, amount: Wei, *, value: Wei) -> Receipt:
        """Add stake; it counts from the next sealed set. `value`: the amount when it is paid in coin, else 0."""
        return (await self._contract.send("increaseStake", operator, amount, value=value)).receipt

    async def seal_operator_set(self) -> SetVersion:
        """Seal the active operators as the next version of the operator set."""
        return find_fact(await self._contract.send("sealOperatorSet"), OperatorSetSealed).version

    async def deregister_operator(self, operator: OperatorId) -> Receipt:
        """Start an operator's exit. The operator's owner only."""
        return (await self._contract.send("deregisterOperator", operator)).receipt

    async def complete_deregistration(self, operator: OperatorId, to: Address) -> Receipt:
        """Pay the stake to `to` once unbonding is over. The operator's owner only."""
        return (await self._contract.send("completeDeregistration", operator, to)).receipt

    async def eject(self, operator: OperatorId) -> Receipt:
        """Remove an operator from later sets. ADMISSION_ROLE only."""
        return (await self._contract.send("eject", operator)).receipt

    async def admit(self, owner: Address) -> Receipt:
        """Allow an account to register one operator. ADMISSION_ROLE only."""
        return (await self._contract.send("admit", owner)).receipt

    async def rotate_signing_key(
        self, operator: OperatorId, signing_key: OperatorId, bls_key: bytes, consent: EcdsaSignature
    ) -> Receipt:
        """Replace an operator's signing address, from the next set on. The operator's owner only."""
        return (await self._contract.send("rotateSigningKey", operator, signing_key, bls_key, consent)).receipt

    async def unjail(self, operator: OperatorId) -> Receipt:
        """Bring a jailed operator back once its stake is large enough. The operator's owner only."""
        return (await self._contract.send("unjail", operator)).receipt

    async def release_slot(self, operator: OperatorId) -> Receipt:
        """Free the slot of an operator whose unbonding is over; its owner gets a credit. Anyone may call."""
        return (await self._contract.send("releaseSlot", operator)).receipt


class CenterContract:
    """AttestationCenter, for all calls except certificates (see `operator_sender`)."""

    def __init__(self, sender: Sender, deployment: Deployment) -> None:
        self._contract = SendingContract(sender, abi.ATTESTATION_CENTER, deployment.attestation_center)

    async def fix_seed(self, task_id: TaskId, header: SeedHeader) -> Receipt:
        """Store the task's seed, proven by the header of its seed block."""
        return (await self._contract.send("fixSeed", task_id, header.encoded)).receipt

    async def dispute(self, task_id: TaskId, *, bond: Wei) -> Receipt:
        """Dispute an IMPROVED verdict whose reward is still withheld."""
        return (await self._contract.send("dispute", task_id, value=bond)).receipt

    async def resolve(self, task_id: TaskId, *, is_overturned: bool) -> Receipt:
        """Rule on a dispute. The resolver only."""
        return (await self._contract.send("resolve", task_id, is_overturned)).receipt

    async def expire_task(self, task_id: TaskId) -> Receipt:
        """Mark a task whose deadline has passed as expired."""
        return (await self._contract.send("expireTask", task_id)).receipt

    async def prove_conflict(self, first: SignedVote, second: SignedVote, header: SeedHeader) -> Receipt:
        """Slash all operators that signed both votes; the sender gets half. `header` is that of the seed block."""
        return (await self._contract.send("proveConflict", first, second, header.encoded)).receipt

    async def claim(self, operator: OperatorId, up_to: int) -> Receipt:
        """Credit an operator's rewards receiver with its attester fees for the settlements below `up_to`."""
        return (await self._contract.send("claim", operator, up_to)).receipt


class MarketContract:
    """ModelSubmission, with the key of a project owner, a contributor or a keeper."""

    def __init__(self, sender: Sender, deployment: Deployment) -> None:
        self._contract = SendingContract(sender, abi.MODEL_SUBMISSION, deployment.model_submission)

    async def create_project(self, params: ProjectParams) -> ProjectId:
        """Publish a project and escrow pool and budget. An ERC-20 must be approved first."""
        value = Wei(params.pool + params.budget) if params.token == COIN else NO_VALUE
        return find_fact(await self._contract.send("createProject", params, value=value), ProjectCreated).project_id

    async def top_up(self, project_id: ProjectId, *, pool: Wei, budget: Wei, value: Wei) -> Receipt:
        """Add to pool and budget. `value`: their sum when the project's token is the coin, else 0."""
        return (await self._contract.send("topUp", project_id, pool, budget, value=value)).receipt

    async def close_project(self, project_id: ProjectId) -> Receipt:
        """Refuse new commits; pending submissions finish and are paid."""
        return (await self._contract.send("closeProject", project_id)).receipt

    async def withdraw_escrow(self, project_id: ProjectId) -> Receipt:
        """Credit a closed or cancelled project's escrow to its owner once no submission is pending."""
        return (await self._contract.send("withdrawEscrow", project_id)).receipt

    async def commit(self, project_id: ProjectId, commitment: bytes, *, value: Wei) -> SubmissionIndex:
        """Enter a hidden challenger. `value`: the bond when the project's token is the coin, else 0.

        Raises Retry with the fact `is_nonce_taken` when another transaction took the nonce: look first whether that was
        this commitment, which would pay a second bond.
        """
        mined = await self._contract.send("commit", project_id, commitment, value=value, may_restart=False)
        return find_fact(mined, SubmissionCommitted).index

    async def reveal(self, project_id: ProjectId, index: SubmissionIndex, parameters_cid: Cid, salt: bytes) -> Receipt:
        """Show the parameters and the salt that were committed."""
        return (await self._contract.send("reveal", project_id, index, parameters_cid, salt)).receipt

    async def advance(self, project_id: ProjectId, max_steps: int) -> Receipt:
        """Do the steps that are due at the head of the project, at most `max_steps`."""
        return (await self._contract.send("advance", project_id, max_steps)).receipt

    async def release(self, project_id: ProjectId, index: SubmissionIndex) -> Receipt:
        """Credit a withheld reward once it can no longer be disputed. Anyone may call."""
        return (await self._contract.send("release", project_id, index)).receipt

    async def set_metadata(self, project_id: ProjectId, metadata_cid: Cid) -> Receipt:
        """Change what the project says about itself. The project's owner only."""
        return (await self._contract.send("setMetadata", project_id, metadata_cid)).receipt

    async def withdraw(self, token: Address, to: Address) -> Wei:
        """Pay the sender's credit to `to`; return the amount."""
        return find_fact(await self._contract.send("withdraw", token, to), Withdrawn).amount
