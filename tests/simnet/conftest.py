"""Chains for the simnet tests; each run on a chain starts from the same state."""

from collections.abc import Iterator

import pytest

from tests.kit.simnet.stage import Stage, open_for_tests


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A chain on which three operators are registered and nothing else has happened."""
    yield from open_for_tests(tmp_path_factory)


@pytest.fixture(scope="module")
def own_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The same on a chain for one module only, which may change its state."""
    yield from open_for_tests(tmp_path_factory)
