"""The stores, the nodes or the bus fail for a while. Nothing is lost, and nothing stays blocked."""

from collections.abc import Callable

import pytest

from tests.kit.simnet.accounts import CONTRIBUTOR_KEYS
from tests.kit.simnet.net import Simnet
from tests.kit.simnet.projects import BETTER_PARAMETERS, FIRST, TERMS, open_project
from tests.kit.simnet.run import open_simnet
from tests.kit.simnet.stage import Stage
from tests.kit.simulated_time import simulate
from zarathustra.core.messages import Abstained
from zarathustra.core.outcomes import Outcome
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Topic

pytestmark = pytest.mark.simnet

OUTAGE_BLOCKS = 5  # from before the seed block until after the proposal was due
SERVICES_WITH_NODE = (
    "indexer",
    "aggregator-1",
    *(f"{name}-{n}" for name in ("performer", "validator") for n in (1, 2, 3)),
)


def fail_stores(net: Simnet, is_failing: bool) -> None:
    for store in net.stores.values():
        store.is_reachable = not is_failing


def fail_nodes(net: Simnet, is_failing: bool) -> None:
    net.cut_off = set(SERVICES_WITH_NODE) if is_failing else set()


def fail_bus(net: Simnet, is_failing: bool) -> None:
    net.broker.is_reachable = not is_failing
    net.broker.announce()


@pytest.mark.parametrize("fail", [fail_stores, fail_nodes, fail_bus])
def test_simnet__outage_while_a_task_is_open__settles_afterwards(
    stage: Stage, fail: Callable[[Simnet, bool], None]
) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published = await open_project(net)
            await published.submit(BETTER_PARAMETERS)
            fail(net, True)
            await net.wait_blocks(OUTAGE_BLOCKS)
            assert len(net.messages(Topic.EVALUATIONS)) == 1  # only the baseline's
            fail(net, False)
            submission = await net.wait_for_outcome(published.project_id, FIRST)

            assert submission.outcome is Outcome.IMPROVED
            assert await net.fetch_credit(CONTRIBUTOR_KEYS[0]) == TERMS.bond + TERMS.max_reward
            assert not any(net.dead_letters(group) for group in net.list_groups())

    simulate(play())


def test_simnet__one_attester_without_its_store__abstains_and_the_others_settle(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published = await open_project(net)
            await published.submit(BETTER_PARAMETERS)
            _, performer = await net.wait_for_performer()
            blind = next(one for one in net.operators if one is not performer)
            net.stores[blind.number].is_reachable = False
            submission = await net.wait_for_outcome(published.project_id, FIRST)
            await net.wait_blocks(TERMS.attempt_blocks)

            abstained = [one for one in net.messages(Topic.ATTESTATIONS) if isinstance(one, Abstained)]
            assert submission.outcome is Outcome.IMPROVED
            assert [(one.operator, one.reason) for one in abstained] == [(blind.operator_id, Reason.UNAVAILABLE.code)]

    simulate(play())
