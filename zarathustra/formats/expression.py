"""The target of an evaluator: an arithmetic expression over columns, and its parser.

    comparison := sum (("<" | "<=" | ">" | ">=") sum)?           1 where true, else 0
    sum        := product (("+" | "-") product)*
    product    := unary (("*" | "/") unary)*
    unary      := "-" unary | power
    power      := atom ("**" integer)?                           0 to 16, by multiplication
    atom       := number | name ("[" integer "]")? | function "(" comparison ("," comparison)* ")" | "(" comparison ")"

A name stands for an input: its flattened features are the columns; `x[2]` is the third one. Columns combine with the
same number of columns, with one column, or with a number. Anything else is refused, so no shape broadcasts by accident.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from re import compile as compile_pattern

import numpy as np
from numpy.typing import NDArray

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason

MAX_LENGTH = 1024  # of the text; bounds the operations, and so the time per sample
MAX_DEPTH = 32  # of nesting: each level takes a few Python frames
MAX_EXPONENT = 16
MAX_INDEX = 65_535

Columns = NDArray[np.float64]  # samples × columns
Environment = Mapping[str, Columns]
Evaluate = Callable[[Environment], Columns]

_TOKEN = compile_pattern(
    r"\s*(?:(?P<number>[0-9]{1,17}(?:\.[0-9]{1,17})?(?:e-?[0-9]{1,3})?)|(?P<name>[A-Za-z_][A-Za-z0-9_]{0,63})"
    r"|(?P<symbol>\*\*|<=|>=|[-+*/<>()\[\],]))"
)

_COMPARISONS: Mapping[str, Callable[[Columns, Columns], NDArray[np.bool_]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_UNARY_FUNCTIONS: Mapping[str, Callable[[Columns], Columns]] = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "sin": np.sin,
    "cos": np.cos,
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
}
_BINARY_FUNCTIONS: Mapping[str, Callable[[Columns, Columns], Columns]] = {"min": np.minimum, "max": np.maximum}


@dataclass(frozen=True)
class Expression:
    """A parsed target. `operations` is the number of its steps, for the work budget."""

    names: frozenset[str]
    operations: int
    _evaluate: Evaluate

    def evaluate(self, environment: Environment) -> Columns:
        """Compute the target of every sample. Values may be infinite or NaN.

        Raises Invalid(BAD_EVALUATOR) if columns do not fit.
        """
        with np.errstate(all="ignore"):
            return self._evaluate(environment)


def parse_expression(text: str) -> Expression:
    """Parse an expression. Raises Invalid(BAD_EVALUATOR)."""
    if len(text) > MAX_LENGTH:
        raise _refuse("target is too long", limit=MAX_LENGTH)
    parser = _Parser(_split_tokens(text))
    evaluate = parser.parse_comparison()
    parser.expect_end()
    return Expression(frozenset(parser.names), parser.operations, evaluate)


def _split_tokens(text: str) -> list[tuple[str, str]]:
    """Return (kind, text) of each token."""
    tokens: list[tuple[str, str]] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _refuse("target has an unknown symbol", position=position)
        tokens.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return tokens


class _Parser:
    """A recursive-descent parser. It keeps the position, the depth, the names and the number of operations."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0
        self.names: set[str] = set()
        self.operations = 0

    def parse_comparison(self) -> Evaluate:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _refuse("target nests too deeply", limit=MAX_DEPTH)
        left = self._parse_sum()
        symbol = self._take(*_COMPARISONS)
        if symbol is not None:
            compare = _COMPARISONS[symbol]
            left = self._combine(lambda a, b: compare(a, b).astype(np.float64), left, self._parse_sum())
        self._depth -= 1
        return left

    def expect_end(self) -> None:
        if self._position != len(self._tokens):
            raise _refuse("target continues after its end", token=self._tokens[self._position][1])

    def _parse_sum(self) -> Evaluate:
        left = self._parse_product()
        while symbol := self._take("+", "-"):
            left = self._combine(np.add if symbol == "+" else np.subtract, left, self._parse_product())
        return left

    def _parse_product(self) -> Evaluate:
        left = self._parse_unary()
        while symbol := self._take("*", "/"):
            left = self._combine(np.multiply if symbol == "*" else np.divide, left, self._parse_unary())
        return left

    def _parse_unary(self) -> Evaluate:
        signs = 0
        while self._take("-"):
            signs += 1
        operand = self._parse_power()
        return self._apply(np.negative, operand) if signs % 2 else operand

    def _parse_power(self) -> Evaluate:
        base = self._parse_atom()
        if not self._take("**"):
            return base
        exponent = self._take_integer(MAX_EXPONENT)
        self.operations += exponent
        return lambda environment: _raise_to(base(environment), exponent)

    def _parse_atom(self) -> Evaluate:
        kind, text = self._next()
        if kind == "number":
            return self._parse_number(text)
        if kind == "name":
            return self._parse_call(text) if self._take("(") else self._parse_input(text)
        if text == "(":
            inner = self.parse_comparison()
            self._expect(")")
            return inner
        raise _refuse("target lacks an operand", token=text)

    def _parse_number(self, text: str) -> Evaluate:
        value = np.array([[float(text)]])  # one sample, one column: combines with any columns
        self.operations += 1
        return lambda _: value

    def _parse_input(self, name: str) -> Evaluate:
        self.names.add(name)
        self.operations += 1
        if not self._take("["):
            return lambda environment: environment[name]
        index = self._take_integer(MAX_INDEX)
        self._expect("]")
        return lambda environment: _get_column(environment[name], index)

    def _parse_call(self, function: str) -> Evaluate:
        arguments = [self.parse_comparison()]
        while self._take(","):
            arguments.append(self.parse_comparison())
        self._expect(")")

        if function in _UNARY_FUNCTIONS and len(arguments) == 1:
            return self._apply(_UNARY_FUNCTIONS[function], arguments[0])
        if function in _BINARY_FUNCTIONS and len(arguments) == 2:
            return self._combine(_BINARY_FUNCTIONS[function], *arguments)
        if function == "sum" and len(arguments) == 1:
            return self._apply(_sum_columns, arguments[0])
        raise _refuse("target calls an unknown function", function=function, arguments=len(arguments))

    def _apply(self, function: Callable[[Columns], Columns], operand: Evaluate) -> Evaluate:
        self.operations += 1
        return lambda environment: function(operand(environment))

    def _combine(self, function: Callable[[Columns, Columns], Columns], left: Evaluate, right: Evaluate) -> Evaluate:
        self.operations += 1
        return lambda environment: function(*_fit(left(environment), right(environment)))

    def _next(self) -> tuple[str, str]:
        if self._position == len(self._tokens):
            raise _refuse("target ends too early")
        self._position += 1
        return self._tokens[self._position - 1]

    def _take(self, *symbols: str) -> str | None:
        """Consume and return the next token if it is one of `symbols`. Otherwise return None."""
        if self._position < len(self._tokens):
            kind, text = self._tokens[self._position]
            if kind == "symbol" and text in symbols:
                self._position += 1
                return text
        return None

    def _expect(self, symbol: str) -> None:
        if self._take(symbol) is None:
            raise _refuse("target lacks a symbol", symbol=symbol)

    def _take_integer(self, high: int) -> int:
        kind, text = self._next()
        if kind != "number" or not text.isdigit() or int(text) > high:
            raise _refuse("target needs a small integer", token=text, high=high)
        return int(text)


def _fit(left: Columns, right: Columns) -> tuple[Columns, Columns]:
    if left.shape[1] != right.shape[1] and 1 not in (left.shape[1], right.shape[1]):
        raise _refuse("columns do not fit", left=left.shape[1], right=right.shape[1])
    return left, right


def _get_column(columns: Columns, index: int) -> Columns:
    if index >= columns.shape[1]:
        raise _refuse("input has no such feature", index=index, features=columns.shape[1])
    return columns[:, index : index + 1]


def _raise_to(base: Columns, exponent: int) -> Columns:
    """Multiply repeatedly: libm's pow differs between machines."""
    result = np.ones_like(base)
    for _ in range(exponent):
        result = result * base
    return result


def _sum_columns(columns: Columns) -> Columns:
    """Add column by column: the order of numpy's own sum depends on the instruction set."""
    total = columns[:, :1].copy()
    for index in range(1, columns.shape[1]):
        total += columns[:, index : index + 1]
    return total


def _refuse(message: str, **details: object) -> Invalid:
    return Invalid(Reason.BAD_EVALUATOR, message, **details)
