"""An aggregator's state of one task ↔ bytes. Equal states have equal bytes. No other service reads them."""

from google.protobuf.message import DecodeError

from zarathustra.core.aggregation.state import Ballot, HeldSignature, Standing, TaskState
from zarathustra.core.digests import TaskInput, evaluation_hash
from zarathustra.core.errors import Invalid
from zarathustra.core.messages import EvaluationProposed
from zarathustra.core.reasons import Reason
from zarathustra.core.task import Operator, OperatorSet, Task, TaskStatus
from zarathustra.core.types import (
    Attempt,
    BlockNumber,
    BlsPublicKey,
    BlsSignature,
    Bps,
    Cid,
    Micro,
    OperatorId,
    Ppm,
    ProjectId,
    SetVersion,
    Slot,
    SubmissionIndex,
    TaskId,
    Wei,
)
from zarathustra.core.vote import Vote
from zarathustra.v1 import aggregation_pb2 as pb
from zarathustra.wire.codec import decode_as, encode

STAKE_BYTES = 12  # uint96


def encode_state(state: TaskState) -> bytes:
    """Return the state's bytes."""
    message = pb.AggregationState(
        task=_encode_task(state.task),
        set_version=state.operators.version,
        operators=[_encode_operator(operator) for operator in state.operators.operators],
        block=state.block,
        evaluations=[encode(state.evaluations[key]) for key in sorted(state.evaluations)],
        ballots=[_encode_ballot(vote, state.ballots[vote]) for vote in sorted(state.ballots, key=_vote_order)],
        abstained=[
            pb.AggregationAbstention(attempt=attempt, operator=operator)
            for attempt, operator in sorted(state.abstained)
        ],
        stalled=sorted(state.stalled),
        final_since=state.final_since,
        reported=[
            pb.AggregationConflict(operator=operator, input_hash=input_hash)
            for operator, input_hash in sorted(state.reported)
        ],
    )
    return message.SerializeToString(deterministic=True)


def decode_state(data: bytes) -> TaskState:
    """Return the state in `data`. Raises Invalid(UNPARSABLE)."""
    try:
        message = pb.AggregationState.FromString(data)
        return _decode_state(message)
    except (DecodeError, ValueError) as error:
        raise Invalid(Reason.UNPARSABLE, "read aggregation state", cause=error) from error


def _decode_state(message: pb.AggregationState) -> TaskState:
    task = _decode_task(message)
    proposals = [decode_as(EvaluationProposed, data) for data in message.evaluations]
    return TaskState(
        task=task,
        operators=OperatorSet(task.set_version, tuple(_decode_operator(entry) for entry in message.operators)),
        block=BlockNumber(message.block),
        evaluations={
            (proposal.evaluation.attempt, evaluation_hash(proposal.evaluation)): proposal for proposal in proposals
        },
        ballots=dict(_decode_ballot(task.task_id, ballot) for ballot in message.ballots),
        abstained=frozenset((Attempt(mark.attempt), OperatorId(mark.operator)) for mark in message.abstained),
        stalled=frozenset(Attempt(attempt) for attempt in message.stalled),
        final_since=BlockNumber(message.final_since) if message.HasField("final_since") else None,
        reported=frozenset((OperatorId(mark.operator), mark.input_hash) for mark in message.reported),
    )


def _encode_task(task: Task) -> pb.AggregationTask:
    return pb.AggregationTask(
        task_id=task.task_id,
        project_id=task.project_id,
        submission_index=task.submission_index,
        status=task.status,
        attempt=task.attempt,
        attempt_start=task.attempt_start,
        attempt_blocks=task.attempt_blocks,
        max_attempts=task.max_attempts,
        seed_block=task.seed_block,
        deadline=task.deadline,
        quorum_bps=task.quorum_bps,
        input_root=task.input_root,
        architecture_cid=task.input.architecture_cid,
        evaluator_cid=task.input.evaluator_cid,
        champion_cid=task.input.champion_cid,
        challenger_cid=task.input.challenger_cid,
        rounds=task.input.rounds,
        k=task.input.k,
        alpha_ppm=task.input.alpha_ppm,
        tolerance=task.input.tolerance,
    )


def _decode_task(state: pb.AggregationState) -> Task:
    message = state.task
    task_id = TaskId(message.task_id)
    return Task(
        task_id=task_id,
        project_id=ProjectId(message.project_id),
        submission_index=SubmissionIndex(message.submission_index),
        status=TaskStatus(message.status),
        attempt=Attempt(message.attempt),
        attempt_start=BlockNumber(message.attempt_start),
        attempt_blocks=message.attempt_blocks,
        max_attempts=message.max_attempts,
        seed_block=BlockNumber(message.seed_block),
        deadline=BlockNumber(message.deadline),
        quorum_bps=Bps(message.quorum_bps),
        set_version=SetVersion(state.set_version),
        input_root=message.input_root,
        input=TaskInput(
            task_id=task_id,
            architecture_cid=Cid(message.architecture_cid),
            evaluator_cid=Cid(message.evaluator_cid),
            champion_cid=Cid(message.champion_cid),
            challenger_cid=Cid(message.challenger_cid),
            rounds=message.rounds,
            k=message.k,
            alpha_ppm=Ppm(message.alpha_ppm),
            tolerance=Micro(message.tolerance),
        ),
    )


def _encode_operator(operator: Operator) -> pb.AggregationOperator:
    return pb.AggregationOperator(
        slot=operator.slot,
        operator=operator.operator_id,
        stake=operator.stake.to_bytes(STAKE_BYTES, "big"),
        public_key=operator.public_key,
    )


def _decode_operator(message: pb.AggregationOperator) -> Operator:
    return Operator(
        slot=Slot(message.slot),
        operator_id=OperatorId(message.operator),
        stake=Wei(int.from_bytes(message.stake, "big")),
        public_key=BlsPublicKey(message.public_key),
    )


def _encode_ballot(vote: Vote, ballot: Ballot) -> pb.AggregationBallot:
    return pb.AggregationBallot(
        attempt=vote.attempt,
        evaluation_hash=vote.evaluation_hash,
        approved=vote.approved,
        signatures=[
            pb.AggregationSignature(operator=operator, signature=held.signature, standing=held.standing)
            for operator, held in sorted(ballot.signatures.items())
        ],
        collect_until=ballot.collect_until,
        issued_at=ballot.issued_at,
    )


def _decode_ballot(task_id: TaskId, message: pb.AggregationBallot) -> tuple[Vote, Ballot]:
    vote = Vote(task_id, Attempt(message.attempt), message.evaluation_hash, message.approved)
    signatures = {
        OperatorId(entry.operator): HeldSignature(BlsSignature(entry.signature), Standing(entry.standing))
        for entry in message.signatures
    }
    return vote, Ballot(
        signatures,
        collect_until=BlockNumber(message.collect_until) if message.HasField("collect_until") else None,
        issued_at=BlockNumber(message.issued_at) if message.HasField("issued_at") else None,
    )


def _vote_order(vote: Vote) -> tuple[int, bytes, bool]:
    return vote.attempt, vote.evaluation_hash, vote.approved
