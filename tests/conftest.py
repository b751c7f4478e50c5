"""Each test carries one tier mark, the name of its folder below tests/. A socketless tier refuses connections."""

import socket
from pathlib import Path

import pytest

TIERS = frozenset({"unit", "property", "golden", "conformance", "sandbox", "chain", "bus", "simnet", "e2e"})
SOCKETLESS_TIERS = frozenset({"unit", "property", "golden"})
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        tiers = TIERS & {mark.name for mark in item.iter_markers()}
        if len(tiers) != 1:
            raise pytest.UsageError(f"{item.nodeid} has {len(tiers)} tier marks {sorted(tiers)}; it needs exactly one")
        (tier,) = tiers
        if not item.path.is_relative_to(TESTS / tier):
            raise pytest.UsageError(f"{item.nodeid} has the tier mark {tier}, but its file is not in tests/{tier}/")


@pytest.fixture(autouse=True)
def no_sockets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections in the tiers that must not need them."""
    if SOCKETLESS_TIERS & {mark.name for mark in request.node.iter_markers()}:

        def refuse(_socket: socket.socket, address: object) -> None:
            raise AssertionError(f"{request.node.name} tried to connect to {address!r}")

        monkeypatch.setattr(socket.socket, "connect", refuse)
