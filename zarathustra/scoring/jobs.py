"""Scoring jobs and answers, as bytes between the evaluator service and its jailed worker. Little-endian.

job      architecture u32 | evaluator u32 | parameters u32 | rounds u16 | seed 32 B | the three files
answer   {"scores": [integer, …]}  or  {"reason": "<code>"}
greeting {"versions": {…}}         or  {"message": "the cause"}
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import MAX_SCORE_MICRO, Micro, Seed
from zarathustra.formats.strict_json import parse_object
from zarathustra.sandbox.frames import MAX_ANSWER_BYTES

JOB_HEADER = struct.Struct("<IIIH32s")

# The reasons that a worker may give for a model without scores. TIMEOUT is missing: only the parent measures time.
WORKER_REASONS = frozenset(
    {
        Reason.OVERSIZE, Reason.BAD_JSON, Reason.BAD_FORMAT, Reason.UNKNOWN_OP, Reason.BAD_ARGUMENT, Reason.BAD_GRAPH,
        Reason.BAD_SHAPE, Reason.TOO_EXPENSIVE, Reason.BAD_HEADER, Reason.NOT_FINITE, Reason.OUT_OF_RANGE,
        Reason.BAD_EVALUATOR, Reason.BAD_SCORE, Reason.UNSTABLE, Reason.MEMORY, Reason.CRASH,
    }
)  # fmt: skip


@dataclass(frozen=True)
class ScoringJob:
    """One scoring job: a model, and the data to score it on."""

    architecture: bytes
    evaluator: bytes
    parameters: bytes
    rounds: int
    seed: Seed


@dataclass(frozen=True)
class Versions:
    """The versions that computed the scores. The report states them, to explain why two operators differ."""

    torch: str
    numpy: str
    cpu: str


def encode_job(job: ScoringJob) -> tuple[bytes, ...]:
    """Encode the job in parts, so that the files are not copied."""
    header = JOB_HEADER.pack(len(job.architecture), len(job.evaluator), len(job.parameters), job.rounds, job.seed)
    return header, job.architecture, job.evaluator, job.parameters


def read_job(read: Callable[[int], bytes]) -> ScoringJob:
    """Read the next job. `read` must return exactly the number of bytes that it is asked for."""
    *lengths, rounds, seed = JOB_HEADER.unpack(read(JOB_HEADER.size))
    architecture, evaluator, parameters = (read(length) for length in lengths)
    return ScoringJob(architecture, evaluator, parameters, rounds, Seed(seed))


def parse_scores(body: bytes, rounds: int) -> tuple[Micro, ...]:
    """Parse the scores in an answer. Raises Invalid with the worker's reason, or CRASH if the answer is malformed."""
    answer = _parse_answer(body)
    scores = answer.get("scores")
    if isinstance(scores, list) and len(scores) == rounds and all(_is_score(score) for score in scores):
        return tuple(scores)

    named = {reason.code: reason for reason in WORKER_REASONS}
    reason = named.get(str(answer.get("reason")))
    if reason is None:
        raise Invalid(Reason.CRASH, "the worker's answer is malformed")
    raise Invalid(reason, "score model")


def parse_versions(body: bytes) -> Versions:
    """Parse the worker's greeting. Raises Retry(SANDBOX_UNAVAILABLE) if it is malformed or the jail failed."""
    try:
        answer = parse_object(body, max_bytes=MAX_ANSWER_BYTES)
    except Invalid as error:
        raise Retry(Reason.SANDBOX_UNAVAILABLE, "parse the worker's greeting") from error
    match answer:
        case {"versions": {"torch": str(torch), "numpy": str(numpy), "cpu": str(cpu)}}:
            return Versions(torch[:64], numpy[:64], cpu[:64])
        case {"message": str(message)}:
            raise Retry(Reason.SANDBOX_UNAVAILABLE, message[:200])
    raise Retry(Reason.SANDBOX_UNAVAILABLE, "the worker's greeting is malformed")


def _parse_answer(body: bytes) -> dict[str, object]:
    try:
        return parse_object(body, max_bytes=MAX_ANSWER_BYTES)
    except Invalid as error:  # its reason would look like the worker's own reason
        raise Invalid(Reason.CRASH, "parse the worker's answer") from error


def _is_score(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_SCORE_MICRO
