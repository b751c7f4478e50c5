"""Every way a task, a record or an artefact can fail, in one table.

The code is the same word in the log, the metric, the dead-letter header, the report and the user's message.
Append-only: codes are stored in reports and dead letters for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class ReasonText:
    code: str
    short: str
    long: str


class Reason(Enum):
    """`reason.code` is the stable word; `short` fits a table, `long` tells the user what to do."""

    # artefacts
    OVERSIZE = ReasonText("oversize", "too large", "The artefact is larger than its limit; publish a smaller one.")
    CID_MISMATCH = ReasonText("cid_mismatch", "bytes do not match CID", "The fetched bytes hash to another CID.")
    BAD_CID = ReasonText("bad_cid", "CID not accepted", "Use CIDv0 or v1, raw or dag-pb, sha2-256.")
    BAD_DAG = ReasonText(
        "bad_dag", "file DAG not accepted", "The blocks do not form a plain UnixFS file within the limits."
    )
    UNAVAILABLE = ReasonText(
        "unavailable", "cannot be fetched", "No configured node serves the artefact; pin it and try again."
    )
    # architecture
    BAD_JSON = ReasonText(
        "bad_json", "not the JSON we accept", "The file is not strict JSON: check keys, numbers and nesting."
    )
    BAD_FORMAT = ReasonText(
        "bad_format", "unknown format", "The file's `format` is not one that this version evaluates."
    )
    UNKNOWN_OP = ReasonText(
        "unknown_op",
        "op not in the table",
        "The architecture uses an op outside the table of `architecture/1`.",
    )
    BAD_ARGUMENT = ReasonText(
        "bad_argument", "op argument out of range", "An op has a missing, unknown or out-of-range argument."
    )
    BAD_GRAPH = ReasonText(
        "bad_graph", "graph not well-formed", "Node inputs must be earlier ids; ids unique; no dead nodes."
    )
    BAD_SHAPE = ReasonText(
        "bad_shape", "shapes do not fit", "Tensor shapes, names or dtypes differ from the architecture's."
    )
    TOO_EXPENSIVE = ReasonText(
        "too_expensive",
        "over the work limit",
        "Parameters, FLOPs, activations or total work exceed the limit.",
    )
    # parameters
    BAD_HEADER = ReasonText(
        "bad_header", "safetensors header wrong", "The safetensors header is malformed or too long."
    )
    NOT_FINITE = ReasonText("not_finite", "NaN or infinity", "A parameter or an output is not a finite number.")
    OUT_OF_RANGE = ReasonText(
        "out_of_range", "value out of range", "A parameter or score lies outside its allowed range."
    )
    # evaluation
    BAD_EVALUATOR = ReasonText(
        "bad_evaluator", "evaluator not accepted", "The evaluator file is not a valid `evaluator/1`."
    )
    BAD_SCORE = ReasonText(
        "bad_score", "score not usable", "The metric is undefined or outside its range on this data."
    )
    UNSTABLE = ReasonText("unstable", "numerically unstable", "Scores in float32 and float64 differ by more than 1e-4.")
    TIMEOUT = ReasonText("timeout", "over time", "The evaluation exceeded its time limit.")
    MEMORY = ReasonText("memory", "over memory", "The evaluation exceeded its memory limit.")
    CRASH = ReasonText("crash", "worker crashed", "The evaluation ended its worker process.")
    EVALUATOR_BUSY = ReasonText(
        "evaluator_busy", "evaluator busy", "The evaluator's queue is full; it will be tried again."
    )
    EVALUATOR_UNREACHABLE = ReasonText(
        "evaluator_unreachable", "evaluator unreachable", "The evaluator service does not answer."
    )
    SANDBOX_UNAVAILABLE = ReasonText(
        "sandbox_unavailable",
        "sandbox unavailable",
        "The evaluator cannot jail its worker; see the message and its README.",
    )
    # records
    UNPARSABLE = ReasonText(
        "unparsable", "record cannot be decoded", "The record is not a message of its topic's schema."
    )
    UNKNOWN_TYPE = ReasonText(
        "unknown_type", "record type unknown", "The record's `type` header names no message of its topic."
    )
    BAD_ENVELOPE = ReasonText(
        "bad_envelope",
        "envelope missing or wrong",
        "The record's operator signature is missing or does not verify.",
    )
    UNKNOWN_OPERATOR = ReasonText(
        "unknown_operator", "operator not in the set", "The signer is not in the task's operator set."
    )
    BAD_SIGNATURE = ReasonText(
        "bad_signature", "signature does not verify", "The BLS or ECDSA signature does not verify."
    )
    BAD_KEY = ReasonText("bad_key", "key not accepted", "The key is zero, the identity, or outside the subgroup.")
    TOO_MANY_FAILURES = ReasonText("too_many_failures", "retries used up", "The record failed on every attempt.")
    # tasks
    UNKNOWN_TASK = ReasonText("unknown_task", "task not on chain", "The operator's own node does not know the task.")
    TASK_CLOSED = ReasonText("task_closed", "task already final", "The task is settled or expired.")
    RETRACTED = ReasonText(
        "retracted", "reorged away", "A chain reorganisation removed the block that opened the task."
    )
    WRONG_INPUT = ReasonText(
        "wrong_input", "input hash differs", "The proposal is for other artefacts or another seed."
    )
    WRONG_PERFORMER = ReasonText(
        "wrong_performer", "not the attempt's performer", "Another operator performs this attempt."
    )
    WRONG_ATTEMPT = ReasonText(
        "wrong_attempt", "not the effective attempt", "The record belongs to an attempt that is over."
    )
    NO_SEED = ReasonText(
        "no_seed", "seed block not there", "The seed block is not yet deep enough on the operator's node."
    )
    REPORT_MISMATCH = ReasonText(
        "report_mismatch",
        "report differs from evaluation",
        "The published report does not state the evaluation.",
    )
    SCORE_MISMATCH = ReasonText(
        "score_mismatch", "scores differ", "The attester's own evaluation differs beyond the tolerance."
    )
    ALREADY_VOTED = ReasonText(
        "already_voted", "other vote already signed", "The signer already voted otherwise on this attempt."
    )
    QUORUM_UNREACHABLE = ReasonText(
        "quorum_unreachable",
        "no quorum in time",
        "Too few operators voted before the attempt's window ended.",
    )
    # chain
    RPC_UNREACHABLE = ReasonText("rpc_unreachable", "node unreachable", "No configured RPC endpoint answers.")
    RPC_ERROR = ReasonText("rpc_error", "node answered an error", "The RPC endpoint refused the call.")
    REVERTED = ReasonText("reverted", "call reverts", "The contract refuses the call; the fact says why.")
    DEEP_FORK = ReasonText(
        "deep_fork", "fork below finalized", "The chain forked below a finalized block: halt and page."
    )
    # bus and people
    BUS_UNREACHABLE = ReasonText("bus_unreachable", "Kafka unreachable", "The Kafka brokers do not answer.")
    WEBHOOK_FAILED = ReasonText(
        "webhook_failed", "webhook not delivered", "The webhook's receiver refused or did not answer."
    )
    BAD_SETTING = ReasonText(
        "bad_setting", "setting missing or wrong", "A setting is missing or malformed; see the message."
    )

    @property
    def code(self) -> str:
        return self.value.code

    @property
    def short(self) -> str:
        return self.value.short

    @property
    def long(self) -> str:
        return self.value.long

    @classmethod
    def from_code(cls, code: str) -> "Reason":
        """The reason with that code. Raises KeyError."""
        return _BY_CODE[code]


def index_by_code(reasons: Mapping[str, Reason]) -> Mapping[str, Reason]:
    """The reasons by code; names, aliases included, lead to reasons. Raises ValueError when two share a code."""
    by_code: dict[str, Reason] = {}
    for name, reason in reasons.items():
        first = by_code.setdefault(reason.code, reason)
        if first.name != name:
            raise ValueError(f"{first.name} and {name} share the reason code {reason.code}")
    return by_code


_BY_CODE = index_by_code(Reason.__members__)
