"""The addresses of a network, as one JSON file from an operator or the devnet. It contains no secret."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zarathustra.chain.deployment import dump_deployment, parse_deployment
from zarathustra.chain.port import Deployment
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason


@dataclass(frozen=True)
class Network:
    """A network's chain nodes, IPFS node and contracts."""

    rpc_urls: tuple[str, ...]
    ipfs_api_url: str
    deployment: Deployment


def load_network(path: Path) -> Network:
    """Read the network file `path`. Raises Invalid(BAD_SETTING)."""
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Network(
            rpc_urls=tuple(document["rpc_urls"]),
            ipfs_api_url=document["ipfs_api_url"],
            deployment=parse_deployment(json.dumps(document["deployment"])),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Invalid(Reason.BAD_SETTING, "read network file", path=path, cause=error) from error


def save_network(network: Network, path: Path) -> None:
    """Write `network` to the file `path`, for `load_network`."""
    document = {
        "rpc_urls": list(network.rpc_urls),
        "ipfs_api_url": network.ipfs_api_url,
        "deployment": json.loads(dump_deployment(network.deployment)),
    }
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
