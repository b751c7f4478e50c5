"""The contracts' addresses, and a deployment's record, in tests without contracts."""

from collections.abc import Mapping
from typing import Any, Final

from tests.kit.derived import derive_bytes
from zarathustra.chain import abi
from zarathustra.chain.deploy_parameters import DeploymentParameters, TimelockParameters
from zarathustra.chain.deployment import REQUIRED_CONTRACTS, DeployedContract, DeploymentRecord
from zarathustra.chain.port import Deployment
from zarathustra.core.digests import Domain
from zarathustra.core.types import Address, BlockNumber

DEPLOYMENT: Final = Deployment(
    chain_id=31_337,
    administration=Address(b"\x05" * 20),
    governance=Address(b"\x01" * 20),
    attestation_center=Address(b"\x02" * 20),
    avs_logic=Address(b"\x03" * 20),
    model_submission=Address(b"\x04" * 20),
    deployed_at=BlockNumber(0),
)
DOMAIN: Final = Domain(DEPLOYMENT.chain_id, DEPLOYMENT.attestation_center)

PROPOSER, EXECUTOR, GUARDIAN, RESOLVER, TREASURY = (Address(bytes([0xA0 + number]) * 20) for number in range(5))
TIMELOCK: Final = TimelockParameters((PROPOSER,), (EXECUTOR,), 3_600)


def build_parameters(admin: Address | TimelockParameters = TIMELOCK, **changes: Any) -> DeploymentParameters:
    """Build parameters with the accounts above; `changes`: other parameters than the defaults."""
    return DeploymentParameters(admin=admin, guardian=GUARDIAN, resolver=RESOLVER, treasury=TREASURY, **changes)


def build_record(
    parameters: DeploymentParameters | None = None, *, addresses: Mapping[str, Address] | None = None
) -> DeploymentRecord:
    """Build the record of a deployment that exists nowhere; `addresses`: of some contracts, the others are derived."""
    chosen = parameters or build_parameters()
    has_timelock = isinstance(chosen.admin, TimelockParameters)
    names = abi.CONTRACTS if has_timelock else REQUIRED_CONTRACTS
    known = {name: Address(derive_bytes(20, "contract", name)) for name in names} | dict(addresses or {})
    return DeploymentRecord(
        chain_id=DEPLOYMENT.chain_id,
        deployer=Address(b"\xde" * 20),
        deployed_at=BlockNumber(12),
        contracts={name: DeployedContract(known[name], derive_bytes(32, "code", name)) for name in names},
        parameters=chosen,
    )
