"""One example of every message. Run it to write `wire.json`, but only on purpose: old records must stay readable."""

import dataclasses
import json
from enum import IntEnum
from pathlib import Path
from typing import Any, get_args, get_type_hints

from zarathustra.core import events, messages
from zarathustra.core.outcomes import Code
from zarathustra.core.types import Attempt, BlsSignature, Cid, EcdsaSignature, Evaluation, Micro, OperatorId, TaskId
from zarathustra.wire.codec import encode

_LENGTHS = {"operator": 20, "owner": 20, "rewards_receiver": 20, "to": 20, "pointer": 20, "bls_key": 128}
_LENGTHS |= {
    "signing_key": 20,
    "disputer": 20,
    "performer": 20,
    "aggregator": 20,
    "contributor": 20,
    "token": 20,
    "account": 20,
    "guardian": 20,
}
_BIG = {"stake", "amount", "total_stake", "signed_stake", "pool", "budget", "bitmap", "culprits"}
_BIG |= {"max_reward", "reward_rate", "bond", "fee"}


def _make_fact(fact_class: type) -> Any:
    """Build a fact whose fields are all different and not zero."""
    values: dict[str, Any] = {}
    hints = get_type_hints(fact_class)
    for number, field in enumerate(dataclasses.fields(fact_class), start=1):
        kind = hints[field.name]
        while hasattr(kind, "__supertype__"):
            kind = kind.__supertype__
        if kind is bytes:
            values[field.name] = bytes([number]) * _LENGTHS.get(field.name, 32)
        elif kind is str:
            values[field.name] = f"bafk{number}"
        elif kind is bool:
            values[field.name] = True
        elif dataclasses.is_dataclass(kind) and isinstance(kind, type):
            values[field.name] = _make_fact(kind)
        elif isinstance(kind, type) and issubclass(kind, IntEnum):
            values[field.name] = kind(1)
        else:
            values[field.name] = 10**20 + number if field.name in _BIG else number
    return fact_class(**values)


def _make_event(fact: events.Fact) -> events.ChainEvent:
    return events.ChainEvent(31_337, 7, b"\xb1" * 32, b"\x7a" * 32, 3, 1, fact)  # type: ignore[arg-type]


EVALUATION = Evaluation(
    task_id=TaskId(b"\x11" * 32),
    attempt=Attempt(2),
    performer=OperatorId(b"\x22" * 20),
    input_hash=b"\x33" * 32,
    code=Code.VALID,
    champion_score=Micro(-5),
    challenger_score=Micro(999_999),
    gain_lower_bound=Micro(-(2**62)),
    report_hash=b"\x44" * 32,
)
PROPOSAL = messages.EvaluationProposed(EVALUATION, Cid("bafkreport"), EcdsaSignature(b"\x55" * 65))

EXAMPLES: dict[str, Any] = {fact.__name__: _make_event(_make_fact(fact)) for fact in get_args(events.Fact)} | {
    "Retracted": events.Retracted(_make_event(_make_fact(events.TaskOpened))),
    "EvaluationProposed": PROPOSAL,
    "AttestationSigned": messages.AttestationSigned(
        EVALUATION.task_id,
        Attempt(2),
        b"\x66" * 32,
        True,
        OperatorId(b"\x77" * 20),
        b"\x88" * 96,
        "",  # type: ignore[arg-type]
    ),
    "Abstained": messages.Abstained(
        EVALUATION.task_id, Attempt(2), b"\x66" * 32, OperatorId(b"\x77" * 20), "unavailable"
    ),
    "CertificateIssued": messages.CertificateIssued(PROPOSAL, True, 1, 2**127 + 5, b"\x99" * 96),  # type: ignore[arg-type]
    "CertificatePosted": messages.CertificatePosted(
        EVALUATION.task_id, Attempt(2), True, b"\xaa" * 32, 99, 300_000, OperatorId(b"\x77" * 20)
    ),
    "ConflictFound": messages.ConflictFound(
        OperatorId(b"\x77" * 20),
        messages.CastVote(EVALUATION, True, BlsSignature(b"\x88" * 96)),
        messages.CastVote(EVALUATION, False, BlsSignature(b"\x99" * 96)),
    ),
    "TaskStalled": messages.TaskStalled(EVALUATION.task_id, Attempt(2), "quorum_unreachable"),
}

if __name__ == "__main__":
    golden = {name: encode(value).hex() for name, value in sorted(EXAMPLES.items())}
    Path(__file__).with_name("wire.json").write_text(json.dumps(golden, indent=2, sort_keys=True) + "\n")
