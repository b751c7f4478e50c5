"""Deploy all contracts. They name each other by addresses that are computed before the first deployment."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import rlp
from eth_abi.exceptions import EncodingError
from eth_hash.auto import keccak

from zarathustra.chain import abi
from zarathustra.chain.abi import encode_arguments, load_abi
from zarathustra.chain.deploy_parameters import DeploymentParameters, TimelockParameters
from zarathustra.chain.deployment import DeploymentRecord
from zarathustra.chain.port import Receipt
from zarathustra.chain.rpc import Rpc
from zarathustra.chain.transactions import Sender, Transaction
from zarathustra.chain.wiring import (
    build_center_parameters,
    build_market_limits,
    fetch_contracts,
    validate_new_deployment,
)
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, validate_length

# Everything is paid for when the contracts are read back: a node that is behind or restarts must not lose the result.
READ_ATTEMPTS: Final = 30
READ_PAUSE_S: Final = 1.0

ORDER: Final = (
    abi.VERIFIER,
    abi.SEED_SOURCE,
    abi.ADMINISTRATION,
    abi.GOVERNANCE,
    abi.AVS_LOGIC,
    abi.ATTESTATION_CENTER,
    abi.MODEL_SUBMISSION,  # after AvsGovernance: its constructor reads the unbonding time
)

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One contract to deploy: where it will be, and its constructor's arguments in the order of its source."""

    contract: str
    nonce: int
    address: Address
    arguments: tuple[object, ...]


@dataclass(frozen=True)
class Plan:
    """What a key will deploy from a nonce on."""

    deployer: Address
    parameters: DeploymentParameters
    steps: tuple[Step, ...]

    @property
    def addresses(self) -> dict[str, Address]:
        return {step.contract: step.address for step in self.steps}


def plan_deployment(deployer: Address, first_nonce: int, parameters: DeploymentParameters) -> Plan:
    """Compute every address and every constructor's arguments. With a timelock, it comes first."""
    has_timelock = isinstance(parameters.admin, TimelockParameters)
    names = (abi.TIMELOCK, *ORDER) if has_timelock else ORDER
    addresses = {name: compute_contract_address(deployer, first_nonce + step) for step, name in enumerate(names)}
    arguments = _build_arguments(addresses, parameters)
    steps = [Step(name, first_nonce + step, addresses[name], arguments[name]) for step, name in enumerate(names)]
    return Plan(deployer, parameters, tuple(steps))


def ignore_step(_step: Step, _receipt: Receipt) -> None:
    """Do nothing: the default observer."""


async def deploy(
    sender: Sender,
    rpc: Rpc,
    parameters: DeploymentParameters,
    *,
    chain_id: int,
    on_step: Callable[[Step, Receipt], None] = ignore_step,
) -> DeploymentRecord:
    """Deploy everything with consecutive nonces, then compare all of it with the chain. The deployer gets no role.

    The key must send nothing else meanwhile. `on_step` is called after each contract. Raises Invalid: BAD_SETTING when
    a parameter does not fit into its type, before anything is sent; REVERTED when a constructor reverts;
    WRONG_DEPLOYMENT when a contract is not what was planned. What was deployed before is then without use: start again.
    """
    plan = plan_deployment(sender.address, await sender.fetch_next_nonce(), parameters)
    codes = [build_creation_code(step.contract, step.arguments) for step in plan.steps]
    blocks = []
    for step, code in zip(plan.steps, codes, strict=True):
        mined = await sender.send(Transaction(None, code))
        await _require_nonce(sender, step)
        blocks.append(mined.receipt.block_number)
        on_step(step, mined.receipt)

    record = DeploymentRecord(
        chain_id=chain_id,
        deployer=sender.address,
        deployed_at=min(blocks),
        contracts=await insist(lambda: fetch_contracts(rpc, plan.addresses)),
        parameters=parameters,
    )
    await insist(lambda: validate_new_deployment(rpc, record))
    return record


async def insist(read: Callable[[], Awaitable[T]], *, pause_s: float = READ_PAUSE_S) -> T:
    """Return what `read` returns, after up to READ_ATTEMPTS attempts. Raises the last one's Retry."""
    for _ in range(READ_ATTEMPTS - 1):
        try:
            return await read()
        except Retry:
            await asyncio.sleep(pause_s)
    return await read()


def compute_contract_address(deployer: Address, nonce: int) -> Address:
    """Return the address that CREATE gives a contract: the last 20 bytes of keccak(rlp([deployer, nonce]))."""
    validate_length("deployer", deployer, 20)
    return Address(keccak(rlp.encode([deployer, nonce]))[12:])


def build_creation_code(name: str, arguments: tuple[object, ...]) -> bytes:
    """Return the committed bytecode, followed by its constructor's arguments.

    Raises Invalid(BAD_SETTING) when an argument does not fit into its type.
    """
    contract = load_abi(name)
    try:
        return contract.bytecode + encode_arguments(contract.constructor_inputs, arguments)
    except EncodingError as error:
        raise Invalid(Reason.BAD_SETTING, "encode constructor", contract=name, cause=error) from error


async def _require_nonce(sender: Sender, step: Step) -> None:
    """Raise Invalid(WRONG_DEPLOYMENT) when another program used a nonce of ours: it moves every later address."""
    used = await sender.fetch_next_nonce() - 1
    if used != step.nonce:
        raise Invalid(
            Reason.WRONG_DEPLOYMENT,
            "another program used this key: a contract is not at the computed address",
            contract=step.contract,
            nonce=used,
            expected=step.nonce,
        )


def _build_arguments(addresses: dict[str, Address], parameters: DeploymentParameters) -> dict[str, tuple[object, ...]]:
    """Return each constructor's arguments, in the order of its source."""
    timelock = parameters.admin if isinstance(parameters.admin, TimelockParameters) else None
    admin = parameters.admin if timelock is None else addresses[abi.TIMELOCK]
    return {
        abi.TIMELOCK: () if timelock is None else (timelock.delay_s, timelock.proposers, timelock.executors),
        abi.VERIFIER: (),
        abi.SEED_SOURCE: (),
        abi.ADMINISTRATION: (admin, parameters.guardian, parameters.admin_delay_s),
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
            build_center_parameters(parameters),
        ),
        abi.MODEL_SUBMISSION: (
            addresses[abi.ADMINISTRATION],
            addresses[abi.GOVERNANCE],
            addresses[abi.ATTESTATION_CENTER],
            addresses[abi.AVS_LOGIC],
            parameters.treasury,
            build_market_limits(parameters),
        ),
    }
