"""The deployment file: one schema for `contracts/deployments`, network files and the setting DEPLOYMENT_FILE.

    {
      "format": "deployment/1",
      "chain_id": 31337,
      "deployer": "0x…",
      "deployed_at": 12,                                  the block of the first contract
      "contracts": {"AvsGovernance": {"address": "0x…", "code_hash": "0x…"}, …},
      "roles": {"GUARDIAN": ["0x…"], …},                  as granted at deployment
      "timelock_delay_s": 172800,                         null: an account administrates, on a test network
      "resolver": "0x…",
      "treasury": "0x…",
      "parameters": {"min_stake": "1000000000000000000", …}
    }

`wiring` compares a deployment with the chain. Parsing is strict: an unknown or missing name is refused.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from zarathustra.chain import abi
from zarathustra.chain.addresses import format_address
from zarathustra.chain.deploy_parameters import (
    PLAIN_FIELDS,
    DeploymentParameters,
    TimelockParameters,
    dump_plain_parameters,
    parse_account,
    parse_addresses,
    parse_count,
    parse_plain_parameters,
)
from zarathustra.chain.port import Deployment
from zarathustra.chain.quantities import format_data
from zarathustra.chain.roles import Role, RoleHolders
from zarathustra.core.errors import Invalid
from zarathustra.core.nesting import MAX_NESTING, is_nested_too_deep
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockNumber

FORMAT: Final = "deployment/1"
_CODE_HASH: Final = re.compile(r"0x[0-9a-f]{64}")
REQUIRED_CONTRACTS: Final = tuple(name for name in abi.CONTRACTS if name != abi.TIMELOCK)

_FIELDS: Final = (
    "format",
    "chain_id",
    "deployer",
    "deployed_at",
    "contracts",
    "roles",
    "timelock_delay_s",
    "resolver",
    "treasury",
    "parameters",
)


@dataclass(frozen=True)
class DeployedContract:
    """Where a contract is, and the keccak of its code there."""

    address: Address
    code_hash: bytes


@dataclass(frozen=True)
class DeploymentRecord:
    """All that is fixed about a deployment. `contracts` by name; Timelock only if one was deployed."""

    chain_id: int
    deployer: Address
    deployed_at: BlockNumber
    contracts: Mapping[str, DeployedContract]
    parameters: DeploymentParameters

    @property
    def addresses(self) -> dict[str, Address]:
        """Every contract's address by name."""
        return {name: contract.address for name, contract in self.contracts.items()}

    @property
    def roles(self) -> RoleHolders:
        """The holders at deployment; `roles.fetch_role_holders` reads those of today."""
        return list_roles(self.parameters, self.addresses)

    @property
    def deployment(self) -> Deployment:
        """What most programs need."""
        addresses = self.addresses
        return Deployment(
            chain_id=self.chain_id,
            administration=addresses[abi.ADMINISTRATION],
            governance=addresses[abi.GOVERNANCE],
            attestation_center=addresses[abi.ATTESTATION_CENTER],
            avs_logic=addresses[abi.AVS_LOGIC],
            model_submission=addresses[abi.MODEL_SUBMISSION],
            deployed_at=self.deployed_at,
        )


def list_roles(parameters: DeploymentParameters, addresses: Mapping[str, Address]) -> RoleHolders:
    """Return the holders that the constructors give each role."""
    timelock = parameters.admin
    if not isinstance(timelock, TimelockParameters):
        return _list_administration_roles(timelock, parameters.guardian)
    address = addresses[abi.TIMELOCK]
    return {
        **_list_administration_roles(address, parameters.guardian),
        Role.TIMELOCK_ADMIN: (address,),
        Role.PROPOSER: timelock.proposers,
        Role.CANCELLER: timelock.proposers,
        Role.EXECUTOR: timelock.executors,
    }


def _list_administration_roles(admin: Address, guardian: Address) -> RoleHolders:
    return {
        Role.DEFAULT_ADMIN: (admin,),
        Role.ADMISSION: (admin,),
        Role.PARAMETERS: (admin,),
        Role.GUARDIAN: (guardian,),
    }


# ---- writing


def dump_record(record: DeploymentRecord) -> str:
    """Format the deployment as a JSON document."""
    return json.dumps(to_document(record), indent=2) + "\n"


def to_document(record: DeploymentRecord) -> dict[str, Any]:
    """Return the document as JSON values."""
    admin = record.parameters.admin
    return {
        "format": FORMAT,
        "chain_id": record.chain_id,
        "deployer": format_address(record.deployer),
        "deployed_at": record.deployed_at,
        "contracts": {
            name: {"address": format_address(contract.address), "code_hash": format_data(contract.code_hash)}
            for name, contract in sorted(record.contracts.items())
        },
        "roles": {role.name: [format_address(holder) for holder in holders] for role, holders in record.roles.items()},
        "timelock_delay_s": admin.delay_s if isinstance(admin, TimelockParameters) else None,
        "resolver": format_address(record.parameters.resolver),
        "treasury": format_address(record.parameters.treasury),
        "parameters": dump_plain_parameters(record.parameters),
    }


# ---- reading


def load_deployment(path: Path) -> Deployment:
    """Load what most programs need of the deployment in a file. Raises Invalid(BAD_SETTING)."""
    return load_record(path).deployment


def load_record(path: Path) -> DeploymentRecord:
    """Load the deployment in a file. Raises Invalid(BAD_SETTING)."""
    try:
        return parse_record(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid(Reason.BAD_SETTING, "read deployment file", path=path, cause=error) from error


def parse_record(text: str) -> DeploymentRecord:
    """Parse the deployment in a JSON document. Raises ValueError."""
    return parse_document(parse_json(text))


def parse_json(text: str) -> Any:
    """Parse a JSON document. Raises ValueError also when a name comes twice in an object, or brackets nest too deep."""
    if is_nested_too_deep(text):
        raise ValueError(f"more than {MAX_NESTING} levels of brackets")
    return json.loads(text, object_pairs_hook=_build_object)


def _build_object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise ValueError(f"a name comes twice among {', '.join(name for name, _ in pairs)}")
    return built


def parse_document(document: Any) -> DeploymentRecord:
    """Parse the document from JSON values. Raises ValueError that says what is wrong where."""
    validate_names("deployment", document, _FIELDS)
    if document["format"] != FORMAT:
        raise ValueError(f"format is {document['format']!r}; this version reads {FORMAT}")
    contracts = _parse_contracts(document["contracts"])
    record = DeploymentRecord(
        chain_id=parse_count("chain_id", document["chain_id"]),
        deployer=parse_account("deployer", document["deployer"]),
        deployed_at=BlockNumber(parse_count("deployed_at", document["deployed_at"])),
        contracts=contracts,
        parameters=_parse_parameters(document, has_timelock=abi.TIMELOCK in contracts),
    )
    if _parse_roles(document["roles"]) != record.roles:
        raise ValueError("roles are not those that the constructors grant: admin, ADMISSION and PARAMETERS are one")
    return record


def validate_names(what: str, document: Any, names: Sequence[str]) -> None:
    """Raise ValueError unless `document` is an object with exactly these names."""
    if not isinstance(document, dict):
        raise ValueError(f"{what} is not an object")
    unknown, missing = sorted(document.keys() - set(names)), [name for name in names if name not in document]
    if unknown:
        raise ValueError(f"{what} has unknown names: {', '.join(unknown)}")
    if missing:
        raise ValueError(f"{what} lacks {', '.join(missing)}")


def _parse_contracts(document: Any) -> dict[str, DeployedContract]:
    has_timelock = isinstance(document, dict) and abi.TIMELOCK in document
    names = abi.CONTRACTS if has_timelock else REQUIRED_CONTRACTS
    validate_names("contracts", document, names)
    contracts = {name: _parse_contract(name, document[name]) for name in names}
    if len({contract.address for contract in contracts.values()}) != len(contracts):
        raise ValueError("two contracts have one address")
    return contracts


def _parse_contract(name: str, document: Any) -> DeployedContract:
    validate_names(name, document, ("address", "code_hash"))
    text = document["code_hash"]
    if not isinstance(text, str) or _CODE_HASH.fullmatch(text) is None:
        raise ValueError(f"{name}: code_hash is not 0x and 64 lower-case hex digits")
    return DeployedContract(parse_account(name, document["address"]), bytes.fromhex(text[2:]))


def _parse_roles(document: Any) -> RoleHolders:
    """Parse the roles that are there; the caller compares them with those that must be there."""
    if not isinstance(document, dict):
        raise ValueError("roles is not an object")
    unknown = sorted(document.keys() - Role.__members__.keys())
    if unknown:
        raise ValueError(f"roles has unknown names: {', '.join(unknown)}")
    return {
        Role[name]: parse_addresses(name, holders, is_zero_allowed=Role[name] is Role.EXECUTOR)
        for name, holders in document.items()
    }


def _parse_parameters(document: Mapping[str, Any], *, has_timelock: bool) -> DeploymentParameters:
    roles = _parse_roles(document["roles"])
    validate_names("parameters", document["parameters"], PLAIN_FIELDS)
    return DeploymentParameters(
        admin=_parse_admin(roles, document["timelock_delay_s"], has_timelock=has_timelock),
        guardian=_get_only(roles, Role.GUARDIAN),
        resolver=parse_account("resolver", document["resolver"]),
        treasury=parse_account("treasury", document["treasury"]),
        **parse_plain_parameters(document["parameters"]),
    )


def _parse_admin(roles: RoleHolders, delay_s: Any, *, has_timelock: bool) -> Address | TimelockParameters:
    if has_timelock != (delay_s is not None):
        raise ValueError("timelock_delay_s is a number of seconds exactly when contracts has a Timelock")
    if not has_timelock:
        return _get_only(roles, Role.DEFAULT_ADMIN)
    return TimelockParameters(
        proposers=roles.get(Role.PROPOSER, ()),
        executors=roles.get(Role.EXECUTOR, ()),
        delay_s=parse_count("timelock_delay_s", delay_s),
    )


def _get_only(roles: RoleHolders, role: Role) -> Address:
    holders = roles.get(role, ())
    if len(holders) != 1:
        raise ValueError(f"roles: {role.name} needs one holder")
    return holders[0]
