"""The short run of the crash tests, and what two of them are compared by.

    stage: project open ─▶ commit ─▶ reveal ─▶ task ─▶ proposal ─▶ 3 votes ─▶ certificate ─▶ settlement ─▶ 3 blocks more

A service that is killed starts again at once, in the same moment of simulated time (`simulated_time`), and catches up
before the next block. So transactions land in the same blocks as without a crash, hashes and seeds are the same, and
the ids of all records must be equal, those of chain events with their block hashes included. The keeper has nothing to
send in this run: when it would send depends on when it started, and a moved transaction makes another chain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from tests.kit.simnet.accounts import CONTRIBUTOR_KEYS, OWNER_KEY, TREASURY
from tests.kit.simnet.connections import CrashPoint, Moment
from tests.kit.simnet.net import Simnet
from tests.kit.simnet.projects import ARTEFACTS, BETTER_PARAMETERS, FIRST, PublishedProject, open_project
from tests.kit.simnet.run import open_simnet
from tests.kit.simnet.stage import Stage
from tests.kit.simulated_time import simulate
from zarathustra.bus.records import Header
from zarathustra.core.project import Project, Submission
from zarathustra.core.types import ZERO_ADDRESS, Address, ProjectId, Topic, Wei
from zarathustra.signing.ecdsa import compute_address

PROJECT = ProjectId(1)
BLOCKS_AFTER = 3
ABSENCE_BLOCKS = 4  # the task opens, gets its seed, and would have settled
PEOPLE = (TREASURY, *(compute_address(key) for key in (OWNER_KEY, *CONTRIBUTOR_KEYS)))
SERVICES = (
    "indexer",
    "notifier",
    "aggregator-1",
    *(f"{service}-{number}" for service in ("performer", "validator") for number in (1, 2, 3)),
)


@dataclass(frozen=True)
class Outcome:
    """What must be equal, whichever service was killed when."""

    ids: Mapping[str, frozenset[bytes]]  # by topic; dead letters included
    told: frozenset[str]  # ids of what the notifier sent
    project: Project
    submission: Submission
    credits: tuple[Wei, ...]


def prepare_stage(stage: Stage) -> None:
    """Open a project on the stage and keep that state: the crash runs start from it."""

    async def play() -> None:
        async with open_simnet(stage) as net:
            await open_project(net)
            for service in net.services.values():
                await service.stop()
            await stage.keep(net.rpc)

    simulate(play())


def run(stage: Stage, point: CrashPoint | None = None) -> tuple[Outcome, Mapping[tuple[str, Moment], int]]:
    """Do one short run; return its outcome, and how many moments of each kind there were."""

    async def play() -> tuple[Outcome, Mapping[tuple[str, Moment], int]]:
        async with open_simnet(stage, crash=point) as net:
            await add_artefacts(net)
            net.start()
            await net.wait_blocks(1)
            await PublishedProject(net, PROJECT).submit(BETTER_PARAMETERS)
            await net.wait_for_outcome(PROJECT, FIRST)
            await net.wait_blocks(BLOCKS_AFTER)
            assert point is None or net.crash_plan.due.done(), f"{point} was never reached"
            return await read_outcome(net), dict(net.crash_plan.passed)

    return simulate(play())


async def read_outcome(net: Simnet) -> Outcome:
    topics = [Topic.CHAIN_EVENTS, Topic.EVALUATIONS, Topic.ATTESTATIONS, Topic.CERTIFICATES]
    dead = [f"{group}.dlq.v1" for group in net.list_groups()]
    records = {topic: [delivery.record for delivery in net.read(topic)] for topic in [*topics, *dead]}
    return Outcome(
        ids={topic: frozenset(one.headers[Header.ID] for one in found) for topic, found in records.items()},
        told=frozenset(notification.id for notification in net.notifications),
        project=await net.fetch_project(PROJECT),
        submission=await net.fetch_submission(PROJECT, FIRST),
        credits=tuple([await net.market.fetch_credit(Address(one), ZERO_ADDRESS) for one in PEOPLE]),
    )


def run_with_absence(stage: Stage, service: str) -> Outcome:
    """Do a short run in which a service is killed before the votes and started again ABSENCE_BLOCKS later."""

    async def play() -> Outcome:
        async with open_simnet(stage) as net:
            await add_artefacts(net)
            net.start()
            await net.wait_blocks(1)
            await PublishedProject(net, PROJECT).submit(BETTER_PARAMETERS)
            await net.services[service].crash()
            await net.wait_blocks(ABSENCE_BLOCKS)
            net.start(service)
            await net.wait_for_outcome(PROJECT, FIRST)
            await net.wait_blocks(BLOCKS_AFTER)
            return await read_outcome(net)

    return simulate(play())


async def add_artefacts(net: Simnet) -> None:
    """Add what the owner published when the stage was prepared: the store of each run starts empty."""
    for artefact in (ARTEFACTS.architecture, ARTEFACTS.parameters, ARTEFACTS.evaluator):
        await net.artefacts.add(artefact)


def list_points(passed: Mapping[tuple[str, Moment], int], service: str) -> list[CrashPoint]:
    """Return every moment of a service at which an undisturbed run could be interrupted."""
    return [
        CrashPoint(name, moment, number)
        for (name, moment), count in sorted(passed.items())
        if name == service
        for number in range(1, count + 1)
    ]


def choose_points(points: Sequence[CrashPoint], count: int) -> list[CrashPoint]:
    """Return up to `count` points of each kind; the same ones each time."""
    kinds = {moment: [point for point in points if point.moment is moment] for moment in Moment}
    random = Random(0)
    return [point for kind in kinds.values() for point in random.sample(kind, min(count, len(kind)))]
