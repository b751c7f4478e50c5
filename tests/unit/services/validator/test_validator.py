"""The validator, one proposal at a time: which proposals get a vote, which vote, and what the validator waits for."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kit.bus.records import deliver
from tests.kit.chain.deployment import DOMAIN
from tests.kit.chain.fake import open_task
from tests.kit.metrics import count
from tests.kit.scoring.fake_models import BROKEN_MODEL, Artefacts, make_model
from tests.kit.signing.operators import seal_operators
from tests.kit.validator import BLS, CONFIRMATIONS, KEYS, STRANGER, TOLERANCE, Scene, Site, keys_of, open_scene, seal
from tests.kit.waiting import let_others_run, within
from zarathustra.bus.records import Record
from zarathustra.core.digests import (
    evaluation_hash,
    input_root,
    report_hash,
    vote_digest,
)
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.messages import Abstained, AttestationSigned, EvaluationProposed
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Task, TaskStatus, attempt_begin, attempt_end
from zarathustra.core.types import Attempt, Cid, EcdsaSignature, Topic
from zarathustra.core.vote import Vote
from zarathustra.formats.report import conclude
from zarathustra.runtime.records import build_record
from zarathustra.signing.signer import EcdsaSigner
from zarathustra.wire.evaluator import EvaluateResult

pytestmark = pytest.mark.unit


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path) as opened:
        yield opened


async def refuse(scene: Scene, site: Site, record: Record) -> Reason:
    """Return the reason why the proposal gets no vote."""
    with pytest.raises(Invalid) as caught:
        await within(site.validator.on_evaluation(deliver(record)))
    assert count_votes(site) == 0
    assert count_recorded(scene) == 0
    return caught.value.reason


def count_votes(site: Site) -> int:
    samples = [
        sample.value
        for metric in site.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "zarathustra_validator_votes_total"
    ]
    return int(sum(samples))


def count_recorded(scene: Scene) -> int:
    """Count the rows of the vote logs: every vote that could prove a fault of the operator. Close the logs."""
    rows = 0
    for log, path in scene.logs:
        log.close()
        with closing(sqlite3.connect(path)) as connection:
            rows += connection.execute("SELECT count(*) FROM votes").fetchone()[0]
    return rows


# ---- approve


async def test_vote__honest_proposal__is_approved_and_signed(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    evaluation, report = await scene.evaluate(task)
    message = await scene.vote(site, seal(evaluation, report))
    assert isinstance(message, AttestationSigned)
    assert (message.task_id, message.attempt, message.approved, message.reason) == (task.task_id, 0, True, "")
    assert message.operator == site.keys.operator_id
    assert message.evaluation_hash == evaluation_hash(evaluation)
    digest = vote_digest(DOMAIN, Vote(task.task_id, Attempt(0), evaluation_hash(evaluation), approved=True))
    BLS.verify(BLS.public_key(site.keys.bls), digest, message.signature)
    assert count(site.metrics, "votes_total", answer="approve", reason="") == 1


@pytest.mark.parametrize("drift", [-TOLERANCE, TOLERANCE])
async def test_vote__within_the_tolerance__is_approved(scene: Scene, drift: int) -> None:
    task, site = await scene.open_task(), scene.open_site()
    message = await scene.vote(site, await scene.propose(task, drift=drift))
    assert isinstance(message, AttestationSigned)
    assert message.approved


async def test_vote__performer_of_the_proposal__attests_too(scene: Scene) -> None:
    task = await scene.open_task()
    site = scene.open_site(keys_of(scene.chain.get_performer(task).operator_id))
    message = await scene.vote(site, await scene.propose(task))
    assert isinstance(message, AttestationSigned)


@pytest.mark.parametrize(
    "artefacts", [Artefacts(challenger=BROKEN_MODEL), Artefacts(champion=BROKEN_MODEL)], ids=["invalid", "failed"]
)
async def test_vote__correct_evaluation_of_a_wrong_model__is_approved(scene: Scene, artefacts: Artefacts) -> None:
    task, site = await scene.open_task(artefacts), scene.open_site()
    message = await scene.vote(site, await scene.propose(task))
    assert isinstance(message, AttestationSigned)
    assert message.approved


# ---- reject


# One more than the tolerance: means that end in .5 are rounded to even, which can hide a difference of 1.
@pytest.mark.parametrize("drift", [-TOLERANCE - 2, TOLERANCE + 2, 100_000])
async def test_vote__beyond_the_tolerance__is_rejected(scene: Scene, drift: int) -> None:
    task, site = await scene.open_task(), scene.open_site()
    evaluation, report = await scene.evaluate(task, drift=drift)
    message = await scene.vote(site, seal(evaluation, report))
    assert isinstance(message, AttestationSigned)
    assert (message.approved, message.reason) == (False, Reason.SCORE_MISMATCH.code)
    digest = vote_digest(DOMAIN, Vote(task.task_id, Attempt(0), evaluation_hash(evaluation), approved=False))
    BLS.verify(BLS.public_key(site.keys.bls), digest, message.signature)


async def test_vote__performer_reports_a_good_model_as_invalid__is_rejected(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    honest, _ = await scene.evaluate(task)
    result = EvaluateResult(Code.INVALID, Reason.BAD_HEADER, (), ())
    lie = conclude(result, task_id=task.task_id, input_hash=honest.input_hash, k=0, alpha_ppm=task.input.alpha_ppm)
    report = await scene.files.add(lie.report)
    evaluation = replace(
        honest,
        code=lie.scores.code,
        champion_score=lie.scores.champion_score,
        challenger_score=lie.scores.challenger_score,
        gain_lower_bound=lie.scores.gain_lower_bound,
        report_hash=report_hash(report),
    )
    message = await scene.vote(site, seal(evaluation, report))
    assert isinstance(message, AttestationSigned)
    assert (message.approved, message.reason) == (False, Reason.SCORE_MISMATCH.code)


async def test_vote__report_states_other_scores__is_rejected(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    evaluation, _ = await scene.evaluate(task)
    _, other_report = await scene.evaluate(task, drift=1)
    evaluation = replace(evaluation, report_hash=report_hash(other_report))
    message = await scene.vote(site, seal(evaluation, other_report))
    assert isinstance(message, AttestationSigned)
    assert (message.approved, message.reason) == (False, Reason.REPORT_MISMATCH.code)
    assert site.evaluator.requests == []  # a proposal that contradicts its report needs no evaluation


async def test_vote__report_is_malformed__is_rejected(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    evaluation, _ = await scene.evaluate(task)
    report = await scene.files.add(b"trust me")
    message = await scene.vote(site, seal(replace(evaluation, report_hash=report_hash(report)), report))
    assert isinstance(message, AttestationSigned)
    assert message.reason == Reason.REPORT_MISMATCH.code


# ---- no vote at all


async def test_check__value_is_tampered_with__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    record = await scene.propose(task)
    assert await refuse(scene, site, replace(record, value=record.value + b"\x00")) is Reason.BAD_ENVELOPE


async def test_check__message_of_another_type__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    message = Abstained(task.task_id, Attempt(0), b"\x01" * 32, KEYS[1].operator_id, "unavailable")
    record = build_record(Topic.EVALUATIONS, message, signer=EcdsaSigner(KEYS[1].ecdsa, DOMAIN), time_ms=1)
    assert await refuse(scene, site, record) is Reason.UNKNOWN_TYPE


async def test_check__sent_by_another_operator__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    evaluation, report = await scene.evaluate(task)
    sender = next(keys for keys in KEYS if keys.operator_id != evaluation.performer)
    assert await refuse(scene, site, seal(evaluation, report, sender=sender)) is Reason.BAD_ENVELOPE


async def test_check__signed_by_another_key__is_refused(scene: Scene) -> None:
    """The signature goes on chain: without a valid one, the proposal's certificate could not be posted."""
    task, site = await scene.open_task(), scene.open_site()
    evaluation, report = await scene.evaluate(task)
    signer = next(keys for keys in KEYS if keys.operator_id != evaluation.performer)
    assert await refuse(scene, site, seal(evaluation, report, signer=signer)) is Reason.BAD_SIGNATURE


async def test_check__signature_is_malformed__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    evaluation, report = await scene.evaluate(task)
    performer = keys_of(evaluation.performer)
    message = EvaluationProposed(evaluation, report, EcdsaSignature(bytes(65)))
    record = build_record(Topic.EVALUATIONS, message, signer=EcdsaSigner(performer.ecdsa, DOMAIN), time_ms=1)
    assert await refuse(scene, site, record) is Reason.BAD_SIGNATURE


async def test_check__report_hash_of_another_report__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    evaluation, _ = await scene.evaluate(task)
    other = await scene.files.add(b"another report")
    assert await refuse(scene, site, seal(evaluation, other)) is Reason.REPORT_MISMATCH


async def test_check__report_name_is_not_a_cid__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    evaluation, _ = await scene.evaluate(task)
    name = Cid("../etc/passwd")
    record = seal(replace(evaluation, report_hash=report_hash(name)), name)
    assert await refuse(scene, site, record) is Reason.BAD_CID


async def test_check__performer_is_not_in_the_set__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    evaluation, report = await scene.evaluate(task)
    record = seal(replace(evaluation, performer=STRANGER.operator_id), report)
    assert await refuse(scene, site, record) is Reason.UNKNOWN_OPERATOR


async def test_check__we_are_not_in_the_set__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site(STRANGER)
    assert await refuse(scene, site, await scene.propose(task)) is Reason.UNKNOWN_OPERATOR


async def test_check__we_joined_a_later_set__is_refused(scene: Scene) -> None:
    """The set version of the task counts, not the latest one."""
    task = await scene.open_task()
    scene.chain.seal(seal_operators(*KEYS, STRANGER, version=2))
    assert await refuse(scene, scene.open_site(STRANGER), await scene.propose(task)) is Reason.UNKNOWN_OPERATOR


async def test_check__not_the_attempts_performer__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    evaluation, report = await scene.evaluate(task)
    other = next(keys for keys in KEYS if keys.operator_id != evaluation.performer)
    record = seal(replace(evaluation, performer=other.operator_id), report)
    assert await refuse(scene, site, record) is Reason.WRONG_PERFORMER


async def test_check__another_input__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    evaluation, report = await scene.evaluate(task)
    record = seal(replace(evaluation, input_hash=b"\x01" * 32), report)
    assert await refuse(scene, site, record) is Reason.WRONG_INPUT


async def test_check__seed_block_was_reorganised__is_refused(scene: Scene) -> None:
    """A vote on another seed's input could slash an honest operator."""
    task, site = await scene.open_task(), scene.open_site()
    record = await scene.propose(task)
    await scene.driver.reorganise(CONFIRMATIONS + 1, mined=CONFIRMATIONS + 1)
    reason = await refuse(scene, site, record)
    assert reason in (Reason.WRONG_INPUT, Reason.WRONG_PERFORMER)  # another seed may select another performer


async def test_check__attempt_is_over_by_time__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    record = await scene.propose(task)
    await scene.driver.mine_to(attempt_end(task, Attempt(0)) + 1)
    assert await refuse(scene, site, record) is Reason.WRONG_ATTEMPT


async def test_check__attempt_was_rejected__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    record = await scene.propose(task)
    scene.chain.reject_attempt(task.task_id)
    assert await refuse(scene, site, record) is Reason.WRONG_ATTEMPT


async def test_check__deadline_has_passed__is_refused(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    record = await scene.propose(task)
    await scene.driver.mine_to(task.deadline + 1)
    assert await refuse(scene, site, record) is Reason.WRONG_ATTEMPT


@pytest.mark.parametrize("status", [TaskStatus.SETTLED, TaskStatus.EXPIRED])
async def test_check__task_is_final__is_refused(scene: Scene, status: TaskStatus) -> None:
    task, site = await scene.open_task(), scene.open_site()
    record = await scene.propose(task)
    scene.chain.close_task(task.task_id, status)
    assert await refuse(scene, site, record) is Reason.TASK_CLOSED


# ---- what is tried again


async def test_check__task_is_unknown_here__is_tried_again(scene: Scene) -> None:
    """Our node may be behind the performer's node."""
    task, site = await scene.open_task(), scene.open_site()
    record = await scene.propose(task)
    scene.chain.remove_task(task.task_id)
    with pytest.raises(Retry) as caught:
        await within(site.validator.on_evaluation(deliver(record)))
    assert caught.value.reason is Reason.UNKNOWN_TASK


async def test_check__node_is_unreachable__is_tried_again(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    record = await scene.propose(task)
    scene.chain.is_reachable = False
    with pytest.raises(Retry) as caught:
        await within(site.validator.on_evaluation(deliver(record)))
    assert caught.value.reason is Reason.RPC_UNREACHABLE


async def test_check__seed_is_not_deep_enough_here__waits_for_it(scene: Scene) -> None:
    task = await open_task(scene.chain, scene.files)
    await scene.driver.mine_to(task.seed_block + CONFIRMATIONS - 1)
    site, record = scene.open_site(), await scene.propose(task)
    handling = scene.start(site, record)
    await let_others_run()
    assert not handling.done()
    await scene.driver.mine()
    assert (await within(handling)).approved


async def test_check__our_branch_changes_while_we_wait_for_the_seed__new_input_is_approved(scene: Scene) -> None:
    """The task is read before the wait; what was read may belong to a branch that no longer exists."""
    task = await open_task(scene.chain, scene.files)
    await scene.driver.mine_to(task.seed_block)
    task_input = replace(task.input, champion_cid=await scene.files.add(make_model(100_000)))
    theirs = replace(task, input=task_input, input_root=input_root(task_input))
    site, record = scene.open_site(), await scene.propose(theirs)
    handling = scene.start(site, record)
    await let_others_run()
    scene.chain.put_task(theirs)
    await scene.driver.mine(CONFIRMATIONS)
    assert (await within(handling)).approved


async def test_check__attempt_has_not_begun_here__waits_for_it(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    await scene.driver.mine_to(attempt_end(task, Attempt(0)) - 1)
    record = await scene.propose(task, attempt=1)
    handling = scene.start(site, record)
    await scene.driver.mine()
    assert not handling.done()
    await scene.driver.mine()
    assert (await within(handling)).approved


async def test_check__rejection_not_seen_here__waits_for_it(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    handling = scene.start(site, await scene.propose(task, attempt=1))
    await let_others_run()
    scene.chain.mine()
    scene.chain.reject_attempt(task.task_id)
    await scene.driver.settle()
    assert (await within(handling)).approved


async def test_check__attempt_is_two_ahead__is_refused_at_once(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    assert await refuse(scene, site, await scene.propose(task, attempt=2)) is Reason.WRONG_ATTEMPT


async def test_decide__evaluator_is_busy__comes_back_when_there_is_room(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    site.evaluator.busy = 2
    assert (await scene.vote(site, await scene.propose(task))).approved
    assert site.artefacts.fetched.count(task.input.champion_cid) == 1


# ---- abstain


async def abstain_at_the_end(scene: Scene, site: Site, task: Task, record: Record, *, attempt: int = 0) -> Abstained:
    """Mine to the attempt's last block; check that the answer does not come earlier."""
    handling = scene.start(site, record)
    await scene.driver.mine_to(attempt_end(task, Attempt(attempt)) - 1)
    assert not handling.done()
    await scene.driver.mine()
    message = await within(handling)
    assert isinstance(message, Abstained)
    assert count_recorded(scene) == 0
    return message


async def test_decide__store_stays_unreachable__abstains_when_the_attempt_ends(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    site.artefacts.is_reachable = False
    evaluation, report = await scene.evaluate(task)
    message = await abstain_at_the_end(scene, site, task, seal(evaluation, report))
    assert message.reason == Reason.UNAVAILABLE.code
    assert (message.task_id, message.operator) == (task.task_id, site.keys.operator_id)
    assert message.evaluation_hash == evaluation_hash(evaluation)
    assert count(site.metrics, "abstentions_total", reason="unavailable") == 1


async def test_decide__evaluator_stays_busy__abstains_when_the_attempt_ends(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    site.evaluator.busy = 10**9
    message = await abstain_at_the_end(scene, site, task, await scene.propose(task))
    assert message.reason == Reason.OUT_OF_TIME.code


@pytest.mark.parametrize("attempt", [0, 1])
@pytest.mark.parametrize("name", ["champion_cid", "challenger_cid"])
async def test_decide__artefact_comes_late__is_still_approved(scene: Scene, name: str, attempt: int) -> None:
    task, site = await scene.open_task(), scene.open_site()
    await scene.driver.mine_to(max(scene.chain.head, attempt_begin(task, Attempt(attempt))))
    site.artefacts.missing.add(getattr(task.input, name))
    handling = scene.start(site, await scene.propose(task, attempt=attempt))
    await scene.driver.mine_to(attempt_end(task, Attempt(attempt)) - 2)
    assert not handling.done()
    site.artefacts.missing.clear()
    await scene.driver.mine()
    assert (await within(handling)).approved


async def test_decide__attempt_began_by_a_rejection__abstains_at_its_own_end(scene: Scene) -> None:
    """The attempt's end by time, read before our node saw the rejection, no longer counts."""
    task, site = await scene.open_task(), scene.open_site()
    record = await scene.propose(task, attempt=1)
    site.artefacts.is_reachable = False
    handling = scene.start(site, record)
    await let_others_run()
    scene.chain.mine()
    scene.chain.reject_attempt(task.task_id)
    await scene.driver.settle()
    moved = scene.chain.get_task(task.task_id)
    assert attempt_end(moved, Attempt(1)) < attempt_end(task, Attempt(1))
    await scene.driver.mine_to(attempt_end(moved, Attempt(1)))
    assert isinstance(await within(handling), Abstained)


# ---- UNAVAILABLE


async def test_decide__both_cannot_fetch_the_challenger__approves_from_the_middle_on(scene: Scene) -> None:
    task, site = await scene.open_task(attempt_blocks=20), scene.open_site()
    site.artefacts.missing.add(task.input.challenger_cid)
    handling = scene.start(site, await scene.propose(task, code=Code.UNAVAILABLE))
    middle = (attempt_begin(task, Attempt(0)) + attempt_end(task, Attempt(0)) + 1) // 2
    await scene.driver.mine_to(middle - 1)
    assert not handling.done()
    await scene.driver.mine()
    assert (await within(handling)).approved


async def test_decide__only_we_can_fetch_the_challenger__abstains(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    message = await scene.vote(site, await scene.propose(task, code=Code.UNAVAILABLE))
    assert isinstance(message, Abstained)
    assert message.reason == Reason.UNAVAILABLE.code


async def test_decide__only_the_performer_can_fetch_the_challenger__abstains_when_the_attempt_ends(
    scene: Scene,
) -> None:
    task, site = await scene.open_task(), scene.open_site()
    site.artefacts.missing.add(task.input.challenger_cid)
    message = await abstain_at_the_end(scene, site, task, await scene.propose(task))
    assert message.reason == Reason.UNAVAILABLE.code


async def test_decide__proposed_unavailable_and_we_miss_the_champion__abstains(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    site.artefacts.missing.update({task.input.champion_cid, task.input.challenger_cid})
    message = await abstain_at_the_end(scene, site, task, await scene.propose(task, code=Code.UNAVAILABLE))
    assert message.reason == Reason.UNAVAILABLE.code


# ---- one vote for each input


async def test_vote__same_record_again__gives_the_same_bytes(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    record = await scene.propose(task)
    first = await within(site.validator.on_evaluation(deliver(record)))
    second = await within(scene.restart(site).validator.on_evaluation(deliver(record, offset=1)))
    assert first == second


async def test_vote__performer_proposes_twice__only_the_first_gets_a_vote(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    await scene.vote(site, await scene.propose(task))
    with pytest.raises(Invalid) as caught:
        await scene.vote(site, await scene.propose(task, drift=1))
    assert caught.value.reason is Reason.ALREADY_VOTED
    assert count_recorded(scene) == 1


async def test_vote__restart_after_an_approval__signs_it_again_without_an_evaluation(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    record = await scene.propose(task)
    first = await scene.vote(site, record)
    again = scene.restart(site)
    again.evaluator.drift = 1_000  # an evaluation would end in a rejection
    evaluated = len(again.evaluator.requests)
    assert await scene.vote(again, record) == first
    assert len(again.evaluator.requests) == evaluated


async def test_vote__own_evaluation_changes_after_a_restart__signs_no_second_vote(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    record = await scene.propose(task, drift=1_000)
    assert not (await scene.vote(site, record)).approved
    again = scene.restart(site)
    again.evaluator.drift = 1_000  # now the evaluations agree
    with pytest.raises(Invalid) as caught:
        await scene.vote(again, record)
    assert caught.value.reason is Reason.ALREADY_VOTED


async def test_vote__performer_proposes_something_else_after_a_restart__is_refused_without_an_evaluation(
    scene: Scene,
) -> None:
    task, site = await scene.open_task(), scene.open_site()
    await scene.vote(site, await scene.propose(task))
    again = scene.restart(site)
    evaluated = len(again.evaluator.requests)
    with pytest.raises(Invalid) as caught:
        await scene.vote(again, await scene.propose(task, drift=1))
    assert caught.value.reason is Reason.ALREADY_VOTED
    assert len(again.evaluator.requests) == evaluated


async def test_vote__next_attempt__gets_a_new_vote(scene: Scene) -> None:
    task, site = await scene.open_task(), scene.open_site()
    await scene.vote(site, await scene.propose(task, drift=100))
    scene.chain.reject_attempt(task.task_id)
    await scene.driver.mine()
    message = await scene.vote(site, await scene.propose(task, attempt=1))
    assert isinstance(message, AttestationSigned)
    assert (message.attempt, message.approved) == (1, True)
    assert count_recorded(scene) == 2
