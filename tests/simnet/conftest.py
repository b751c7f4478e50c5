"""Chains for the simnet tests; each run on one starts from the same state."""

from collections.abc import Iterator

import pytest

from tests.kit.simnet.stage import Stage, open_for_tests


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Three operators are registered, and nothing else has happened."""
    yield from open_for_tests(tmp_path_factory)


@pytest.fixture(scope="module")
def own_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The same on a chain of the module's own, which it may take further."""
    yield from open_for_tests(tmp_path_factory)
