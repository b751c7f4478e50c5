"""The ways of a submission when everybody does their work, and when some do not."""

import pytest

from tests.support.simnet import Stage, open_simnet
from tests.support.simnet_market import BETTER_PARAMETERS, publish
from tests.support.simnet_time import simulate
from zarathustra.core.reasons import Outcome

pytestmark = pytest.mark.simnet


def test_simnet__improved_submission__champion_moves_and_the_reward_is_credited(stage: Stage) -> None:
    async def play() -> None:
        async with open_simnet(stage) as net:
            net.start()
            story = await publish(net)
            await story.wait_until_open()
            index = await story.submit(BETTER_PARAMETERS)
            submission = await net.wait_for_outcome(story.project_id, index)
            assert submission.outcome is Outcome.IMPROVED

    simulate(play())
