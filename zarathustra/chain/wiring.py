"""Compare a deployment with the chain: chain id, code, and every value that a contract fixed in its constructor.

A wrong address would send stakes, bonds and votes to somebody else's contracts. So programs that spend money compare
first.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from eth_hash.auto import keccak

from zarathustra.chain import abi
from zarathustra.chain.abi import load_abi
from zarathustra.chain.calls import Contract, ViewCall, fetch_head
from zarathustra.chain.deploy_parameters import DeploymentParameters, TimelockParameters
from zarathustra.chain.deployment import DeployedContract, DeploymentRecord
from zarathustra.chain.quantities import format_data, parse_data
from zarathustra.chain.roles import fetch_role_holders
from zarathustra.chain.rpc import Call, Rpc, validate_chain_id
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import ZERO_ADDRESS, Address, BlockHash


class Expectation(NamedTuple):
    """A getter, and the value that it must return. A struct is the tuple of its fields."""

    contract: str
    getter: str
    value: object
    arguments: tuple[object, ...] = ()


class Change(NamedTuple):
    """A value that the administrators changed since the deployment."""

    contract: str
    getter: str
    at_deployment: object
    now: object


def list_fixed_values(record: DeploymentRecord) -> tuple[Expectation, ...]:
    """Return what never changes: every immutable of every contract, and the market's limits."""
    addresses, parameters = record.addresses, record.parameters
    wires = [
        (abi.GOVERNANCE, "administration", abi.ADMINISTRATION),
        (abi.GOVERNANCE, "attestationCenter", abi.ATTESTATION_CENTER),
        (abi.GOVERNANCE, "verifier", abi.VERIFIER),
        (abi.ATTESTATION_CENTER, "administration", abi.ADMINISTRATION),
        (abi.ATTESTATION_CENTER, "governance", abi.GOVERNANCE),
        (abi.ATTESTATION_CENTER, "avsLogic", abi.AVS_LOGIC),
        (abi.ATTESTATION_CENTER, "modelSubmission", abi.MODEL_SUBMISSION),
        (abi.ATTESTATION_CENTER, "verifier", abi.VERIFIER),
        (abi.ATTESTATION_CENTER, "seedSource", abi.SEED_SOURCE),
        (abi.AVS_LOGIC, "attestationCenter", abi.ATTESTATION_CENTER),
        (abi.AVS_LOGIC, "modelSubmission", abi.MODEL_SUBMISSION),
        (abi.MODEL_SUBMISSION, "administration", abi.ADMINISTRATION),
        (abi.MODEL_SUBMISSION, "avsLogic", abi.AVS_LOGIC),
        (abi.MODEL_SUBMISSION, "attestationCenter", abi.ATTESTATION_CENTER),
    ]
    return (
        *(Expectation(contract, getter, addresses[target]) for contract, getter, target in wires),
        Expectation(abi.ATTESTATION_CENTER, "resolver", parameters.resolver),
        Expectation(abi.ATTESTATION_CENTER, "treasury", parameters.treasury),
        Expectation(abi.MODEL_SUBMISSION, "treasury", parameters.treasury),
        Expectation(abi.MODEL_SUBMISSION, "limits", build_market_limits(parameters)),
        Expectation(abi.GOVERNANCE, "stakeToken", parameters.stake_token),
        Expectation(abi.GOVERNANCE, "minStake", parameters.min_stake),
        Expectation(abi.GOVERNANCE, "epochBlocks", parameters.epoch_blocks),
        Expectation(abi.GOVERNANCE, "unbondingBlocks", parameters.unbonding_blocks),
        Expectation(abi.GOVERNANCE, "activationDelay", parameters.activation_delay),
    )


def list_first_values(record: DeploymentRecord) -> tuple[Expectation, ...]:
    """Return what the roles can change later, as it must be right after the deployment."""
    parameters, admin = record.parameters, record.parameters.admin
    values = (
        Expectation(abi.ADMINISTRATION, "defaultAdminDelay", parameters.admin_delay_s),
        Expectation(abi.ADMINISTRATION, "isPaused", False),
        Expectation(abi.GOVERNANCE, "isRegistrationOpen", parameters.is_registration_open),
        Expectation(abi.GOVERNANCE, "logic", ZERO_ADDRESS),
        Expectation(abi.ATTESTATION_CENTER, "parameters", build_center_parameters(parameters)),
        Expectation(abi.MODEL_SUBMISSION, "minFeeOf", parameters.coin_min_fee, (ZERO_ADDRESS,)),
    )
    if not isinstance(admin, TimelockParameters):
        return values
    return (*values, Expectation(abi.TIMELOCK, "getMinDelay", admin.delay_s))


def build_center_parameters(parameters: DeploymentParameters) -> tuple[int, ...]:
    """Return AttestationCenter's struct `Parameters`, in the order of its source."""
    return (
        parameters.min_operators,
        parameters.turn_blocks,
        parameters.guilty_slash_bps,
        parameters.conflict_slash_bps,
        parameters.overturned_slash_bps,
    )


def build_market_limits(parameters: DeploymentParameters) -> tuple[int, ...]:
    """Return ModelSubmission's struct `Limits`, in the order of its source."""
    return (
        parameters.max_pending,
        parameters.max_pending_per_account,
        parameters.open_timeout,
        parameters.min_attempt_blocks,
        parameters.min_dispute_blocks,
        parameters.max_dispute_blocks,
        parameters.resolve_blocks,
        parameters.dispute_bond,
        parameters.coin_min_fee,
    )


async def validate_deployment(rpc: Rpc, record: DeploymentRecord) -> None:
    """Raise Invalid unless the chain has these contracts, with this code, wired like this.

    BAD_SETTING: the node is of another chain. WRONG_DEPLOYMENT: code or a fixed value differs. Raises Retry(RPC_ERROR)
    when the node has not yet synchronised the block of the deployment.
    """
    await validate_chain_id(rpc, record.chain_id)
    head = await fetch_head(rpc)
    if head.number < record.deployed_at:
        raise Retry(Reason.RPC_ERROR, "node is behind the deployment", head=head.number, deployed_at=record.deployed_at)
    await _validate_code(rpc, head.block_hash, record)
    await _validate_values(rpc, head.block_hash, record, list_fixed_values(record))


async def validate_new_deployment(rpc: Rpc, record: DeploymentRecord) -> None:
    """Raise Invalid unless a deployment that is minutes old is exactly what was asked for; roles included."""
    await validate_deployment(rpc, record)
    head = await fetch_head(rpc)
    await _validate_values(rpc, head.block_hash, record, list_first_values(record))
    holders = await fetch_role_holders(rpc, record.addresses, record.deployed_at)
    for role, expected in record.roles.items():
        if set(holders[role]) != set(expected):
            found = ", ".join(map(format_data, holders[role]))
            raise Invalid(Reason.WRONG_DEPLOYMENT, "role has other holders", role=role.name, found=found)


async def fetch_changes(rpc: Rpc, record: DeploymentRecord) -> list[Change]:
    """Return what differs now from the deployment among the values that roles can change. Call after validation."""
    expectations = list_first_values(record)
    head = await fetch_head(rpc)
    values = await _fetch_values(rpc, head.block_hash, record, expectations)
    return [
        Change(item.contract, item.getter, item.value, found)
        for item, found in zip(expectations, values, strict=True)
        if found != item.value
    ]


async def fetch_contracts(rpc: Rpc, addresses: dict[str, Address]) -> dict[str, DeployedContract]:
    """Return the addresses with the hash of the code that they have at the head.

    Raises Retry(RPC_ERROR) while the node has no code at one of them: it is behind the node that mined it.
    """
    head = await fetch_head(rpc)
    codes = await _fetch_codes(rpc, head.block_hash, list(addresses.values()))
    if not all(codes):
        raise Retry(Reason.RPC_ERROR, "node does not have all contracts yet", head=head.number)
    return {
        name: DeployedContract(address, keccak(code))
        for (name, address), code in zip(addresses.items(), codes, strict=True)
    }


async def _validate_code(rpc: Rpc, block: BlockHash, record: DeploymentRecord) -> None:
    codes = await _fetch_codes(rpc, block, list(record.addresses.values()))
    for (name, contract), code in zip(record.contracts.items(), codes, strict=True):
        place = {"contract": name, "address": format_data(contract.address)}
        if not code:
            raise Invalid(Reason.WRONG_DEPLOYMENT, "address has no code", **place)
        if keccak(code) != contract.code_hash:
            raise Invalid(Reason.WRONG_DEPLOYMENT, "code differs", **place, found=format_data(keccak(code)))


async def _fetch_codes(rpc: Rpc, block: BlockHash, addresses: Sequence[Address]) -> list[bytes]:
    at = {"blockHash": format_data(block)}
    return await rpc.call_many([Call("eth_getCode", (format_data(address), at), parse_data) for address in addresses])


async def _validate_values(
    rpc: Rpc, block: BlockHash, record: DeploymentRecord, expectations: Sequence[Expectation]
) -> None:
    values = await _fetch_values(rpc, block, record, expectations)
    for item, found in zip(expectations, values, strict=True):
        if found != item.value:
            raise Invalid(
                Reason.WRONG_DEPLOYMENT,
                "contract has another value",
                contract=item.contract,
                getter=item.getter,
                found=format_value(found),
                expected=format_value(item.value),
            )


async def _fetch_values(
    rpc: Rpc, block: BlockHash, record: DeploymentRecord, expectations: Sequence[Expectation]
) -> list[Any]:
    """Return the values in order. Raises Invalid(WRONG_DEPLOYMENT) when a contract does not have such a value."""
    addresses = record.addresses
    views = [
        ViewCall(Contract(load_abi(item.contract), addresses[item.contract]), item.getter, item.arguments)
        for item in expectations
    ]
    try:
        answers = await rpc.call_many([view.to_call(block)._replace(parse=_check_data) for view in views])
    except Invalid as error:
        raise Invalid(Reason.WRONG_DEPLOYMENT, "contract refuses to be read") from error
    return [_parse_value(item, view, answer) for item, view, answer in zip(expectations, views, answers, strict=True)]


def _check_data(answer: Any) -> Any:
    """Return the answer as it is. Raises Retry(RPC_ERROR) only for what no contract can return."""
    parse_data(answer)
    return answer


def _parse_value(item: Expectation, view: ViewCall, answer: Any) -> Any:
    """Parse an answer. An address without that getter answers no bytes, or others: that is not the node's error."""
    try:
        (found,) = view.parse(answer)
    except Retry as error:
        raise Invalid(
            Reason.WRONG_DEPLOYMENT, "contract lacks a value", contract=item.contract, getter=item.getter
        ) from error
    return found


def format_value(value: object) -> str:
    """Format a value that a getter returned."""
    return format_data(value) if isinstance(value, bytes) else str(value)
