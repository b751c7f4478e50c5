"""`evaluator/1`: the evaluator that a project owner declares, and the samples it draws. It contains no code.

{"format": "evaluator/1",
 "inputs": {"x": {"generator": "uniform", "low": -2, "high": 2}},      one generator per input
 "target": "x*x",                                                      see `expression`
 "metric": "r2",                                                       one of METRIC_NAMES
 "samples": 1024}                                                      per round; optional
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.architecture import MICRO_BATCH, Architecture, Input
from zarathustra.formats.expression import Expression, parse_expression
from zarathustra.formats.limits import MAX_EVALUATOR_BYTES
from zarathustra.formats.strict_json import expect_object, parse_object, validate_keys

FORMAT = "evaluator/1"
# Computed by `scoring.metrics`. Append-only: published evaluators name them.
METRIC_NAMES = ("r2", "mse", "mae", "accuracy", "f1", "auroc", "cross_entropy")
MIN_SAMPLES = 256  # with fewer, chance decides a round's score; R² of one sample is 0/0
DEFAULT_SAMPLES = 1024
MAX_SAMPLES = 65_536
MAX_BOUND = 1e6  # of the numbers in a generator

MAX_ROUNDS = 128  # two integers per round must fit into the report's 4 KiB
MAX_WORK = 2_000_000_000_000  # FLOPs to score one model, twice for the float32 guard: about 100 s on one core
MAX_NODE_RUNS = 8_000_000  # per model, twice: each run of an op costs about 10 µs even on small tensors
MAX_ELEMENTS = 2**28  # per model, twice: for drawing, targets and sums
MAX_ROUND_ELEMENTS = 2**22  # held at one time: 32 MiB per array

Samples = dict[str, NDArray[np.float64] | NDArray[np.int64]]
Generate = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64] | NDArray[np.int64]]


@dataclass(frozen=True)
class Evaluator:
    """A checked evaluator."""

    generators: Mapping[str, Generate]
    integers: Mapping[str, tuple[int, int]]  # the least and the greatest value of each input that draws integers
    target: Expression
    metric: str
    samples: int

    def draw(self, inputs: tuple[Input, ...], sub_seed: bytes) -> Samples:
        """Draw the samples of one round from its sub-seed, in the order of `inputs`; int64 for inputs of that type.

        Raises Invalid(BAD_EVALUATOR) if `grid` is used for an input with several features.
        """
        # Philox gives the same bits on every platform. Its key is the first 128 bits of the sub-seed.
        random = np.random.Generator(np.random.Philox(key=int.from_bytes(sub_seed[:16], "big")))
        drawn: Samples = {}
        for item in inputs:
            values = self.generators[item.id](random, (self.samples, *item.shape))
            # `integers` may feed a float32 input, and a target may name it: both take the values as they are.
            drawn[item.id] = values if item.is_integer else values.astype(np.float64, copy=False)
        return drawn

    def compute_target(self, samples: Samples) -> NDArray[np.float64]:
        """Return the targets, samples × columns.

        Raises Invalid(BAD_SCORE) unless all are finite, Invalid(BAD_EVALUATOR) if columns do not fit.
        """
        columns = {name: values.reshape(self.samples, -1).astype(np.float64) for name, values in samples.items()}
        target = self.target.evaluate(columns)
        if not np.isfinite(target).all():
            raise Invalid(Reason.BAD_SCORE, "target is not finite on these samples")
        return np.broadcast_to(target, (self.samples, target.shape[1]))


def parse_evaluator(raw: bytes) -> Evaluator:
    """Parse and check an evaluator. Raises Invalid with the reason why it is refused."""
    document = parse_object(raw, max_bytes=MAX_EVALUATOR_BYTES)
    if document.get("format") != FORMAT:
        raise Invalid(Reason.BAD_FORMAT, "format is not evaluator/1")
    validate_keys(document, "evaluator", required=("format", "inputs", "target", "metric"), optional=("samples",))

    inputs = expect_object(document["inputs"], "inputs")
    fields = {name: expect_object(value, "an input") for name, value in inputs.items()}
    return Evaluator(
        generators={name: _parse_generator(one) for name, one in fields.items()},
        integers={name: _parse_integers(one) for name, one in fields.items() if one["generator"] == "integers"},
        target=_parse_target(document["target"], frozenset(inputs)),
        metric=_parse_metric(document["metric"]),
        samples=_parse_integer(document.get("samples", DEFAULT_SAMPLES), "samples", MIN_SAMPLES, MAX_SAMPLES),
    )


def validate_work(architecture: Architecture, evaluator: Evaluator, rounds: int) -> None:
    """Raise Invalid unless the evaluator fits the architecture and scoring one model fits the work budget."""
    if not 2 <= rounds <= MAX_ROUNDS:
        raise Invalid(Reason.BAD_EVALUATOR, "rounds out of range", rounds=rounds, high=MAX_ROUNDS)
    if {item.id for item in architecture.inputs} != set(evaluator.generators):
        raise Invalid(Reason.BAD_EVALUATOR, "generators and the architecture's inputs differ")
    for item in architecture.inputs:
        if item.is_integer:
            _validate_rows(architecture, evaluator, item)
    if len(architecture.outputs) != 1:
        raise Invalid(Reason.BAD_EVALUATOR, "the architecture must have one output", outputs=len(architecture.outputs))

    widths = sum(prod(item.shape) for item in architecture.inputs) + prod(architecture.output_shapes[0])
    elements = evaluator.samples * widths
    passes = 2 * rounds  # the float64 run and the float32 guard
    batches = -(-evaluator.samples // MICRO_BATCH)
    for name, amount, limit in (
        ("FLOPs in the scoring job", passes * evaluator.samples * architecture.flops, MAX_WORK),
        ("node runs in the scoring job", passes * batches * len(architecture.nodes), MAX_NODE_RUNS),
        ("elements in the scoring job", passes * elements * (1 + evaluator.target.operations), MAX_ELEMENTS),
        ("elements in a round", elements, MAX_ROUND_ELEMENTS),
    ):
        if amount > limit:
            raise Invalid(Reason.TOO_EXPENSIVE, f"too many {name}", count=amount, limit=limit)


def _validate_rows(architecture: Architecture, evaluator: Evaluator, item: Input) -> None:
    """Raise Invalid unless every integer that may be drawn for an input names a row of each Embedding that it feeds."""
    interval = evaluator.integers.get(item.id)
    if interval is None:
        raise Invalid(Reason.BAD_EVALUATOR, "an int64 input needs the integers generator", input=item.id)
    low, high = interval
    for node in architecture.nodes:
        rows = node.arguments.get("num_embeddings")
        if item.id in node.sources and isinstance(rows, int) and not 0 <= low <= high < rows:
            raise Invalid(
                Reason.BAD_EVALUATOR,
                "integers are drawn that name no row of an Embedding",
                input=item.id,
                node=node.id,
                low=low,
                high=high,
                rows=rows,
            )


def _parse_generator(fields: dict[str, object]) -> Generate:
    name = fields.get("generator")
    names = ("mean", "std") if name == "normal" else ("low", "high")
    validate_keys(fields, "an input", required=("generator", *names))
    match name:
        case "uniform":
            return _build_uniform(*_parse_interval(fields))
        case "normal":
            mean, std = (_parse_number(fields[key], key) for key in names)
            if std <= 0:
                raise Invalid(Reason.BAD_EVALUATOR, "std is not positive")
            return lambda random, shape: mean + std * random.standard_normal(shape)
        case "integers":
            low, high = _parse_integers(fields)
            return lambda random, shape: random.integers(low, high, shape, np.int64, endpoint=True)
        case "grid":
            return _build_grid(*_parse_interval(fields))
    raise Invalid(Reason.BAD_EVALUATOR, "unknown generator", generator=str(name)[:64])


def _build_uniform(low: float, high: float) -> Generate:
    return lambda random, shape: low + (high - low) * random.random(shape)


def _build_grid(low: float, high: float) -> Generate:
    """Space values evenly, shifted by one draw per round: a model cannot memorise a fixed set of points."""

    def generate(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
        if prod(shape) != shape[0]:
            raise Invalid(Reason.BAD_EVALUATOR, "grid is for inputs with one feature")
        return (low + (high - low) * ((np.arange(shape[0]) + random.random()) / shape[0])).reshape(shape)

    return generate


def _parse_integers(fields: dict[str, object]) -> tuple[int, int]:
    low, high = (_parse_integer(fields[key], key, -int(MAX_BOUND), int(MAX_BOUND)) for key in ("low", "high"))
    if low > high:
        raise Invalid(Reason.BAD_EVALUATOR, "low is above high")
    return low, high


def _parse_interval(fields: dict[str, object]) -> tuple[float, float]:
    low, high = _parse_number(fields["low"], "low"), _parse_number(fields["high"], "high")
    if low >= high:
        raise Invalid(Reason.BAD_EVALUATOR, "low is not below high")
    return low, high


def _parse_number(value: object, name: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not -MAX_BOUND <= value <= MAX_BOUND:
        raise Invalid(Reason.BAD_EVALUATOR, f"{name} is not a number within a million")
    return float(value)


def _parse_integer(value: object, name: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Invalid(Reason.BAD_EVALUATOR, f"{name} is not an integer in its range", low=low, high=high)
    return value


def _parse_target(value: object, inputs: frozenset[str]) -> Expression:
    if not isinstance(value, str):
        raise Invalid(Reason.BAD_EVALUATOR, "target is not text")
    target = parse_expression(value)
    if not target.names <= inputs:
        raise Invalid(Reason.BAD_EVALUATOR, "target names an unknown input", name=sorted(target.names - inputs)[0])
    return target


def _parse_metric(value: object) -> str:
    if not isinstance(value, str) or value not in METRIC_NAMES:
        raise Invalid(Reason.BAD_EVALUATOR, "unknown metric", metric=str(value)[:64])
    return value
