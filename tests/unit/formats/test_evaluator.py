"""The declarative evaluator: parsing, drawing, targets, and the work budget."""

import json
from typing import Any

import numpy as np
import pytest

from tests.kit.scoring.artefacts import SQUARE, architecture, evaluator, node
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.architecture import parse_architecture
from zarathustra.formats.evaluator import MAX_ROUNDS, parse_evaluator, validate_work
from zarathustra.formats.limits import MAX_EVALUATOR_BYTES

pytestmark = pytest.mark.unit

INPUTS = parse_architecture(SQUARE).inputs


def refused(raw: bytes) -> Reason:
    with pytest.raises(Invalid) as caught:
        parse_evaluator(raw)
    return caught.value.reason


def with_input(**generator: Any) -> bytes:
    return evaluator(inputs={"x": generator})


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"def evaluate(model, rng): ...", Reason.BAD_JSON),
        (b" " * (MAX_EVALUATOR_BYTES + 1), Reason.OVERSIZE),
        (evaluator(format="evaluator/9"), Reason.BAD_FORMAT),
        (evaluator(more=1), Reason.BAD_JSON),
        (evaluator(inputs=[]), Reason.BAD_JSON),
        (evaluator(inputs={"x": 1}), Reason.BAD_JSON),
        (evaluator(metric="loss"), Reason.BAD_EVALUATOR),
        (evaluator(metric=["r2"]), Reason.BAD_EVALUATOR),
        (evaluator(target=3), Reason.BAD_EVALUATOR),
        (evaluator(target="z*z"), Reason.BAD_EVALUATOR),
        (evaluator(target="import os"), Reason.BAD_EVALUATOR),
        (evaluator(samples=255), Reason.BAD_EVALUATOR),
        (evaluator(samples=65_537), Reason.BAD_EVALUATOR),
        (evaluator(samples=1024.0), Reason.BAD_EVALUATOR),
        (evaluator(samples=True), Reason.BAD_EVALUATOR),
        (with_input(generator="urandom", low=0, high=1), Reason.BAD_EVALUATOR),
        (with_input(generator="uniform", low=1, high=1), Reason.BAD_EVALUATOR),
        (with_input(generator="uniform", low=0), Reason.BAD_JSON),
        (with_input(generator="uniform", low=0, high=2e6), Reason.BAD_EVALUATOR),
        (with_input(generator="uniform", low=0, high="1"), Reason.BAD_EVALUATOR),
        (with_input(generator="normal", mean=0, std=0), Reason.BAD_EVALUATOR),
        (with_input(generator="normal", low=0, high=1), Reason.BAD_JSON),
        (with_input(generator="integers", low=0, high=1.5), Reason.BAD_EVALUATOR),
        (with_input(generator="integers", low=2, high=1), Reason.BAD_EVALUATOR),
        (with_input(generator="grid", low=0, high=0), Reason.BAD_EVALUATOR),
    ],
)
def test_parse__wrong_file__is_refused(raw: bytes, reason: Reason) -> None:
    assert refused(raw) is reason


def test_parse__samples_left_out__are_1024() -> None:
    document = json.loads(evaluator())
    del document["samples"]
    assert parse_evaluator(json.dumps(document).encode()).samples == 1024


@pytest.mark.parametrize(
    ("generator", "low", "high", "mean"),
    [
        ({"generator": "uniform", "low": -2, "high": 4}, -2, 4, 1),
        ({"generator": "normal", "mean": 5, "std": 0.5}, 2, 8, 5),
        ({"generator": "integers", "low": 0, "high": 9}, 0, 9, 4.5),
        ({"generator": "grid", "low": 0, "high": 1}, 0, 1, 0.5),
    ],
)
def test_draw__generator__fills_its_range(generator: dict[str, Any], low: float, high: float, mean: float) -> None:
    parsed = parse_evaluator(evaluator(inputs={"x": generator}, samples=4096))
    values = parsed.draw(INPUTS, bytes(32))["x"]
    assert values.shape == (4096, 1)
    assert low <= values.min() <= low + (high - low) / 4
    assert high - (high - low) / 4 <= values.max() <= high
    assert values.mean() == pytest.approx(mean, abs=0.2)


def test_draw__same_sub_seed__same_samples_and_no_other() -> None:
    parsed = parse_evaluator(evaluator())
    first, again = parsed.draw(INPUTS, bytes(32))["x"], parsed.draw(INPUTS, bytes(32))["x"]
    other = parsed.draw(INPUTS, b"\x01" + bytes(31))["x"]
    np.testing.assert_array_equal(first, again)
    assert not np.isin(first, other).any()


def test_draw__grid__is_evenly_spaced_and_shifts_with_the_round() -> None:
    parsed = parse_evaluator(with_input(generator="grid", low=0, high=1))
    first, other = parsed.draw(INPUTS, bytes(32))["x"], parsed.draw(INPUTS, b"\x01" * 32)["x"]
    np.testing.assert_allclose(np.diff(first[:, 0]), 1 / 256, rtol=1e-9)
    assert first[0, 0] != other[0, 0]


def test_compute_target__square__is_the_square() -> None:
    parsed = parse_evaluator(evaluator())
    samples = parsed.draw(INPUTS, bytes(32))
    np.testing.assert_array_equal(parsed.compute_target(samples), samples["x"] ** 2)


def test_compute_target__constant__has_a_row_for_every_sample() -> None:
    parsed = parse_evaluator(evaluator(target="1"))
    assert parsed.compute_target(parsed.draw(INPUTS, bytes(32))).shape == (256, 1)


@pytest.mark.parametrize("target", ["log(x)", "1/(x-x)", "sqrt(x)"])
def test_compute_target__not_finite__is_refused(target: str) -> None:
    parsed = parse_evaluator(evaluator(target=target))
    with pytest.raises(Invalid) as caught:
        parsed.compute_target(parsed.draw(INPUTS, bytes(32)))
    assert caught.value.reason is Reason.BAD_SCORE


def refuse_work(raw_architecture: bytes, raw_evaluator: bytes, rounds: int) -> str:
    try:
        validate_work(parse_architecture(raw_architecture), parse_evaluator(raw_evaluator), rounds)
    except Invalid as error:
        return error.message
    return ""


def wide(width: int) -> bytes:
    nodes = [node("h", "Linear", "x", in_features=1, out_features=width)]
    nodes += [node(f"h{i}", "Linear", "h", in_features=width, out_features=1) for i in range(2)]
    return architecture([*nodes, node("y", "Add", "h0", "h1")])


def deep(length: int) -> bytes:
    chain = [node(f"n{i}", "ReLU", f"n{i - 1}" if i else "x") for i in range(length)]
    return architecture([*chain, node("y", "ReLU", f"n{length - 1}")])


BROAD = architecture([node("y", "ReLU", "x")], inputs=[{"id": "x", "shape": [40]}])
TWO_OUTPUTS = architecture([node("y", "ReLU", "x"), node("z", "ReLU", "x")], outputs=["y", "z"])
TOKENS = architecture(
    [node("e", "Embedding", "x", num_embeddings=4, embedding_dim=1), node("y", "Flatten", "e")],
    inputs=[{"id": "x", "shape": [1], "dtype": "int64"}],
)

TWO_TABLES = architecture(
    [
        node("e", "Embedding", "x", num_embeddings=4, embedding_dim=1),
        node("f", "Embedding", "x", num_embeddings=3, embedding_dim=1),
        node("s", "Add", "e", "f"),
        node("y", "Flatten", "s"),
    ],
    inputs=[{"id": "x", "shape": [1], "dtype": "int64"}],
)
NO_ROW = "integers are drawn that name no row of an Embedding"


@pytest.mark.parametrize(
    ("raw_architecture", "raw_evaluator", "rounds", "expected"),
    [
        (SQUARE, evaluator(samples=1024), 32, ""),
        (SQUARE, evaluator(), MAX_ROUNDS, ""),
        (TOKENS, with_input(generator="integers", low=0, high=3), 32, ""),
        (TOKENS, with_input(generator="integers", low=0, high=4), 32, NO_ROW),
        (TOKENS, with_input(generator="integers", low=-1, high=3), 32, NO_ROW),
        (TOKENS, with_input(generator="integers", low=-5, high=-1), 32, NO_ROW),
        (TWO_TABLES, with_input(generator="integers", low=0, high=2), 32, ""),
        (TWO_TABLES, with_input(generator="integers", low=0, high=3), 32, NO_ROW),
        (SQUARE, with_input(generator="integers", low=-5, high=5), 32, ""),
        (SQUARE, evaluator(), 1, "rounds out of range"),
        (SQUARE, evaluator(), MAX_ROUNDS + 1, "rounds out of range"),
        (SQUARE, evaluator(inputs={}, target="1"), 32, "generators and the architecture's inputs differ"),
        (TWO_OUTPUTS, evaluator(), 32, "the architecture must have one output"),
        (TOKENS, evaluator(), 32, "an int64 input needs the integers generator"),
        (wide(60_000), evaluator(samples=65_536), 128, "too many FLOPs in the scoring job"),
        (deep(500), evaluator(samples=65_536), 32, "too many node runs in the scoring job"),
        (SQUARE, evaluator(samples=65_536, target="+".join(["x"] * 200)), 128, "too many elements in the scoring job"),
        (BROAD, evaluator(samples=65_536), 2, "too many elements in a round"),
    ],
)
def test_validate_work__task__fits_or_is_refused(
    raw_architecture: bytes, raw_evaluator: bytes, rounds: int, expected: str
) -> None:
    assert refuse_work(raw_architecture, raw_evaluator, rounds) == expected
