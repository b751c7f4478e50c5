"""One Kafka broker for the whole test session.

A test module asks for it with

    pytest_plugins = ["tests.kit.bus.kafka_fixture"]

and takes the fixture `kafka_bootstrap`, the broker's address. The broker starts with the first test that needs it and
has no topics: create those that you need, under names of your own (`buses.unique_name`).
"""

import asyncio
from collections.abc import Iterator

import pytest

from devnet.kafka import KafkaBroker


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"))
    with asyncio.Runner() as runner:  # a loop of its own: every test has another
        runner.run(broker.start())
        yield broker.bootstrap_servers
        runner.run(broker.stop())
