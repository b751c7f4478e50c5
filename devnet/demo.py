"""The demo: f(x) = x² from a published project to a paid contributor, with liars among the operators.

It makes the SDK calls that users make, and reports only what it read back from the chain.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devnet.children import die_with_parent
from devnet.example import FOLDER, TRAINING_SCRIPT, build_random_parameters, load_artefacts
from devnet.keys import OperatorKeys
from devnet.ledger import GasUse, fetch_events, fetch_gas
from devnet.network import ETHER, Devnet, Misbehaviour, in_a_hurry
from devnet.processes import ROOT
from devnet.progress import Progress
from zarathustra.chain.market import RewardStatus
from zarathustra.core.events import ChainEvent, TaskRejected, TaskSubmitted
from zarathustra.core.outcomes import Outcome
from zarathustra.core.project import Project, ProjectStatus, Submission
from zarathustra.core.types import ZERO_ADDRESS, Cid, Micro, ProjectId, SubmissionIndex, Wei
from zarathustra.formats.limits import MAX_REPORT_BYTES
from zarathustra.sdk import contributor as sdk_contributor
from zarathustra.sdk.client import Client, Reader, open_client
from zarathustra.sdk.operators import claim_fees
from zarathustra.sdk.owner import Terms, publish_project
from zarathustra.sdk.watch import wait_for_outcome, wait_for_project_open
from zarathustra.signing.keys import EcdsaSecretKey

TRAINING_SECONDS = 3.0
SETTLE_SECONDS = 180.0  # far longer than needed; past this the demo fails
LYING_ATTESTER = 3
IMPROVED, WORSE, COPY = (SubmissionIndex(index) for index in (1, 2, 3))
MISBEHAVIOUR = Misbehaviour(lying_performers_submission=WORSE, lying_attester=LYING_ATTESTER)
POLL_SECONDS = 0.2

STORIES = {
    IMPROVED: "Submission 1: performer evaluates, attesters vote (operator 3 lies), certificate settles",
    WORSE: "Submission 2: its first performer lies and is rejected, the next attempt settles",
    COPY: "Submission 3: a copy of the champion gains nothing",
}

TERMS = Terms(
    pool=Wei(6 * ETHER),
    budget=Wei(ETHER),
    max_reward=Wei(2 * ETHER),
    bond=Wei(ETHER // 5),
    fee=Wei(ETHER // 20),
    seed_delay=2,
    attempt_blocks=15,
    reveal_blocks=200,
    dispute_blocks=3,
)


@dataclass(frozen=True)
class Expectation:
    """A fact that the demo promises, and whether the chain confirms it."""

    text: str
    is_met: bool


@dataclass
class Outcomes:
    """The facts that the demo read back from the chain."""

    project_id: ProjectId
    project: Project
    submissions: dict[SubmissionIndex, Submission]
    events: list[ChainEvent]
    gas: list[GasUse]
    reports: dict[str, bytes]
    expectations: list[Expectation] = field(default_factory=list)

    @property
    def is_success(self) -> bool:
        return bool(self.expectations) and all(expectation.is_met for expectation in self.expectations)

    def expect(self, text: str, is_met: bool) -> None:
        self.expectations.append(Expectation(text, is_met))


async def run_demo(devnet: Devnet, progress: Progress) -> Outcomes:
    """Run all steps of the demo once."""
    work = devnet.directory / "work"
    work.mkdir()
    artefacts = load_artefacts()
    trained = work / "trained.safetensors"

    async with contextlib.AsyncExitStack() as stack:
        owner, first, second, third = [await stack.enter_async_context(open_account(devnet)) for _ in range(4)]
        with progress.step("Owner publishes f(x) = x² and funds the project"):
            project_id = await publish_project(owner, artefacts, TERMS)
        with progress.step(f"Contributor 1 trains with torch for {TRAINING_SECONDS:.0f} s; the baseline is evaluated"):
            training = asyncio.create_task(train(FOLDER / "architecture.json", trained))
            project = await asyncio.wait_for(wait_for_project_open(owner.reader, project_id), SETTLE_SECONDS)
            await training
        progress.say(f"project {project_id} is {project.status.name}, champion score {show(project.champion_score)}")

        with progress.step("Contributor 1 commits to the trained model and reveals it"):
            await submit(first, project_id, trained.read_bytes())
        watching = asyncio.create_task(watch_outcomes(owner.reader, project_id, progress))
        stack.callback(watching.cancel)
        with progress.step("Meanwhile contributor 2 submits a worse model, contributor 3 a copy of 1's"):
            await submit(second, project_id, build_random_parameters(artefacts.architecture, seed=3, scale=3.0))
            await submit_copy(third, project_id, of=IMPROVED)
        submissions = await watching
        return await pay_and_check(devnet, progress, project_id, submissions, (first, second, third))


async def watch_outcomes(
    reader: Reader, project_id: ProjectId, progress: Progress
) -> dict[SubmissionIndex, Submission]:
    """Wait for the outcomes of the three submissions, in order."""
    submissions: dict[SubmissionIndex, Submission] = {}
    for index, story in STORIES.items():
        with progress.step(story):
            submission = await asyncio.wait_for(wait_for_outcome(reader, project_id, index), SETTLE_SECONDS)
        submissions[index] = submission
        progress.say(
            f"{submission.outcome.name}: champion {show(submission.champion_score)}, challenger "
            f"{show(submission.challenger_score)}, gain ≥ {show(submission.gain_lower_bound)}"
        )
    return submissions


async def pay_and_check(
    devnet: Devnet,
    progress: Progress,
    project_id: ProjectId,
    submissions: dict[SubmissionIndex, Submission],
    contributors: tuple[Client, Client, Client],
) -> Outcomes:
    """Withdraw all credits, then compare the chain with the facts that the demo promises."""
    first, second, third = contributors
    reader = first.reader
    with progress.step("The reward's dispute window ends, a keeper releases it"):
        await asyncio.wait_for(wait_for_release(reader, project_id, IMPROVED), SETTLE_SECONDS)
    with progress.step("Contributors withdraw, operators claim their fees"):
        won = await sdk_contributor.withdraw(first)
        slashed_credit = await reader.market.fetch_credit(second.address, ZERO_ADDRESS)
        copied_credit = await reader.market.fetch_credit(third.address, ZERO_ADDRESS)
        treasury_credit = await reader.market.fetch_credit(devnet.treasury, ZERO_ADDRESS)
        fees = await claim_and_withdraw_fees(devnet)
    with progress.step("Everything is read back from the chain"):
        async with in_a_hurry(devnet.chain, devnet.rpc):  # until the last event is final
            events = await fetch_events(reader.rpc, reader.deployment)
        outcomes = Outcomes(
            project_id=project_id,
            project=await reader.market.fetch_project(project_id),
            submissions=submissions,
            events=events,
            gas=await fetch_gas(reader.rpc, reader.deployment),
            reports=await fetch_reports(reader, events),
        )
    terms, expect = TERMS, outcomes.expect
    champion = await reader.market.fetch_champion_cid(project_id)
    expect("the baseline opened the project", outcomes.project.status is ProjectStatus.OPEN)
    expect("submission 1 improved the champion", submissions[IMPROVED].outcome is Outcome.IMPROVED)
    expect("the champion is submission 1's model", champion == submissions[IMPROVED].parameters_cid)
    expect("its contributor withdrew bond and reward", won == terms.bond + terms.max_reward)
    expect("submission 2 is worse", submissions[WORSE].outcome is Outcome.WORSE)
    expect("its contributor lost the bond", slashed_credit == 0)
    expect("the slashed bond, less the fee, went to the treasury", treasury_credit == terms.bond - terms.fee)
    expect("submission 3, the copy, improved nothing", submissions[COPY].outcome is Outcome.NOT_IMPROVED)
    expect("its contributor gets the bond back, less the fee", copied_credit == terms.bond - terms.fee)
    expect_liars_failed(devnet, outcomes)
    expect("both honest operators were paid", all(fees[number] > 0 for number in fees if number != LYING_ATTESTER))
    return outcomes


async def wait_for_release(reader: Reader, project_id: ProjectId, index: SubmissionIndex) -> None:
    """Wait until a submission's reward is no longer withheld."""
    while (await reader.market.fetch_withheld(project_id, index)).status is not RewardStatus.NONE:
        await asyncio.sleep(POLL_SECONDS)


async def fetch_reports(reader: Reader, events: Sequence[ChainEvent]) -> dict[str, bytes]:
    """Return the report of every settled task, by file name. Its attesters found it equal to the evaluation."""
    settled = [event.fact for event in events if isinstance(event.fact, TaskSubmitted)]
    return {
        f"task-{fact.task_id.hex()[:8]}-attempt-{fact.attempt}.json": await reader.artefacts.fetch(
            fact.proof_of_task, max_bytes=MAX_REPORT_BYTES
        )
        for fact in settled
    }


def expect_liars_failed(devnet: Devnet, outcomes: Outcomes) -> None:
    """Expect that the lying attester was outvoted, the lying performer rejected, and a later attempt settled."""
    task_id = outcomes.submissions[WORSE].task_id
    rejected = [event.fact for event in outcomes.events if isinstance(event.fact, TaskRejected)]
    settled = [event.fact for event in outcomes.events if isinstance(event.fact, TaskSubmitted)]
    liar_bit = 1 << (LYING_ATTESTER - 1)  # the operators registered in the order of their numbers
    outcomes.expect(
        "the lying performer's evaluation was rejected",
        [(fact.task_id, fact.attempt) for fact in rejected] == [(task_id, 0)],
    )
    outcomes.expect(
        "and a later attempt settled the task",
        any(fact.task_id == task_id and fact.attempt > 0 for fact in settled),
    )
    outcomes.expect(
        "the lying attester is in no approving certificate",
        len(settled) == 1 + len(outcomes.submissions) and not any(fact.bitmap & liar_bit for fact in settled),
    )


async def claim_and_withdraw_fees(devnet: Devnet) -> dict[int, Wei]:
    """Claim and withdraw each operator's fees with its owner's account. Return the amounts by operator number."""

    async def claim_and_withdraw(keys: OperatorKeys) -> Wei:
        async with open_client(devnet.network, keys.owner, poll_seconds=POLL_SECONDS) as client:
            await claim_fees(client, keys.operator_id)
            owed = await client.reader.market.fetch_credit(keys.owner_address, ZERO_ADDRESS)
            return await sdk_contributor.withdraw(client) if owed > 0 else Wei(0)

    fees = await asyncio.gather(*(claim_and_withdraw(keys) for keys in devnet.operators))
    return {keys.number: fee for keys, fee in zip(devnet.operators, fees, strict=True)}


@contextlib.asynccontextmanager
async def open_account(devnet: Devnet) -> AsyncIterator[Client]:
    """Open a client with a new, funded account."""
    key = EcdsaSecretKey.generate()
    async with open_client(devnet.network, key, poll_seconds=POLL_SECONDS) as client:
        await devnet.fund(client.address)
        yield client


async def submit(client: Client, project_id: ProjectId, parameters: bytes) -> SubmissionIndex:
    """Add the parameters to the store, commit and reveal."""
    cid = await sdk_contributor.add_parameters(client, project_id, parameters)
    return await submit_cid(client, project_id, cid)


async def submit_copy(client: Client, project_id: ProjectId, *, of: SubmissionIndex) -> SubmissionIndex:
    """Submit the parameters that another contributor revealed."""
    revealed = await client.reader.market.fetch_submission(project_id, of)
    return await submit_cid(client, project_id, Cid(revealed.parameters_cid))


async def submit_cid(client: Client, project_id: ProjectId, cid: Cid) -> SubmissionIndex:
    """Commit and reveal parameters that the store has."""
    ticket = await sdk_contributor.draw_ticket(client, project_id, cid)
    index = await sdk_contributor.commit(client, ticket)
    await sdk_contributor.reveal(client, ticket, index)
    return index


async def train(architecture: Path, parameters: Path) -> None:
    """Train in a separate process, so that torch's memory is free afterwards."""
    command = (sys.executable, str(TRAINING_SCRIPT), str(architecture), str(parameters))
    process = await asyncio.create_subprocess_exec(
        *command,
        "--seconds",
        str(TRAINING_SECONDS),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=die_with_parent,
    )
    await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"training ended with {process.returncode}")


def show(score: Micro) -> str:
    """Format a score as a decimal number."""
    return f"{score / 1_000_000:+.4f}"
