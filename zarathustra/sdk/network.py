"""The network file: chain nodes, IPFS node and deployment, from an operator or the devnet. It contains no secret."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zarathustra.chain.deployment import (
    DeploymentRecord,
    load_record,
    parse_document,
    parse_json,
    to_document,
    validate_names,
)
from zarathustra.chain.port import Deployment
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason


@dataclass(frozen=True)
class Network:
    """A network's chain nodes, IPFS node and contracts."""

    rpc_urls: tuple[str, ...]
    ipfs_api_url: str
    deployment: Deployment


@dataclass(frozen=True)
class NetworkFile:
    """All that a network file says. Most programs need only the `network`."""

    rpc_urls: tuple[str, ...]
    ipfs_api_url: str
    record: DeploymentRecord

    @property
    def network(self) -> Network:
        return Network(self.rpc_urls, self.ipfs_api_url, self.record.deployment)


def load_network(path: Path) -> Network:
    """Read the network in the file `path`. Raises Invalid(BAD_SETTING)."""
    return load_network_file(path).network


def load_network_file(path: Path) -> NetworkFile:
    """Read the file `path`. Raises Invalid(BAD_SETTING)."""
    try:
        document = parse_json(path.read_text(encoding="utf-8"))
        validate_names("network file", document, ("rpc_urls", "ipfs_api_url", "deployment"))
        return NetworkFile(
            rpc_urls=_parse_urls(document["rpc_urls"]),
            ipfs_api_url=_parse_url("ipfs_api_url", document["ipfs_api_url"]),
            record=_parse_deployment(document["deployment"], path.parent),
        )
    except (OSError, ValueError) as error:
        raise Invalid(Reason.BAD_SETTING, "read network file", path=path, cause=error) from error


def save_network(file: NetworkFile, path: Path) -> None:
    """Write `file` to `path`, for `load_network`."""
    path.write_text(dump_network(file), encoding="utf-8")


def dump_network(file: NetworkFile) -> str:
    """Format a network file as a JSON document."""
    document = {
        "rpc_urls": list(file.rpc_urls),
        "ipfs_api_url": file.ipfs_api_url,
        "deployment": to_document(file.record),
    }
    return json.dumps(document, indent=2) + "\n"


def _parse_deployment(value: Any, folder: Path) -> DeploymentRecord:
    """Parse the deployment: the document itself, or the name of its file, relative to the network file."""
    if isinstance(value, str):
        return load_record(folder / value)
    return parse_document(value)


def _parse_urls(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("rpc_urls is not a list of addresses")
    return tuple(_parse_url("rpc_urls", url) for url in value)


def _parse_url(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is not an address")
    return value
