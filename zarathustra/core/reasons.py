"""Every way a task, a record or an artefact can fail, in one table.

The code is the same word in the log, the metric, the dead-letter header, the report and the user's message.
Append-only: reports and dead letters keep the codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial


@dataclass(frozen=True)
class ReasonText:
    code: str
    short: str
    long: str
    group: str  # where `docs/reference/reasons.md` lists it


_artefact = partial(ReasonText, group="artefacts")
_architecture = partial(ReasonText, group="architecture")
_parameters = partial(ReasonText, group="parameters")
_evaluation = partial(ReasonText, group="evaluation")
_record = partial(ReasonText, group="records")
_task = partial(ReasonText, group="tasks")
_chain = partial(ReasonText, group="chain")
_service = partial(ReasonText, group="bus, webhook and settings")


class Reason(Enum):
    """`reason.code` is the stable word; `short` fits a table, `long` tells the user what to do."""

    OVERSIZE = _artefact("oversize", "too large", "The artefact is larger than its limit; publish a smaller one.")
    CID_MISMATCH = _artefact("cid_mismatch", "bytes do not match CID", "The fetched bytes hash to another CID.")
    BAD_CID = _artefact("bad_cid", "CID not accepted", "Use CIDv0 or v1, raw or dag-pb, sha2-256.")
    BAD_DAG = _artefact(
        "bad_dag", "file DAG not accepted", "The blocks do not form a plain UnixFS file within the limits."
    )
    UNAVAILABLE = _artefact(
        "unavailable", "cannot be fetched", "No configured node serves the artefact; pin it and try again."
    )
    STORE_FULL = _artefact(
        "store_full",
        "content store is full",
        "The store's quota is used up or its disk is almost full: remove pins, or give it more space.",
    )

    BAD_JSON = _architecture(
        "bad_json", "not the JSON we accept", "The file is not strict JSON: check keys, numbers and nesting."
    )
    BAD_FORMAT = _architecture(
        "bad_format", "unknown format", "The file's `format` is not one that this version evaluates."
    )
    UNKNOWN_OP = _architecture(
        "unknown_op",
        "op not in the table",
        "The architecture uses an op outside the table of `architecture/1`.",
    )
    BAD_ARGUMENT = _architecture(
        "bad_argument", "op argument out of range", "An op has a missing, unknown or out-of-range argument."
    )
    BAD_GRAPH = _architecture(
        "bad_graph", "graph not well-formed", "Node inputs must be earlier ids; ids unique; no dead nodes."
    )
    BAD_SHAPE = _architecture(
        "bad_shape", "shapes do not fit", "Tensor shapes, names or dtypes differ from the architecture's."
    )
    TOO_EXPENSIVE = _architecture(
        "too_expensive",
        "over the work limit",
        "Parameters, FLOPs, activations or total work exceed the limit.",
    )

    BAD_HEADER = _parameters(
        "bad_header", "safetensors header wrong", "The safetensors header is malformed or too long."
    )
    NOT_FINITE = _parameters("not_finite", "NaN or infinity", "A parameter or an output is not a finite number.")
    OUT_OF_RANGE = _parameters(
        "out_of_range", "value out of range", "A parameter or score lies outside its allowed range."
    )

    BAD_EVALUATOR = _evaluation(
        "bad_evaluator", "evaluator not accepted", "The evaluator file is not a valid `evaluator/1`."
    )
    BAD_SCORE = _evaluation(
        "bad_score", "score not usable", "The metric is undefined or outside its range on this data."
    )
    UNSTABLE = _evaluation(
        "unstable", "numerically unstable", "Scores in float32 and float64 differ by more than 1e-4."
    )
    TIMEOUT = _evaluation("timeout", "over time", "The evaluation exceeded its time limit.")
    MEMORY = _evaluation("memory", "over memory", "The evaluation exceeded its memory limit.")
    CRASH = _evaluation("crash", "worker crashed", "The evaluation ended its worker process.")
    EVALUATOR_BUSY = _evaluation(
        "evaluator_busy", "evaluator busy", "The evaluator's queue is full; it will be tried again."
    )
    EVALUATOR_UNREACHABLE = _evaluation(
        "evaluator_unreachable", "evaluator unreachable", "The evaluator service does not answer."
    )
    SANDBOX_UNAVAILABLE = _evaluation(
        "sandbox_unavailable",
        "sandbox unavailable",
        "The evaluator cannot jail its worker; see the message and its README.",
    )

    UNPARSABLE = _record("unparsable", "record cannot be decoded", "The record is not a message of its topic's schema.")
    UNKNOWN_TYPE = _record(
        "unknown_type", "record type unknown", "The record's `type` header names no message of its topic."
    )
    BAD_ENVELOPE = _record(
        "bad_envelope",
        "envelope missing or wrong",
        "The record's operator signature is missing or does not verify.",
    )
    UNKNOWN_OPERATOR = _record(
        "unknown_operator", "operator not in the set", "The signer is not in the task's operator set."
    )
    BAD_SIGNATURE = _record("bad_signature", "signature does not verify", "The BLS or ECDSA signature does not verify.")
    BAD_KEY = _record("bad_key", "key not accepted", "The key is zero, the identity, or outside the subgroup.")
    EARLIER_RECORD_WAITS = _record(
        "earlier_record_waits", "waits for an earlier record", "An earlier record of the same key is tried again first."
    )
    TOO_MANY_RECORDS = _record(
        "too_many_records", "sender over its share", "The operator sent more records in one block than are examined."
    )
    TOO_MANY_FAILURES = _record("too_many_failures", "retries used up", "The record failed on every attempt.")

    UNKNOWN_TASK = _task("unknown_task", "task not on chain", "The operator's own node does not know the task.")
    TASK_CLOSED = _task("task_closed", "task already final", "The task is settled or expired.")
    RETRACTED = _task("retracted", "reorged away", "A chain reorganisation removed the block that opened the task.")
    WRONG_INPUT = _task("wrong_input", "input hash differs", "The proposal is for other artefacts or another seed.")
    WRONG_PERFORMER = _task("wrong_performer", "not the attempt's performer", "Another operator performs this attempt.")
    WRONG_ATTEMPT = _task(
        "wrong_attempt", "not the effective attempt", "The record belongs to an attempt that is over."
    )
    OUT_OF_TIME = _task(
        "out_of_time", "attempt ended first", "This operator did not evaluate before the attempt ended."
    )
    NO_SEED = _task("no_seed", "seed block not there", "The seed block is not yet deep enough on the operator's node.")
    NO_RANDOMNESS = _task(
        "no_randomness",
        "seed block without randomness",
        "The seed block has no PREVRANDAO: it is the first block, or the chain has no beacon chain.",
    )
    REPORT_MISMATCH = _task(
        "report_mismatch",
        "report differs from evaluation",
        "The published report does not state the evaluation.",
    )
    SCORE_MISMATCH = _task(
        "score_mismatch", "scores differ", "The attester's own evaluation differs beyond the tolerance."
    )
    ALREADY_VOTED = _task(
        "already_voted", "other vote already signed", "The vote log has another vote on this attempt."
    )
    LOW_FEE = _task(
        "low_fee",
        "fee below the operator's least",
        "The evaluation fee is lower than MIN_FEE or MIN_TOKEN_FEES, so this performer leaves its attempt out.",
    )
    QUORUM_UNREACHABLE = _task(
        "quorum_unreachable",
        "no quorum in time",
        "Too few operators voted before the attempt's window ended.",
    )

    RPC_UNREACHABLE = _chain("rpc_unreachable", "node unreachable", "No configured RPC endpoint answers.")
    RPC_ERROR = _chain("rpc_error", "node answered an error", "The RPC endpoint refused the call.")
    RPC_TIMEOUT = _chain(
        "rpc_timeout", "node too slow", "The RPC endpoint did not answer within the time limit of one request."
    )
    RATE_LIMITED = _chain(
        "rate_limited", "too many requests", "The RPC endpoint limits the rate of requests; it is asked again later."
    )
    REVERTED = _chain("reverted", "call reverts", "The contract refuses the call; the fact says why.")
    BAD_TICKET = _chain(
        "bad_ticket",
        "ticket not usable",
        "The ticket's file is malformed, is kept already, or belongs to another account or network; see the message.",
    )
    DEEP_FORK = _chain("deep_fork", "fork below finalized", "The chain forked below a finalized block: halt and page.")
    WRONG_DEPLOYMENT = _chain(
        "wrong_deployment",
        "contracts differ from the file",
        "The contracts on chain are not those of the deployment file; get the file again from a source that you trust.",
    )
    MISSING_ROLE = _chain(
        "missing_role",
        "account may not do this",
        "Neither the account nor a timelock to which it can propose may do this; see `zarathustra admin roles`.",
    )
    NOT_SCHEDULED = _chain(
        "not_scheduled",
        "operation not in this state",
        "The timelock has no such operation waiting; `zarathustra admin operations` shows those that it has.",
    )
    TOO_EARLY = _chain("too_early", "delay not over", "The timelock's delay is not over; run it from the time shown.")
    LOW_BALANCE = _chain(
        "low_balance",
        "account holds too little",
        "The account holds less of the project's token than this takes. Nothing was sent: get the token and try again.",
    )
    NOT_APPROVED = _chain(
        "not_approved",
        "token gave no allowance",
        "The token took the approval, but the contract still may not take the amount; this token cannot be used.",
    )

    BUS_UNREACHABLE = _service("bus_unreachable", "Kafka unreachable", "The Kafka brokers do not answer.")
    INCOMPLETE_REQUEST = _service(
        "incomplete_request",
        "request did not arrive",
        "The request's body stopped, came slower than 1 MiB/s or is malformed; send it again.",
    )
    WEBHOOK_FAILED = _service(
        "webhook_failed", "webhook not delivered", "The webhook's receiver refused or did not answer."
    )
    UNREADABLE = _service(
        "unreadable",
        "file cannot be read",
        "The file is missing, is no plain file, or may not be read; see the message.",
    )
    BAD_SETTING = _service(
        "bad_setting", "setting missing or wrong", "A setting is missing, malformed or unknown; see the message."
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

    @property
    def group(self) -> str:
        return self.value.group

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
