"""What keepers do when contributors and owners do nothing: rewards are released, and projects end."""

from dataclasses import replace

import pytest

from tests.kit.simnet.accounts import CONTRIBUTOR_KEYS
from tests.kit.simnet.net import Simnet
from tests.kit.simnet.projects import BETTER_PARAMETERS, FIRST, TERMS, open_project
from tests.kit.simnet.run import open_simnet
from tests.kit.simnet.stage import Stage
from tests.kit.simulated_time import simulate
from zarathustra.core.events import ProjectClosed, RewardPaid, RewardWithheld
from zarathustra.core.outcomes import Outcome
from zarathustra.core.project import ProjectStatus

pytestmark = pytest.mark.simnet

DISPUTE_BLOCKS = 12  # more than two sweeps of the keepers
OPEN_BLOCKS = 40


def test_simnet__reward_is_withheld__one_keeper_releases_it_after_the_dispute_window(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published = await open_project(net, terms=replace(TERMS, dispute_blocks=DISPUTE_BLOCKS))
            await published.submit(BETTER_PARAMETERS)
            assert (await net.wait_for_outcome(published.project_id, FIRST)).outcome is Outcome.IMPROVED
            (withheld,) = net.facts(RewardWithheld)
            await net.wait_blocks(withheld.until - 1 - net.head)
            assert await net.fetch_credit(CONTRIBUTOR_KEYS[0]) == TERMS.bond
            assert net.facts(RewardPaid) == []

            async def is_paid() -> bool:
                return net.facts(RewardPaid) != []

            await net.wait_until(is_paid)
            assert await net.fetch_credit(CONTRIBUTOR_KEYS[0]) == TERMS.bond + TERMS.max_reward
            await net.wait_blocks(2)
            assert count_sent(net, "release") == 1
            assert count_failures(net) == 0

    simulate(play())


def test_simnet__project_takes_no_more_commits__one_keeper_closes_it(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            published = await open_project(net, terms=replace(TERMS, open_blocks=OPEN_BLOCKS))
            open_until = (await net.fetch_project(published.project_id)).open_until
            await net.wait_blocks(open_until - 1 - net.head)
            assert (await net.fetch_project(published.project_id)).status is ProjectStatus.OPEN

            async def is_closed() -> bool:
                return (await net.fetch_project(published.project_id)).status is ProjectStatus.CLOSED

            await net.wait_until(is_closed)
            await net.wait_blocks(2)
            assert len(net.facts(ProjectClosed)) == 1
            assert count_sent(net, "closeProject") == 1
            assert count_sent(net, "withdrawEscrow") == 0  # the owner has a week for that
            assert count_failures(net) == 0

    simulate(play())


def count_sent(net: Simnet, call: str) -> float:
    return sum(
        net.services[f"performer-{one.number}"].count("keeper_transactions_total", call=call) for one in net.operators
    )


def count_failures(net: Simnet) -> float:
    return sum(
        net.services[f"performer-{one.number}"].count("keeper_failures_total", reason="reverted")
        for one in net.operators
    )
