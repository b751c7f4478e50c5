"""Digests refuse values that an encoder would pad or cut: two different values must never have the same hash."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.kit.chain.deployment import DOMAIN
from tests.kit.signing.values import INPUT_HASH, make_evaluation, make_vote
from zarathustra.core import digests
from zarathustra.core.digests import Domain, TaskInput
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import (
    Address,
    Attempt,
    BlockHash,
    Cid,
    Micro,
    OperatorId,
    Ppm,
    ProjectId,
    Seed,
    SubmissionIndex,
    TaskId,
)
from zarathustra.core.vote import Vote

pytestmark = pytest.mark.unit

OPERATOR = OperatorId(b"\x0a" * 20)
CONTRACT = Address(b"\x0c" * 20)
TASK = TaskId(b"\x07" * 32)
INPUT = TaskInput(TASK, Cid("a"), Cid("b"), Cid("c"), Cid("d"), 32, 0, Ppm(10_000), Micro(2))

SHORT = b"\x01" * 31
LONG = b"\x01" * 33
WRONG_LENGTHS: dict[str, Callable[[bytes], object]] = {
    "vote task": lambda value: Vote(TaskId(value), Attempt(0), INPUT_HASH, True),
    "vote evaluation": lambda value: Vote(TASK, Attempt(0), value, True),
    "payload hash": lambda value: digests.envelope_digest(DOMAIN, "topic", value, OPERATOR),
    "envelope operator": lambda value: digests.envelope_digest(DOMAIN, "topic", INPUT_HASH, OperatorId(value)),
    "key hash": lambda value: digests.possession_digest(DOMAIN, CONTRACT, OPERATOR, value),
    "possession operator": lambda value: digests.possession_digest(DOMAIN, CONTRACT, OperatorId(value), INPUT_HASH),
    "possession owner": lambda value: digests.possession_digest(DOMAIN, Address(value), OPERATOR, INPUT_HASH),
    "key": digests.key_hash,
    "domain": lambda value: Domain(1, Address(value)),
    "separator": lambda value: digests.domain_separator(1, Address(value)),
    "task contract": lambda value: digests.task_id(1, Address(value), ProjectId(1), SubmissionIndex(0), 0),
    "input task": lambda value: replace(INPUT, task_id=TaskId(value)),
    "input root": lambda value: digests.input_hash(value, Seed(INPUT_HASH)),
    "input seed": lambda value: digests.input_hash(INPUT_HASH, Seed(value)),
    "block hash": lambda value: digests.seed(BlockHash(value), 1, CONTRACT, TASK),
    "seed task": lambda value: digests.seed(BlockHash(INPUT_HASH), 1, CONTRACT, TaskId(value)),
    "salt": lambda value: digests.commitment(1, CONTRACT, ProjectId(1), CONTRACT, Cid("c"), value),
    "contributor": lambda value: digests.commitment(1, CONTRACT, ProjectId(1), Address(value), Cid("c"), TASK),
}


@pytest.mark.parametrize("value", [b"", SHORT, LONG], ids=["empty", "short", "long"])
@pytest.mark.parametrize("name", WRONG_LENGTHS)
def test_digest__value_of_wrong_length__is_refused(name: str, value: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        WRONG_LENGTHS[name](value)
    assert caught.value.reason is Reason.UNPARSABLE


@pytest.mark.parametrize("chain_id", [0, -1, 2**256])
def test_domain__chain_id_out_of_range__is_refused(chain_id: int) -> None:
    with pytest.raises(Invalid):
        Domain(chain_id, CONTRACT)


@pytest.mark.parametrize("attempt", [-1, 256])
def test_vote__attempt_out_of_range__is_refused(attempt: int) -> None:
    with pytest.raises(Invalid):
        Vote(TASK, Attempt(attempt), INPUT_HASH, True)


@pytest.mark.parametrize(
    "change",
    [
        {"champion_cid": Cid("c" * 65)},
        {"rounds": 2**16},
        {"k": 2**32},
        {"alpha_ppm": Ppm(-1)},
        {"tolerance": Micro(2**32)},
    ],
)
def test_task_input__field_out_of_range__is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        replace(INPUT, **change)  # type: ignore[arg-type]


def test_vote_digest__other_chain_or_contract__differs() -> None:
    vote = make_vote()
    here = digests.vote_digest(DOMAIN, vote)
    assert digests.vote_digest(replace(DOMAIN, chain_id=1), vote) != here
    assert digests.vote_digest(replace(DOMAIN, verifying_contract=CONTRACT), vote) != here


@pytest.mark.parametrize(
    "change",
    [
        {"task_id": TASK},
        {"attempt": 1},
        {"performer": OPERATOR},
        {"input_hash": b"\x02" * 32},
        {"code": 2},
        {"champion_score": -900_000},
        {"challenger_score": 900_001},
        {"gain_lower_bound": 5},
        {"report_hash": b"\x03" * 32},
    ],
    ids=lambda change: next(iter(change)),
)
def test_evaluation_hash__one_field_changed__differs(change: dict[str, object]) -> None:
    evaluation = make_evaluation(OperatorId(b"\x0b" * 20))
    changed = replace(evaluation, **change)  # type: ignore[arg-type]
    assert digests.evaluation_hash(changed) != digests.evaluation_hash(evaluation)


@pytest.mark.parametrize(
    "change",
    [
        {"task_id": b"\x08" * 32},
        {"architecture_cid": "x"},
        {"evaluator_cid": "x"},
        {"champion_cid": "x"},
        {"challenger_cid": "x"},
        {"rounds": 1},
        {"k": 1},
        {"alpha_ppm": 1},
        {"tolerance": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_input_root__one_field_changed__differs(change: dict[str, object]) -> None:
    assert digests.input_root(replace(INPUT, **change)) != digests.input_root(INPUT)  # type: ignore[arg-type]


def test_input_root__champion_and_challenger_swapped__differs() -> None:
    swapped = replace(INPUT, champion_cid=INPUT.challenger_cid, challenger_cid=INPUT.champion_cid)
    assert digests.input_root(swapped) != digests.input_root(INPUT)
