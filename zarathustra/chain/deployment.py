"""The deployment file that services read (setting DEPLOYMENT_FILE): the chain and the contracts' addresses."""

import json
from pathlib import Path
from typing import Any, Final

from zarathustra.chain.port import Deployment
from zarathustra.chain.quantities import format_data
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Address, BlockNumber, validate_length

_ADDRESS_FIELDS: Final = ("administration", "governance", "attestation_center", "avs_logic", "model_submission")


def dump_deployment(deployment: Deployment) -> str:
    """Format the deployment as a JSON document."""
    addresses = {name: format_data(getattr(deployment, name)) for name in _ADDRESS_FIELDS}
    document = {"chain_id": deployment.chain_id, "deployed_at": deployment.deployed_at, **addresses}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def parse_deployment(text: str) -> Deployment:
    """Parse the deployment in a JSON document. Raises Invalid(BAD_SETTING)."""
    try:
        document = json.loads(text)
        addresses = {name: _parse_address(document[name]) for name in _ADDRESS_FIELDS}
        return Deployment(
            chain_id=int(document["chain_id"]), deployed_at=BlockNumber(int(document["deployed_at"])), **addresses
        )
    except (Invalid, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Invalid(Reason.BAD_SETTING, "deployment file is malformed", cause=repr(error)) from error


def load_deployment(path: Path) -> Deployment:
    """Load the deployment in a file. Raises Invalid(BAD_SETTING)."""
    try:
        return parse_deployment(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(Reason.BAD_SETTING, "deployment file cannot be read", path=path) from error


def _parse_address(text: Any) -> Address:
    value = bytes.fromhex(text.removeprefix("0x"))
    validate_length("address", value, 20)
    return Address(value)
