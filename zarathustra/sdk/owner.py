"""What project owners do: check the artefacts, publish the project and put the reward into escrow."""

from dataclasses import dataclass

from zarathustra.core.project import ProjectParams, RewardRule
from zarathustra.core.types import ZERO_ADDRESS, Address, BlockNumber, Bps, Micro, Ppm, ProjectId, Wei
from zarathustra.formats.architecture import parse_architecture
from zarathustra.formats.evaluator import parse_evaluator, validate_work
from zarathustra.formats.metadata import parse_metadata
from zarathustra.formats.parameters import parse_parameters
from zarathustra.sdk.client import Client
from zarathustra.sdk.payments import prepare_payment, validate_token


@dataclass(frozen=True)
class Artefacts:
    """The artefacts that a project owner publishes, as bytes."""

    architecture: bytes
    parameters: bytes
    evaluator: bytes
    metadata: bytes


@dataclass(frozen=True)
class Terms:
    """What a project owner offers and requires. Scores are in micro, periods in blocks.

    Amounts are in the smallest unit of `token`; its default, the zero address, stands for the chain's coin.
    """

    pool: Wei
    budget: Wei
    max_reward: Wei
    bond: Wei
    fee: Wei
    min_gain: Micro = Micro(1_000)
    worse_tolerance: Micro = Micro(1_000)
    tolerance: Micro = Micro(2)
    rounds: int = 32
    alpha_ppm: Ppm = Ppm(10_000)
    quorum_bps: Bps = Bps(6_600)
    seed_delay: int = 4
    max_attempts: int = 4
    attempt_blocks: int = 30
    reveal_blocks: int = 50
    dispute_blocks: int = 7_200
    open_blocks: int = 100_000
    reward_rule: RewardRule = RewardRule.FIXED
    reward_rate: Wei = Wei(0)
    owner_pays_misses: bool = False
    token: Address = ZERO_ADDRESS


def check_artefacts(artefacts: Artefacts, *, rounds: int) -> None:
    """Raise Invalid with the reason for which operators would refuse the artefacts, before anything is paid."""
    architecture = parse_architecture(artefacts.architecture)
    validate_work(architecture, parse_evaluator(artefacts.evaluator), rounds)
    parse_parameters(artefacts.parameters, architecture.tensors)
    parse_metadata(artefacts.metadata)


async def publish_project(client: Client, artefacts: Artefacts, terms: Terms) -> ProjectId:
    """Check and add the artefacts, then create and fund the project, which opens the baseline's task if possible.

    In a token, the market is first allowed to take pool and budget. Raises as `prepare_payment`, and Invalid(REVERTED)
    when the market does not accept the token.
    """
    check_artefacts(artefacts, rounds=terms.rounds)
    await validate_token(client, terms.token)
    head = await client.reader.tasks.fetch_block_number()
    params = ProjectParams(
        architecture_cid=await client.writer.add(artefacts.architecture),
        parameters_cid=await client.writer.add(artefacts.parameters),
        evaluator_cid=await client.writer.add(artefacts.evaluator),
        metadata_cid=await client.writer.add(artefacts.metadata),
        token=terms.token,
        pool=terms.pool,
        budget=terms.budget,
        reward_rule=terms.reward_rule,
        max_reward=terms.max_reward,
        reward_rate=terms.reward_rate,
        bond=terms.bond,
        fee=terms.fee,
        min_gain=terms.min_gain,
        worse_tolerance=terms.worse_tolerance,
        tolerance=terms.tolerance,
        rounds=terms.rounds,
        alpha_ppm=terms.alpha_ppm,
        quorum_bps=terms.quorum_bps,
        seed_delay=terms.seed_delay,
        max_attempts=terms.max_attempts,
        attempt_blocks=terms.attempt_blocks,
        reveal_blocks=terms.reveal_blocks,
        dispute_blocks=terms.dispute_blocks,
        open_until=BlockNumber(head + terms.open_blocks),
        owner_pays_misses=terms.owner_pays_misses,
    )
    await prepare_payment(client, terms.token, Wei(terms.pool + terms.budget))
    return await client.market.create_project(params)


async def top_up(client: Client, project_id: ProjectId, *, pool: Wei = Wei(0), budget: Wei = Wei(0)) -> None:
    """Add to a project's pool and budget, in its token. Raises as `prepare_payment`."""
    project = await client.reader.market.fetch_stored_project(project_id)
    value = await prepare_payment(client, project.token, Wei(pool + budget))
    await client.market.top_up(project_id, pool=pool, budget=budget, value=value)
