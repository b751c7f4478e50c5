"""What the service and its jailed worker say to each other over a socket pair. Little-endian, length first.

    job      architecture u32 | evaluator u32 | parameters u32 | rounds u16 | seed 32 B | the three files
    answer   length u32 | JSON: {"scores": [integer, …]}  or  {"reason": "<code>"}
    greeting length u32 | JSON: {"versions": {…}}  or  {"message": "why not"}; sent once, when jailed

The parent trusts no answer: after a hostile model the worker may be anyone's.
"""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import MAX_SCORE_MICRO, Micro, Seed
from zarathustra.evaluation.strict_json import parse_object

JOB_HEADER = struct.Struct("<IIIH32s")
ANSWER_HEADER = struct.Struct("<I")
MAX_ANSWER_BYTES = 4096  # 128 scores of 11 digits and signs fit; a flood does not

# What a worker may accuse a model of. `timeout` and `crash` are for the parent to see.
WORKER_REASONS = frozenset(
    {
        Reason.OVERSIZE, Reason.BAD_JSON, Reason.BAD_FORMAT, Reason.UNKNOWN_OP, Reason.BAD_ARGUMENT, Reason.BAD_GRAPH,
        Reason.BAD_SHAPE, Reason.TOO_EXPENSIVE, Reason.BAD_HEADER, Reason.NOT_FINITE, Reason.OUT_OF_RANGE,
        Reason.BAD_EVALUATOR, Reason.BAD_SCORE, Reason.UNSTABLE, Reason.MEMORY, Reason.CRASH,
    }
)  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One model to score."""

    architecture: bytes
    evaluator: bytes
    parameters: bytes
    rounds: int
    seed: Seed


@dataclass(frozen=True)
class Versions:
    """What computed the scores; in the report, for the day two operators differ."""

    torch: str
    numpy: str
    cpu: str


def encode_job_header(job: Job) -> bytes:
    return JOB_HEADER.pack(len(job.architecture), len(job.evaluator), len(job.parameters), job.rounds, job.seed)


def encode_answer(content: Mapping[str, object]) -> bytes:
    body = json.dumps(content, separators=(",", ":")).encode()
    return ANSWER_HEADER.pack(len(body)) + body


def parse_scores(body: bytes, rounds: int) -> tuple[Micro, ...]:
    """The scores in an answer. Raises Invalid with the worker's reason; CRASH if it is no answer at all."""
    answer = _parse_answer(body)
    scores = answer.get("scores")
    if isinstance(scores, list) and len(scores) == rounds and all(_is_score(score) for score in scores):
        return tuple(scores)

    named = {reason.code: reason for reason in WORKER_REASONS}
    reason = named.get(str(answer.get("reason")))
    if reason is None:
        raise Invalid(Reason.CRASH, "the worker's answer is none")
    raise Invalid(reason, "score model")


def parse_versions(body: bytes) -> Versions:
    """The worker's greeting. Raises Retry(SANDBOX_UNAVAILABLE) if it could not be jailed."""
    answer = parse_object(body, max_bytes=MAX_ANSWER_BYTES)
    match answer:
        case {"versions": {"torch": str(torch), "numpy": str(numpy), "cpu": str(cpu)}}:
            return Versions(torch[:64], numpy[:64], cpu[:64])
        case {"message": str(message)}:
            raise Retry(Reason.SANDBOX_UNAVAILABLE, message[:200])
    raise Retry(Reason.SANDBOX_UNAVAILABLE, "the worker's greeting is none")


def _parse_answer(body: bytes) -> dict[str, object]:
    try:
        return parse_object(body, max_bytes=MAX_ANSWER_BYTES)
    except Invalid as error:  # its reason would read as the worker's verdict on the model
        raise Invalid(Reason.CRASH, "parse the worker's answer") from error


def _is_score(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_SCORE_MICRO
