"""Projects in a simnet: what their owner and the contributors do, by the SDK's calls."""

from dataclasses import dataclass, replace

from tests.kit.scoring.artefacts import SQUARE, evaluator, square_parameters
from tests.kit.simnet.accounts import CONTRIBUTOR_KEYS, ETHER, OWNER_KEY
from tests.kit.simnet.net import Simnet
from zarathustra.core.project import ProjectStatus
from zarathustra.core.types import Cid, ProjectId, SubmissionIndex, Wei
from zarathustra.sdk import contributor
from zarathustra.sdk.client import Client
from zarathustra.sdk.owner import Artefacts, Terms, publish_project

BASELINE = SubmissionIndex(0)
FIRST = SubmissionIndex(1)
SALT = b"\x5a" * 32  # fixed: with random salts no two runs would have the same chain
BASELINE_PARAMETERS = square_parameters(noise=0.5)
BETTER_PARAMETERS = square_parameters(noise=0.1)
BEST_PARAMETERS = square_parameters()
WORSE_PARAMETERS = square_parameters(noise=2.0)
METADATA = b'{"format": "metadata/1", "title": "squares"}'
ARTEFACTS = Artefacts(SQUARE, BASELINE_PARAMETERS, evaluator(), METADATA)
TERMS = Terms(
    pool=Wei(6 * ETHER),
    budget=Wei(ETHER),
    max_reward=Wei(2 * ETHER),
    bond=Wei(ETHER // 5),
    fee=Wei(ETHER // 20),
    rounds=4,
    seed_delay=2,
    max_attempts=3,
    attempt_blocks=6,
    reveal_blocks=40,
    dispute_blocks=0,
    open_blocks=10_000,
)


@dataclass(frozen=True)
class PublishedProject:
    """A project on a simnet, and what contributors do with it."""

    net: Simnet
    project_id: ProjectId

    async def wait_until_open(self) -> None:
        """Return once the baseline has settled."""

        async def is_open() -> bool:
            return (await self.net.fetch_project(self.project_id)).status is not ProjectStatus.BASELINE

        await self.net.wait_until(is_open)

    async def submit(self, parameters: bytes, *, by: int = 0) -> SubmissionIndex:
        """Add the parameters to the store, commit and reveal."""
        client = self.net.open_client(CONTRIBUTOR_KEYS[by])
        return await self.submit_cid(client, await client.writer.add(parameters))

    async def reveal_again(self, index: SubmissionIndex, parameters: bytes, *, by: int = 0) -> None:
        """Reveal after a reorganisation that took the reveal back."""
        client = self.net.open_client(CONTRIBUTOR_KEYS[by])
        cid = await client.writer.add(parameters)
        await contributor.reveal(client, await contributor.draw_ticket(client, self.project_id, cid, salt=SALT), index)
        await self.net.wait_quiet()

    async def submit_cid(self, client: Client, cid: Cid) -> SubmissionIndex:
        """Commit and reveal."""
        ticket = await contributor.draw_ticket(client, self.project_id, cid, salt=SALT)
        index = await contributor.commit(client, ticket)
        await self.net.wait_quiet()
        await contributor.reveal(client, ticket, index)
        await self.net.wait_quiet()
        return index


async def publish(net: Simnet, *, artefacts: Artefacts = ARTEFACTS, terms: Terms = TERMS) -> PublishedProject:
    """Publish as the owner; the baseline's task is open when this returns."""
    published = PublishedProject(net, await publish_project(net.open_client(OWNER_KEY), artefacts, terms))
    await net.wait_quiet()
    return published


async def open_project(net: Simnet, *, terms: Terms = TERMS) -> PublishedProject:
    """Start every service that is added, publish a project, and return once it takes submissions."""
    net.start()
    published = await publish(net, terms=terms)
    await published.wait_until_open()
    return published


async def publish_unchecked(net: Simnet, artefacts: Artefacts) -> PublishedProject:
    """Publish without the checks of the SDK: artefacts that operators will refuse."""
    accepted = await publish(net)
    client = net.open_client(OWNER_KEY)
    params = replace(
        (await net.fetch_project(accepted.project_id)).params,
        architecture_cid=await client.writer.add(artefacts.architecture),
        parameters_cid=await client.writer.add(artefacts.parameters),
        evaluator_cid=await client.writer.add(artefacts.evaluator),
    )
    published = PublishedProject(net, await client.market.create_project(params))
    await net.wait_quiet()
    return published
