"""Chains for the simnet tests; each run on one starts from the same state."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.simnet import Stage, open_stage


def open_for_tests(factory: pytest.TempPathFactory, *, operator_count: int = 3) -> Iterator[Stage]:
    with asyncio.Runner() as runner:
        opening = open_stage(factory.mktemp("simnet"), operator_count=operator_count)
        yield runner.run(opening.__aenter__())
        runner.run(opening.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Three operators are registered, and nothing else has happened."""
    yield from open_for_tests(tmp_path_factory)


@pytest.fixture(scope="module")
def own_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The same on a chain of the module's own, which it may take further."""
    yield from open_for_tests(tmp_path_factory)
