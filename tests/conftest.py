"""Every test carries exactly one tier mark; a unit or property test that opens a socket fails."""

import socket

import pytest

TIERS = frozenset({"unit", "property", "golden", "conformance", "sandbox", "chain", "bus", "simnet", "e2e"})
SOCKETLESS_TIERS = frozenset({"unit", "property", "golden"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        tiers = TIERS & {mark.name for mark in item.iter_markers()}
        if len(tiers) != 1:
            raise pytest.UsageError(f"{item.nodeid} has {len(tiers)} tier marks {sorted(tiers)}; it needs exactly one")


@pytest.fixture(autouse=True)
def no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections in the tiers that must not need them."""
    if SOCKETLESS_TIERS & {mark.name for mark in request.node.iter_markers()}:

        def refuse(_socket: socket.socket, address: object) -> None:
            raise AssertionError(f"a {request.node.name} test tried to connect to {address!r}")

        monkeypatch.setattr(socket.socket, "connect", refuse)
