"""The target language: what it computes, and what it refuses."""

import math

import numpy as np
import pytest

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.expression import MAX_DEPTH, MAX_LENGTH, parse_expression

pytestmark = pytest.mark.unit

X = np.array([[3.0, -2.0], [0.5, 4.0]])
T = np.array([[2.0], [-1.0]])
ENVIRONMENT = {"x": X, "t": T}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t*t", [[4], [1]]),
        ("1 + 2 * 3", [[7]]),
        ("(1 + 2) * 3", [[9]]),
        ("2 - 3 - 4", [[-5]]),
        ("8 / 4 / 2", [[1]]),
        ("-t**2", [[-4], [-1]]),
        ("(-t)**2", [[4], [1]]),
        ("--t", [[2], [-1]]),
        ("t**0", [[1], [1]]),
        ("1.5e2 + 1e-1", [[150.1]]),
        ("x[1]", [[-2], [4]]),
        ("x + t", [[5, 0], [-0.5, 3]]),
        ("x < 1", [[0, 1], [1, 0]]),
        ("x[0] >= 3", [[1], [0]]),
        ("t <= -1", [[0], [1]]),
        ("t > -1", [[1], [0]]),
        ("sum(x)", [[1], [4.5]]),
        ("min(x[0], x[1])", [[-2], [0.5]]),
        ("max(t, 0)", [[2], [0]]),
        ("abs(t) + floor(2.5) + sqrt(16)", [[8], [7]]),
        ("sin(t) + cos(0)", [[math.sin(2) + 1], [math.sin(-1) + 1]]),
        ("exp(log(5)) + tanh(0)", [[5]]),
    ],
)
def test_evaluate__expression__equals_arithmetic(text: str, expected: list[list[float]]) -> None:
    np.testing.assert_allclose(parse_expression(text).evaluate(ENVIRONMENT), expected, rtol=1e-14)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "x +", "* x", "x y", "x x", "(x", "x)", "x[", "x[0", "x[-1]", "x[1.0]", "x[99999999]", "x**-1",
        "x**17", "x**t", "x**0.5", "1..2", "x.shape", "x if x else x", "lambda: x", "__import__('os')", "eval(1)",
        "exp(x, t)", "min(x)", "sum()", "x = 1", "x; t", "'x'", "x @ t", "x < t < 1", "0x10", "1e9999", "é", "x\x00",
        "open(0)", "(" * (MAX_DEPTH + 1) + "x" + ")" * (MAX_DEPTH + 1), "x" * (MAX_LENGTH + 1),
    ],
)  # fmt: skip
def test_parse__outside_the_grammar__is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_expression(text)
    assert caught.value.reason is Reason.BAD_EVALUATOR


def test_parse__longest_chain__evaluates_without_exhausting_the_stack() -> None:
    text = "+".join(["t"] * (MAX_LENGTH // 2))
    expression = parse_expression(text)
    assert expression.operations == 2 * (MAX_LENGTH // 2) - 1
    np.testing.assert_array_equal(expression.evaluate(ENVIRONMENT), T * (MAX_LENGTH // 2))


def test_evaluate__columns_that_do_not_fit__are_refused() -> None:
    environment = {"x": np.zeros((2, 3)), "t": np.zeros((2, 2))}
    with pytest.raises(Invalid):
        parse_expression("x + t").evaluate(environment)


def test_evaluate__missing_feature__is_refused() -> None:
    with pytest.raises(Invalid):
        parse_expression("x[2]").evaluate(ENVIRONMENT)
