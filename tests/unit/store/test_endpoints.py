import subprocess
import sys

import pytest

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.store.endpoints import format_multiaddr, gateway_endpoint, rpc_endpoint
from zarathustra.store.fetch import Fetcher

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("url", "multiaddr"),
    [
        ("http://127.0.0.1:5001", "/ip4/127.0.0.1/tcp/5001/http"),
        ("http://127.0.0.1:5001/", "/ip4/127.0.0.1/tcp/5001/http"),
        ("http://[::1]:5001", "/ip6/::1/tcp/5001/http"),
        ("http://ipfs:5001", "/dns/ipfs/tcp/5001/http"),
        ("https://ipfs.example", "/dns/ipfs.example/tcp/443/https"),
        ("http://ipfs.example", "/dns/ipfs.example/tcp/80/http"),
    ],
)
def test_format_multiaddr__http_url__is_what_the_client_expects(url: str, multiaddr: str) -> None:
    assert format_multiaddr(url) == multiaddr


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:5001",
        "ftp://host",
        "http://",
        "http://host:0",
        "http://host:99999",
        "http://host/?a=b",
        "http://[::1",
    ],
)
def test_endpoint__not_a_plain_http_url__is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        rpc_endpoint(url)
    assert caught.value.reason is Reason.BAD_SETTING


def test_endpoint__credentials__are_refused_and_not_repeated() -> None:
    with pytest.raises(Invalid) as caught:
        gateway_endpoint("https://user:hunter2@gateway.example")
    assert "hunter2" not in str(caught.value)


def test_endpoint__label__omits_the_path_that_may_hold_a_key() -> None:
    assert gateway_endpoint("https://gateway.example/hunter2").label == "gateway:gateway.example"


def test_format_multiaddr__path__is_refused() -> None:
    with pytest.raises(Invalid):
        format_multiaddr("http://host:5001/prefix")


def test_fetcher__no_endpoint__is_refused_at_the_start() -> None:
    with pytest.raises(Invalid) as caught:
        Fetcher([])
    assert caught.value.reason is Reason.BAD_SETTING


def test_import__fetcher__loads_no_client_library() -> None:
    """Evaluator services and validators only read; loading ipfshttpclient would cost them 0.4 s."""
    code = "import sys, zarathustra.store.fetch; sys.exit('ipfshttpclient' in sys.modules or 'requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603  (our own code)
