"""Readers, typed calls, certificates and every event, on contracts deployed on anvil."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import pytest_asyncio
from eth_hash.auto import keccak

from devnet.anvil import DEFAULT_CHAIN_ID
from tests.kit.chain.anvil import mine
from tests.kit.chain.market import (
    BOND,
    DEV_KEYS,
    FEE,
    IMPROVED,
    OPERATOR_KEYS,
    OWNER,
    STAKE,
    WORSE,
    TestMarket,
    Verdict,
    build_parameters,
    deploy_market,
    make_params,
    make_sender,
)
from zarathustra.chain.abi import FACT_CLASSES, MODEL_SUBMISSION, encode_call, load_abi
from zarathustra.chain.contracts import COIN, SendingContract
from zarathustra.chain.deploy import ORDER, build_creation_code, deploy, plan_deployment
from zarathustra.chain.market import MarketReader, OperatorStatus
from zarathustra.chain.port import Posting
from zarathustra.chain.reader import ChainTaskReader
from zarathustra.chain.rpc import HttpRpc, validate_chain_id
from zarathustra.chain.scan import ChainScanner
from zarathustra.chain.transactions import Transaction
from zarathustra.core.digests import evaluation_hash
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.events import ChainEvent, Fact, SubmissionSettled, TaskSubmitted
from zarathustra.core.outcomes import Code, Outcome
from zarathustra.core.project import ProjectStatus, SubmissionStatus
from zarathustra.core.reasons import Reason
from zarathustra.core.task import TaskStatus
from zarathustra.core.types import (
    Address,
    BlockNumber,
    Cid,
    Micro,
    OperatorId,
    ProjectId,
    SetVersion,
    SubmissionIndex,
    TaskId,
    Wei,
)
from zarathustra.core.vote import Vote
from zarathustra.signing.backends import load_backend
from zarathustra.wire.codec import decode, encode

pytestmark = pytest.mark.chain
pytest_plugins = ["tests.kit.chain.anvil_fixture"]

UNKNOWN_TASK = TaskId(b"\x01" * 32)
# Needs 16,000 blocks of unbonding: its log is decoded in the unit tests.
SLOW_EVENTS = {"OperatorExited"}
DISPUTE_BLOCKS = 3


@pytest_asyncio.fixture
async def market(rpc: HttpRpc) -> TestMarket:
    deployed = await deploy_market(rpc)
    await deployed.register_operators()
    return deployed


@pytest_asyncio.fixture
async def project_id(market: TestMarket) -> ProjectId:
    """A project whose baseline has passed."""
    project = await market.owner_market.create_project(make_params())
    await market.certify(Verdict())
    return project


async def read_events(market: TestMarket) -> list[ChainEvent]:
    scanner = ChainScanner(market.rpc, market.deployment)
    head = await scanner.fetch_latest()
    assert head is not None
    spans = [span async for span in scanner.scan_final(BlockNumber(0), head.number)]
    return [timed.record for span in spans for timed in span.records if isinstance(timed.record, ChainEvent)]


def find_facts(events: Sequence[ChainEvent], fact_class: type) -> list[Fact]:
    return [event.fact for event in events if isinstance(event.fact, fact_class)]


# ---- deployment


async def test_deploy__key_with_history__contracts_are_where_they_were_computed(rpc: HttpRpc) -> None:
    await mine(rpc, 3)
    first, second = await deploy_market(rpc), await deploy_market(rpc)
    assert first.deployment.model_submission != second.deployment.model_submission
    assert second.deployment.deployed_at == first.deployment.deployed_at + len(ORDER)


async def test_deploy__last_contract_not_where_the_others_expect_it__refused(rpc: HttpRpc) -> None:
    sender = make_sender(rpc, DEV_KEYS[OWNER])
    plan = plan_deployment(sender.address, await sender.fetch_next_nonce(), build_parameters(sender.address))
    *others, last = (Transaction(None, build_creation_code(step.contract, step.arguments)) for step in plan.steps)
    for transaction in (*others, Transaction(sender.address, b"")):  # another program uses the key
        await sender.send(transaction)
    with pytest.raises(Invalid) as caught:
        await sender.send(last)
    assert caught.value.details["error"] == "WrongWiring"
    expected = "0x" + plan.addresses[MODEL_SUBMISSION].hex()
    assert f"modelSubmission, {expected}" in caught.value.details["arguments"]


async def test_deploy__constructor_refuses__says_why(rpc: HttpRpc) -> None:
    sender = make_sender(rpc, DEV_KEYS[OWNER])
    parameters = build_parameters(sender.address, unbonding_blocks=1)
    with pytest.raises(Invalid) as caught:
        await deploy(sender, rpc, parameters, chain_id=DEFAULT_CHAIN_ID)
    assert caught.value.details["error"] == "UnbondingTooShort"


async def test_validate_chain_id__other_chain__bad_setting(rpc: HttpRpc) -> None:
    await validate_chain_id(rpc, DEFAULT_CHAIN_ID)
    with pytest.raises(Invalid) as caught:
        await validate_chain_id(rpc, 1)
    assert caught.value.reason is Reason.BAD_SETTING


# ---- reading


async def test_fetch_task__open_one__as_on_chain(market: TestMarket) -> None:
    project = await market.owner_market.create_project(make_params())
    reader = ChainTaskReader(market.rpc, market.deployment)
    (task_id,) = await reader.fetch_open_tasks()
    task = await reader.fetch_task(task_id)
    assert (task.project_id, task.submission_index, task.status) == (project, 0, TaskStatus.OPEN)
    assert (task.quorum_bps, task.attempt_blocks, task.attempt, task.set_version) == (6_600, 20, 0, 1)
    assert task.attempt_start == task.seed_block
    assert task.deadline == task.seed_block + task.max_attempts * task.attempt_blocks
    assert task.input.challenger_cid == "bafkbaseline"


async def test_fetch_task__unknown__is_refused(market: TestMarket) -> None:
    with pytest.raises(Invalid) as caught:
        await ChainTaskReader(market.rpc, market.deployment).fetch_task(UNKNOWN_TASK)
    assert caught.value.reason is Reason.UNKNOWN_TASK


async def test_create_project__cid_that_is_not_utf8__is_refused_on_chain(market: TestMarket) -> None:
    """Such a CID cannot be read off chain: its task would block the project's queue until the deadline."""
    params = make_params(architecture_cid="bafk?")
    data = encode_call(load_abi(MODEL_SUBMISSION), "createProject", params).replace(b"bafk?", b"bafk\xff")
    value = Wei(params.pool + params.budget)
    with pytest.raises(Invalid) as caught:
        await market.owner.send(Transaction(market.deployment.model_submission, data, value))
    assert caught.value.details["error"] == "BadCid"


async def test_fetch_seed_header__every_block__hashes_to_the_blocks_hash(market: TestMarket) -> None:
    reader = ChainTaskReader(market.rpc, market.deployment)
    head = await reader.fetch_block_number()
    for number in (1, head):
        header = await reader.fetch_seed_header(BlockNumber(number))
        block = await market.rpc.call("eth_getBlockByNumber", hex(number), False)
        assert "0x" + keccak(header.encoded).hex() == block["hash"]
        assert "0x" + header.prev_randao.hex() == block["mixHash"]


async def test_fetch_seed_header__future_block__no_seed(market: TestMarket) -> None:
    reader = ChainTaskReader(market.rpc, market.deployment)
    head = await reader.fetch_block_number()
    with pytest.raises(Retry) as caught:
        await reader.fetch_seed_header(BlockNumber(head + 1))
    assert caught.value.reason is Reason.NO_SEED


async def test_fetch_operator_set__sealed_one__keys_and_stakes(market: TestMarket) -> None:
    operators = await ChainTaskReader(market.rpc, market.deployment).fetch_operator_set(SetVersion(1))
    backend = load_backend("fast")
    assert [(operator.slot, operator.stake) for operator in operators.operators] == [(n, STAKE) for n in range(4)]
    assert [operator.operator_id for operator in operators.operators] == [
        OperatorId(sender.address) for sender in market.operators
    ]
    assert [operator.public_key for operator in operators.operators] == [
        backend.public_key(keys.bls) for keys in OPERATOR_KEYS
    ]


async def test_fetch_operator_set__reorganised_seal__new_content(market: TestMarket) -> None:
    """A version that a reorganisation can still change is not remembered."""
    reader = ChainTaskReader(market.rpc, market.deployment)
    assert (await reader.fetch_operator_set(SetVersion(1))).operators[0].stake == STAKE
    await market.rpc.call("anvil_reorg", 1, [])
    await market.governance.increase_stake(OperatorId(market.operators[0].address), Wei(5), value=Wei(5))
    await market.governance.seal_operator_set()
    assert (await reader.fetch_operator_set(SetVersion(1))).operators[0].stake == STAKE + 5


async def test_fetch_operator_set__old_one__is_fetched_once(market: TestMarket) -> None:
    reader = ChainTaskReader(market.rpc, market.deployment)
    await mine(market.rpc, 70)
    first = await reader.fetch_operator_set(SetVersion(1))
    assert await reader.fetch_operator_set(SetVersion(1)) is first


async def test_fetch_operator_set__version_not_sealed__retry(market: TestMarket) -> None:
    with pytest.raises(Retry):
        await ChainTaskReader(market.rpc, market.deployment).fetch_operator_set(SetVersion(9))


async def test_fetch_turn_blocks__deployed__its_parameter(market: TestMarket) -> None:
    assert await ChainTaskReader(market.rpc, market.deployment).fetch_turn_blocks() == 5


async def test_market_reader__project_and_submission__as_created(market: TestMarket, project_id: ProjectId) -> None:
    index = await market.commit_and_reveal(project_id, "bafkchallenger")
    reader = MarketReader(market.rpc, market.deployment)
    project = await reader.fetch_project(project_id)
    submission = await reader.fetch_submission(project_id, index)
    assert (await reader.fetch_project_count(), project.status, project.head) == (1, ProjectStatus.OPEN, index)
    assert project.params == make_params()
    assert (submission.status, submission.contributor) == (SubmissionStatus.EVALUATING, market.contributor.address)
    assert await reader.fetch_champion_cid(project_id) == "bafkbaseline"
    assert await reader.fetch_latest_set_version() == 1


async def test_market_reader__unknown_project__names_the_error(market: TestMarket) -> None:
    with pytest.raises(Invalid) as caught:
        await MarketReader(market.rpc, market.deployment).fetch_project(ProjectId(99))
    assert (caught.value.reason, caught.value.details["error"]) == (Reason.REVERTED, "UnknownProject")


async def test_market_reader__operator__as_registered(market: TestMarket) -> None:
    reader = MarketReader(market.rpc, market.deployment)
    record = await reader.fetch_operator(OperatorId(market.operators[1].address))
    assert (record.status, record.slot, record.stake, record.owner) == (
        OperatorStatus.ACTIVE,
        1,
        STAKE,
        market.owner.address,
    )
    assert (await reader.fetch_operator(OperatorId(b"\x0f" * 20))).status is OperatorStatus.NONE


# ---- sending


async def test_submit_certificate__improved__champion_moves_and_reward_is_credited(
    market: TestMarket, project_id: ProjectId
) -> None:
    index = await market.commit_and_reveal(project_id, "bafkbetter")
    receipt = await market.certify(IMPROVED)
    reader = MarketReader(market.rpc, market.deployment)
    assert receipt.gas_used > 0
    assert (await reader.fetch_submission(project_id, index)).outcome is Outcome.IMPROVED
    assert await reader.fetch_champion_cid(project_id) == "bafkbetter"
    credit = await reader.fetch_credit(market.contributor.address, COIN)
    assert credit == BOND + make_params().max_reward
    assert await market.contributor_market.withdraw(COIN, market.contributor.address) == credit


async def test_submit_certificate__twice__second_is_refused_by_name(market: TestMarket) -> None:
    await market.owner_market.create_project(make_params())
    certificate = await market.build_certificate(await market.open_task(), Verdict())
    await market.post(certificate)
    with pytest.raises(Invalid) as caught:
        await market.post(certificate, operator=1)
    assert (caught.value.reason, caught.value.details["error"]) == (Reason.REVERTED, "TaskNotOpen")


@pytest.mark.parametrize("is_approved", [True, False])
async def test_fetch_posting__certificate_taken__names_transaction_and_sender(
    market: TestMarket, is_approved: bool
) -> None:
    await market.owner_market.create_project(make_params())
    task = await market.open_task()
    certificate = await market.build_certificate(task, Verdict(is_approved=is_approved))
    evaluation = certificate.proposal.evaluation
    vote = Vote(task.task_id, evaluation.attempt, evaluation_hash(evaluation), is_approved)
    reader = ChainTaskReader(market.rpc, market.deployment)
    assert await reader.fetch_posting(task, vote) is None

    receipt = await market.post(certificate, operator=1)

    assert await reader.fetch_posting(task, vote) == Posting(receipt, market.operators[1].address)
    assert await reader.fetch_posting(task, replace(vote, approved=not is_approved)) is None
    assert await reader.fetch_posting(task, replace(vote, evaluation_hash=b"\x01" * 32)) is None


async def test_advance__nothing_to_do__sends_nothing(market: TestMarket, project_id: ProjectId) -> None:
    sender = market.task_sender()
    before = await market.operators[0].fetch_next_nonce()
    assert await sender.advance(project_id, 3) is None
    assert await market.operators[0].fetch_next_nonce() == before


async def test_advance__reveal_window_passed__finalises(market: TestMarket, project_id: ProjectId) -> None:
    index = await market.contributor_market.commit(project_id, b"\x01" * 32, value=BOND)
    await mine(market.rpc, make_params().reveal_blocks + 1)
    assert await market.task_sender().advance(project_id, 3) is not None
    submission = await MarketReader(market.rpc, market.deployment).fetch_submission(project_id, index)
    assert submission.outcome is Outcome.UNREVEALED


async def test_expire_task__before_then_after_the_deadline__refused_then_sent_once(market: TestMarket) -> None:
    await market.owner_market.create_project(make_params())
    task = await market.open_task()
    sender = market.task_sender()
    with pytest.raises(Invalid) as caught:
        await sender.expire_task(task.task_id)
    assert caught.value.details["error"] == "DeadlineNotPassed"
    await mine(market.rpc, task.deadline - task.seed_block + 1)
    assert await sender.expire_task(task.task_id) is not None
    assert await sender.expire_task(task.task_id) is None


# ---- events


async def test_scanner__every_event__decoded_with_its_project(market: TestMarket, project_id: ProjectId) -> None:
    await play_every_event(market, project_id)
    events = await read_events(market)
    assert {type(event.fact).__name__ for event in events} == FACT_CLASSES.keys() - SLOW_EVENTS
    assert [(event.block_number, event.log_index) for event in events] == sorted(
        (event.block_number, event.log_index) for event in events
    )
    for event in events:
        assert decode("ChainEvent", encode(event)) == event
        is_of_task_or_project = hasattr(event.fact, "task_id") or hasattr(event.fact, "project_id")
        assert (event.project_id > 0) == is_of_task_or_project
    settled = find_facts(events, SubmissionSettled)
    assert Outcome.IMPROVED in {fact.outcome for fact in settled if isinstance(fact, SubmissionSettled)}


async def test_scanner__task_opened_before_the_span__project_is_fetched(
    market: TestMarket, project_id: ProjectId
) -> None:
    scanner = ChainScanner(market.rpc, market.deployment)
    events = await read_events(market)
    submitted = next(event for event in events if isinstance(event.fact, TaskSubmitted))
    header = await scanner.fetch_header(submitted.block_number)
    assert header is not None
    block = await scanner.fetch_block(header)
    assert [event for event in block.events if isinstance(event.fact, TaskSubmitted)] == [submitted]
    assert submitted.project_id == project_id


async def play_every_event(market: TestMarket, project_id: ProjectId) -> None:
    """Make the contracts emit the events that the fixtures did not cause."""
    await market.governance.increase_stake(OperatorId(market.operators[0].address), Wei(1), value=Wei(1))
    await market.owner_market.top_up(project_id, pool=FEE, budget=FEE, value=Wei(2 * FEE))

    await market.commit_and_reveal(project_id, "bafkbetter")
    await market.certify(IMPROVED)
    await market.commit_and_reveal(project_id, "bafkworse")
    await market.certify(WORSE)

    await market.commit_and_reveal(project_id, "bafkslow")
    await market.certify(Verdict(is_approved=False))
    task = await market.open_task()
    await mine(market.rpc, task.deadline - task.seed_block + 1)
    await market.task_sender().expire_task(task.task_id)
    await market.task_sender().advance(project_id, 1)
    await market.certify(Verdict(code=Code.EVALUATOR_FAILED))

    await market.owner_market.create_project(make_params())
    await market.certify(Verdict(code=Code.INVALID))
    closing = await market.owner_market.create_project(make_params())
    await market.certify(Verdict())
    await market.owner_market.close_project(closing)
    await market.owner_market.withdraw_escrow(closing)
    await market.owner_market.withdraw(COIN, market.owner.address)

    operator = OperatorId(market.operators[0].address)
    count = await MarketReader(market.rpc, market.deployment).fetch_settlement_count()
    await market.center.claim(operator, count)
    assert await MarketReader(market.rpc, market.deployment).fetch_claim_cursor(operator) == count

    await play_events_of_disputes(market)
    await play_events_of_operators(market)


async def play_events_of_disputes(market: TestMarket) -> None:
    """Overturn one verdict, and prove that all operators voted both ways."""
    project_id = await market.owner_market.create_project(replace(make_params(), dispute_blocks=DISPUTE_BLOCKS))
    await market.certify(Verdict())
    await market.owner_market.set_metadata(project_id, Cid("bafkother"))
    await market.commit_and_reveal(project_id, "bafkfalse")
    task = await market.open_task()
    certificate = await market.build_certificate(task, IMPROVED)
    await market.post(certificate)
    bond = (await MarketReader(market.rpc, market.deployment).fetch_limits()).dispute_bond
    await market.center.dispute(task.task_id, bond=bond)
    await market.center.resolve(task.task_id, is_overturned=True)

    header = await ChainTaskReader(market.rpc, market.deployment).fetch_seed_header(task.seed_block)
    await market.center.fix_seed(task.task_id, header)
    other = await market.build_signed_vote(replace(certificate.proposal.evaluation, gain_lower_bound=Micro(41_000)))
    ours = await market.build_signed_vote(certificate.proposal.evaluation)
    await market.center.prove_conflict(ours, other, header)


async def play_events_of_operators(market: TestMarket) -> None:
    """Make the contracts emit the events of operators' own calls and of the accounts with roles."""
    governance = SendingContract(market.owner, "AvsGovernance", market.deployment.governance)
    first, _second, third, fourth = [OperatorId(sender.address) for sender in market.operators]
    reader = MarketReader(market.rpc, market.deployment)
    for keys in OPERATOR_KEYS:
        if (await reader.fetch_operator(keys.operator_id)).status is OperatorStatus.JAILED:
            await market.governance.unjail(keys.operator_id)
    await market.governance.admit(Address(b"\x11" * 20))
    await governance.send("expel", Address(b"\x11" * 20))
    await governance.send("setRewardsReceiver", first, Address(b"\x12" * 20))
    await governance.send("transferOwner", fourth, market.contributor.address)
    await SendingContract(market.contributor, "AvsGovernance", market.deployment.governance).send("acceptOwner", fourth)
    await market.rotate_signing_key(1)
    await market.governance.eject(fourth)
    await market.governance.deregister_operator(third)
    await market.governance.seal_operator_set()
    administration = SendingContract(market.owner, "Administration", market.deployment.administration)
    await administration.send("pause")
    await administration.send("unpause")


async def test_reveal__wrong_salt__refused_by_name(market: TestMarket, project_id: ProjectId) -> None:
    commitment = market.build_commitment(project_id, "bafkone")
    index = await market.contributor_market.commit(project_id, commitment, value=BOND)
    with pytest.raises(Invalid) as caught:
        await market.contributor_market.reveal(project_id, index, Cid("bafkother"), b"\x00" * 32)
    assert caught.value.details["error"] == "WrongCommitment"
    assert index == SubmissionIndex(1)
