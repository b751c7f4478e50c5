"""Deploy all contracts. They name each other by addresses that are computed before the first deployment."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import rlp
from eth_hash.auto import keccak

from zarathustra.chain import abi
from zarathustra.chain.abi import encode_arguments, load_abi
from zarathustra.chain.calls import Contract, ViewCall, fetch_head, fetch_views
from zarathustra.chain.port import Deployment
from zarathustra.chain.quantities import format_data
from zarathustra.chain.rpc import Rpc
from zarathustra.chain.transactions import Sender, Transaction
from zarathustra.core.errors import Invalid
from zarathustra.core.project import MAX_TASK_BLOCKS
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO_ADDRESS, Address, BlockNumber, Bps, Wei, validate_length

ORDER: Final = (
    abi.VERIFIER,
    abi.SEED_SOURCE,
    abi.ADMINISTRATION,
    abi.GOVERNANCE,
    abi.AVS_LOGIC,
    abi.ATTESTATION_CENTER,
    abi.MODEL_SUBMISSION,  # after AvsGovernance: its constructor reads the unbonding time
)


@dataclass(frozen=True)
class DeploymentParameters:
    """What is decided at deployment; `docs/protocol.md` §3 and §4 explain the blocks and amounts."""

    admin: Address  # the timelock: admits and ejects operators, sets parameters, allows tokens, grants roles
    guardian: Address  # pauses
    resolver: Address  # rules on disputes
    treasury: Address
    is_registration_open: bool = False  # or the timelock admits each operator
    admin_delay_s: int = 2 * 24 * 3_600  # before a new admin can accept
    stake_token: Address = ZERO_ADDRESS  # zero: the chain's own coin
    min_stake: Wei = Wei(10**18)
    epoch_blocks: int = 7_200
    unbonding_blocks: int = 4 * MAX_TASK_BLOCKS
    activation_delay: int = 7_200
    min_operators: int = 3
    turn_blocks: int = 5
    guilty_slash_bps: Bps = Bps(100)
    conflict_slash_bps: Bps = Bps(1_000)
    overturned_slash_bps: Bps = Bps(1_000)
    max_pending: int = 16
    max_pending_per_account: int = 2
    open_timeout: int = 7_200
    min_attempt_blocks: int = 10
    min_dispute_blocks: int = 7_200
    max_dispute_blocks: int = 14_400
    resolve_blocks: int = 7_200
    dispute_bond: Wei = Wei(10**17)
    coin_min_fee: Wei = Wei(10**14)


class Wiring(NamedTuple):
    """A getter that must answer with the address of another contract."""

    contract: str
    getter: str
    target: str


WIRINGS: Final = (
    Wiring(abi.GOVERNANCE, "administration", abi.ADMINISTRATION),
    Wiring(abi.GOVERNANCE, "attestationCenter", abi.ATTESTATION_CENTER),
    Wiring(abi.GOVERNANCE, "verifier", abi.VERIFIER),
    Wiring(abi.ATTESTATION_CENTER, "administration", abi.ADMINISTRATION),
    Wiring(abi.ATTESTATION_CENTER, "governance", abi.GOVERNANCE),
    Wiring(abi.ATTESTATION_CENTER, "avsLogic", abi.AVS_LOGIC),
    Wiring(abi.ATTESTATION_CENTER, "modelSubmission", abi.MODEL_SUBMISSION),
    Wiring(abi.ATTESTATION_CENTER, "verifier", abi.VERIFIER),
    Wiring(abi.ATTESTATION_CENTER, "seedSource", abi.SEED_SOURCE),
    Wiring(abi.AVS_LOGIC, "attestationCenter", abi.ATTESTATION_CENTER),
    Wiring(abi.AVS_LOGIC, "modelSubmission", abi.MODEL_SUBMISSION),
    Wiring(abi.MODEL_SUBMISSION, "administration", abi.ADMINISTRATION),
    Wiring(abi.MODEL_SUBMISSION, "avsLogic", abi.AVS_LOGIC),
    Wiring(abi.MODEL_SUBMISSION, "attestationCenter", abi.ATTESTATION_CENTER),
)


async def deploy(sender: Sender, rpc: Rpc, parameters: DeploymentParameters, *, chain_id: int) -> Deployment:
    """Deploy everything with consecutive nonces, then check the wiring. The key must send nothing else meanwhile.

    Raises Invalid(REVERTED) when a constructor reverts, or a contract has another address or names other contracts.
    """
    first_nonce = await sender.fetch_next_nonce()
    addresses = {name: compute_contract_address(sender.address, first_nonce + step) for step, name in enumerate(ORDER)}
    blocks: list[BlockNumber] = []
    for name in ORDER:
        data = build_creation_code(name, _build_arguments(name, addresses, parameters))
        mined = await sender.send(Transaction(None, data))
        blocks.append(mined.receipt.block_number)

    await validate_wiring(rpc, addresses, parameters)
    return Deployment(
        chain_id=chain_id,
        administration=addresses[abi.ADMINISTRATION],
        governance=addresses[abi.GOVERNANCE],
        attestation_center=addresses[abi.ATTESTATION_CENTER],
        avs_logic=addresses[abi.AVS_LOGIC],
        model_submission=addresses[abi.MODEL_SUBMISSION],
        deployed_at=min(blocks),
    )


async def validate_wiring(rpc: Rpc, addresses: dict[str, Address], parameters: DeploymentParameters) -> None:
    """Raise Invalid(REVERTED) unless each contract exists and names the others and the accounts."""
    expected = [(wiring.contract, wiring.getter, addresses[wiring.target]) for wiring in WIRINGS]
    expected += [
        (abi.ADMINISTRATION, "defaultAdmin", parameters.admin),
        (abi.ATTESTATION_CENTER, "resolver", parameters.resolver),
        (abi.ATTESTATION_CENTER, "treasury", parameters.treasury),
        (abi.GOVERNANCE, "stakeToken", parameters.stake_token),
        (abi.MODEL_SUBMISSION, "treasury", parameters.treasury),
    ]
    views = [ViewCall(Contract(load_abi(name), addresses[name]), getter) for name, getter, _ in expected]

    head = await fetch_head(rpc)
    answers = await fetch_views(rpc, head.block_hash, views)
    for (name, getter, address), view, answer in zip(expected, views, answers, strict=True):
        (found,) = view.parse(answer)
        if found != address:
            raise Invalid(Reason.REVERTED, "check wiring", contract=name, getter=getter, found=format_data(found))


def compute_contract_address(deployer: Address, nonce: int) -> Address:
    """Return the address that CREATE gives a contract: the last 20 bytes of keccak(rlp([deployer, nonce]))."""
    validate_length("deployer", deployer, 20)
    return Address(keccak(rlp.encode([deployer, nonce]))[12:])


def build_creation_code(name: str, arguments: tuple[object, ...]) -> bytes:
    """Return the committed bytecode, followed by its constructor's arguments."""
    contract = load_abi(name)
    return contract.bytecode + encode_arguments(contract.constructor_inputs, arguments)


def _build_arguments(name: str, addresses: dict[str, Address], parameters: DeploymentParameters) -> tuple[object, ...]:
    """Return the constructor's arguments, in the order of its source."""
    arguments: dict[str, tuple[object, ...]] = {
        abi.VERIFIER: (),
        abi.SEED_SOURCE: (),
        abi.ADMINISTRATION: (parameters.admin, parameters.guardian, parameters.admin_delay_s),
        abi.GOVERNANCE: (
            addresses[abi.ADMINISTRATION],
            addresses[abi.ATTESTATION_CENTER],
            addresses[abi.VERIFIER],
            parameters.stake_token,
            (
                parameters.min_stake,
                parameters.epoch_blocks,
                parameters.unbonding_blocks,
                parameters.activation_delay,
            ),
            parameters.is_registration_open,
        ),
        abi.AVS_LOGIC: (addresses[abi.ATTESTATION_CENTER], addresses[abi.MODEL_SUBMISSION]),
        abi.ATTESTATION_CENTER: (
            (
                addresses[abi.ADMINISTRATION],
                addresses[abi.GOVERNANCE],
                addresses[abi.AVS_LOGIC],
                addresses[abi.MODEL_SUBMISSION],
                addresses[abi.VERIFIER],
                addresses[abi.SEED_SOURCE],
                parameters.resolver,
                parameters.treasury,
            ),
            (
                parameters.min_operators,
                parameters.turn_blocks,
                parameters.guilty_slash_bps,
                parameters.conflict_slash_bps,
                parameters.overturned_slash_bps,
            ),
        ),
        abi.MODEL_SUBMISSION: (
            addresses[abi.ADMINISTRATION],
            addresses[abi.GOVERNANCE],
            addresses[abi.ATTESTATION_CENTER],
            addresses[abi.AVS_LOGIC],
            parameters.treasury,
            (
                parameters.max_pending,
                parameters.max_pending_per_account,
                parameters.open_timeout,
                parameters.min_attempt_blocks,
                parameters.min_dispute_blocks,
                parameters.max_dispute_blocks,
                parameters.resolve_blocks,
                parameters.dispute_bond,
                parameters.coin_min_fee,
            ),
        ),
    }
    return arguments[name]
