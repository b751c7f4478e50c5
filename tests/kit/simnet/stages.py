"""Stages as pytest fixtures need them: opened and closed in real time, around tests that run in simulated time."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.kit.simnet.net import Stage, open_stage


def open_for_tests(factory: pytest.TempPathFactory, *, operator_count: int = 3) -> Iterator[Stage]:
    """For `yield from` in a fixture."""
    with asyncio.Runner() as runner:
        opening = open_stage(factory.mktemp("simnet"), operator_count=operator_count)
        yield runner.run(opening.__aenter__())
        runner.run(opening.__aexit__(None, None, None))
