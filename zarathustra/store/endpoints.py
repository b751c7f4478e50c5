"""Addresses of IPFS nodes, as settings give them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason

_DEFAULT_PORTS = {"http": 80, "https": 443}


class EndpointKind(StrEnum):
    """How blocks are requested."""

    RPC = "rpc"  # POST /api/v0/block/get: the own node, never a stranger's, because it is writable
    GATEWAY = "gateway"  # GET /ipfs/<cid>?format=raw: a trustless gateway


@dataclass(frozen=True)
class Endpoint:
    """An address that serves blocks."""

    kind: EndpointKind
    url: str

    def __post_init__(self) -> None:
        parse_base_url(self.url)

    @property
    def base(self) -> str:
        """The URL to which request paths are appended."""
        return self.url.rstrip("/")

    @property
    def label(self) -> str:
        """The name in errors and logs: without the path, where providers put access keys."""
        return f"{self.kind.value}:{parse_base_url(self.url).netloc}"


def rpc_endpoint(url: str) -> Endpoint:
    """Return the endpoint of the own node at an RPC address, such as http://127.0.0.1:5001."""
    return Endpoint(EndpointKind.RPC, url)


def gateway_endpoint(url: str) -> Endpoint:
    """Return the endpoint of a trustless gateway, such as https://gateway.example."""
    return Endpoint(EndpointKind.GATEWAY, url)


def list_endpoints(own_api_url: str, gateway_urls: Iterable[str] = ()) -> list[Endpoint]:
    """List the endpoints from which artefacts are fetched: the own node first, then the gateways."""
    return [rpc_endpoint(own_api_url), *map(gateway_endpoint, gateway_urls)]


def parse_base_url(url: str) -> SplitResult:
    """Parse a node's http(s) URL. Raises Invalid(BAD_SETTING); the message does not repeat credentials."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid(Reason.BAD_SETTING, "node address is not a URL") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port == 0:
        raise Invalid(Reason.BAD_SETTING, "node address must be http://host:port or https://host:port")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise Invalid(Reason.BAD_SETTING, "node address must hold no credentials, query or fragment")
    return parts


def format_multiaddr(url: str) -> str:
    """Return the multiaddr for ipfshttpclient, such as /ip4/127.0.0.1/tcp/5001/http. Raises Invalid(BAD_SETTING)."""
    parts = parse_base_url(url)
    if parts.path not in ("", "/"):
        raise Invalid(Reason.BAD_SETTING, "address of an RPC node must have no path", path=parts.path)
    host = parts.hostname or ""
    return f"/{_host_protocol(host)}/{host}/tcp/{parts.port or _DEFAULT_PORTS[parts.scheme]}/{parts.scheme}"


def _host_protocol(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return "dns"
    return "ip6" if isinstance(address, IPv6Address) else "ip4"
