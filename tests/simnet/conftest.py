"""One chain for all simnet tests; each starts from the state in which its operators are registered."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.simnet import Stage, open_stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with asyncio.Runner() as runner:
        opening = open_stage(tmp_path_factory.mktemp("simnet"))
        yield runner.run(opening.__aenter__())
        runner.run(opening.__aexit__(None, None, None))
