"""torch modules: each op's closed form equals what torch computes; a score does not depend on batch or threads."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load
from torch import nn

from tests.kit.scoring.artefacts import (
    SEED,
    SQUARE,
    architecture,
    constant_parameters,
    encode_tensors,
    evaluator,
    node,
    square_parameters,
)
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.architecture import parse_architecture
from zarathustra.formats.evaluator import parse_evaluator
from zarathustra.formats.operations import OPERATIONS
from zarathustra.formats.parameters import parse_parameters
from zarathustra.scoring.model import build_module, build_with, name_tensors, save_parameters, validate_count
from zarathustra.scoring.rounds import score_model, to_micro
from zarathustra.scoring.warmup import build_every_op, build_every_op_evaluator, build_tensors

pytestmark = pytest.mark.unit

# op, arguments, shape of each input
CASES: list[tuple[str, dict[str, Any], list[list[int]]]] = [
    ("Linear", {"in_features": 5, "out_features": 3}, [[5]]),
    ("Linear", {"in_features": 5, "out_features": 3, "bias": False}, [[2, 5]]),
    ("Conv1d", {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "groups": 2, "stride": 2}, [[4, 11]]),
    ("Conv1d", {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "dilation": 3, "bias": False}, [[4, 11]]),
    ("Conv2d", {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "padding": 1, "stride": 3}, [[2, 8, 9]]),
    ("Conv2d", {"in_channels": 2, "out_channels": 4, "kernel_size": 2, "dilation": 2, "groups": 2}, [[2, 8, 9]]),
    ("MaxPool2d", {"kernel_size": 3}, [[2, 8, 9]]),
    ("AvgPool2d", {"kernel_size": 2, "stride": 1}, [[2, 8, 9]]),
    ("AdaptiveAvgPool2d", {"output_size": 3}, [[2, 8, 9]]),
    ("AdaptiveAvgPool2d", {"output_size": 12}, [[2, 8, 9]]),
    ("BatchNorm1d", {"num_features": 4}, [[4]]),
    ("BatchNorm1d", {"num_features": 4}, [[4, 7]]),
    ("BatchNorm2d", {"num_features": 2}, [[2, 3, 3]]),
    ("LayerNorm", {"normalized_shape": 5}, [[2, 5]]),
    ("Embedding", {"num_embeddings": 9, "embedding_dim": 4}, [[6]]),
    ("PosEmbedding", {"length": 9, "dim": 4}, [[6, 4]]),
    ("SelfAttention", {"embed_dim": 8, "num_heads": 2}, [[5, 8]]),
    ("SelfAttention", {"embed_dim": 8, "num_heads": 4, "causal": True}, [[5, 8]]),
    ("ReLU", {}, [[3]]),
    ("GELU", {}, [[3]]),
    ("SiLU", {}, [[3]]),
    ("Tanh", {}, [[3]]),
    ("Sigmoid", {}, [[3]]),
    ("LeakyReLU", {"negative_slope": 0.2}, [[3]]),
    ("Softmax", {"dim": 1}, [[3, 4]]),
    ("LogSoftmax", {}, [[3, 4]]),
    ("Flatten", {}, [[3, 4]]),
    ("Reshape", {"shape": [2, 6]}, [[3, 4]]),
    ("Transpose", {"a": 1, "b": 3}, [[2, 3, 4]]),
    ("MeanPool", {"dim": 2}, [[2, 3, 4]]),
    ("Add", {}, [[2, 3], [2, 3], [2, 3]]),
    ("Mul", {}, [[2, 3], [2, 3]]),
    ("Concat", {"dim": 2}, [[2, 3], [2, 5]]),
]


def build_case(op: str, arguments: dict[str, Any], shapes: list[list[int]]) -> bytes:
    dtype = "int64" if op == "Embedding" else "float32"
    names = [f"x{i}" for i in range(len(shapes))]
    inputs = [{"id": name, "shape": shape, "dtype": dtype} for name, shape in zip(names, shapes, strict=True)]
    return architecture([node("y", op, *names, **arguments)], inputs=inputs)


def draw_inputs(shapes: list[list[int]], *, integers: bool, samples: int = 3) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    if integers:
        return [torch.randint(0, 9, (samples, *shape), generator=generator) for shape in shapes]
    return [torch.randn(samples, *shape, generator=generator) for shape in shapes]


def test_cases__table__covers_every_op() -> None:
    assert {op for op, _, _ in CASES} == set(OPERATIONS)
    assert {item.op for item in parse_architecture(build_every_op()).nodes} == set(OPERATIONS)


@pytest.mark.parametrize(("op", "arguments", "shapes"), CASES)
def test_closed_form__op__equals_torch(op: str, arguments: dict[str, Any], shapes: list[list[int]]) -> None:
    parsed = validate_count(parse_architecture(build_case(op, arguments, shapes)))
    module = build_module(build_case(op, arguments, shapes))
    output = module(*draw_inputs(shapes, integers=op == "Embedding"))
    assert tuple(output.shape) == (3, *parsed.output_shapes[0])
    assert sum(parameter.numel() for parameter in module.parameters()) == parsed.parameters
    stored = {name: tuple(tensor.shape) for name, tensor in name_tensors(module).items()}
    assert stored == {name: spec.shape for name, spec in parsed.tensors.items()}


@pytest.mark.parametrize(("op", "arguments", "shapes"), CASES)
def test_forward__op__does_not_mix_samples(op: str, arguments: dict[str, Any], shapes: list[list[int]]) -> None:
    module = build_module(build_case(op, arguments, shapes)).eval()
    inputs = draw_inputs(shapes, integers=op == "Embedding")
    together = module(*inputs)
    alone = torch.cat([module(*(item[i : i + 1] for item in inputs)) for i in range(3)])
    torch.testing.assert_close(together, alone)


@pytest.mark.parametrize(
    ("op", "arguments", "shape", "layer"),
    [
        ("Linear", {"in_features": 64, "out_features": 32}, [64], nn.Linear(64, 32)),
        ("Conv2d", {"in_channels": 4, "out_channels": 8, "kernel_size": 3}, [4, 9, 9], nn.Conv2d(4, 8, 3)),
        ("Conv1d", {"in_channels": 4, "out_channels": 8, "kernel_size": 5}, [4, 20], nn.Conv1d(4, 8, 5)),
    ],
)
def test_flops__matrix_op__equals_the_count_of_torch(
    op: str, arguments: dict[str, Any], shape: list[int], layer: nn.Module
) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(1, *shape))
    assert parse_architecture(build_case(op, arguments, [shape])).flops == counter.get_total_flops()


def test_self_attention__weights__equals_multi_head_attention_of_torch() -> None:
    module = build_module(build_case("SelfAttention", {"embed_dim": 8, "num_heads": 2, "causal": True}, [[5, 8]]))
    tensors = name_tensors(module)
    oracle = nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        assert oracle.in_proj_weight is not None
        oracle.in_proj_weight.copy_(tensors["y.qkv.weight"])
        assert oracle.in_proj_bias is not None
        oracle.in_proj_bias.copy_(tensors["y.qkv.bias"])
        oracle.out_proj.weight.copy_(tensors["y.projection.weight"])
        oracle.out_proj.bias.copy_(tensors["y.projection.bias"])
    x = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(1))
    expected, _ = oracle(x, x, x, attn_mask=torch.ones(5, 5, dtype=torch.bool).triu(1), need_weights=False)
    torch.testing.assert_close(module(x), expected)


def test_build_module__node_named_like_an_attribute__works() -> None:
    raw = architecture(
        [node("forward", "ReLU", "keys"), node("y", "ReLU", "forward")], inputs=[{"id": "keys", "shape": [2]}]
    )
    assert build_module(raw)(torch.tensor([[-1.0, 1.0]])).tolist() == [[0.0, 1.0]]


def test_build_module__several_outputs__gives_a_tuple() -> None:
    raw = architecture([node("y", "ReLU", "x"), node("z", "Tanh", "x")], outputs=["z", "y"])
    tanh, relu = build_module(raw)(torch.tensor([[0.5]]))
    assert (tanh.item(), relu.item()) == (pytest.approx(math.tanh(0.5)), 0.5)


def test_save_parameters__trained_module__loads_again_bit_for_bit() -> None:
    module = build_module(build_every_op())
    saved = save_parameters(module)
    assert load(saved).keys() == name_tensors(module).keys()
    tensors = parse_parameters(saved, module.architecture.tensors)
    again = build_with(
        module.architecture, {name: torch.tensor(values) for name, values in tensors.items()}, torch.float32
    )
    assert save_parameters(again) == saved


def test_build_module__trained_on_the_square__learns_it() -> None:
    module = build_module(SQUARE)
    optimizer = torch.optim.Adam(module.parameters(), 0.02)
    x = torch.linspace(-2, 2, 256).reshape(-1, 1)
    for _ in range(400):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(module(x), x * x)
        loss.backward()  # type: ignore[no-untyped-call]  # torch's
        optimizer.step()
    parsed = parse_architecture(SQUARE)
    tensors = parse_parameters(save_parameters(module), parsed.tensors)
    assert min(score_model(parsed, parse_evaluator(evaluator()), tensors, seed=SEED, rounds=4)) > 900_000


def test_validate_count__closed_form_differs__is_refused() -> None:
    parsed = parse_architecture(SQUARE)
    with pytest.raises(Invalid):
        validate_count(replace(parsed, parameters=parsed.parameters + 1))


def score(raw: bytes, parameters: bytes, raw_evaluator: bytes, rounds: int = 2) -> list[int]:
    parsed = parse_architecture(raw)
    tensors = parse_parameters(parameters, parsed.tensors)
    return [*score_model(parsed, parse_evaluator(raw_evaluator), tensors, seed=SEED, rounds=rounds)]


def score_reason(raw: bytes, parameters: bytes, raw_evaluator: bytes) -> Reason:
    with pytest.raises(Invalid) as caught:
        score(raw, parameters, raw_evaluator)
    return caught.value.reason


def test_score_model__better_model__scores_higher_every_round() -> None:
    good, bad = (score(SQUARE, square_parameters(noise=noise), evaluator(), 8) for noise in (0.0, 0.5))
    assert all(ours > theirs for ours, theirs in zip(good, bad, strict=True))


@pytest.mark.parametrize("threads", [1, 2])
def test_score_model__any_number_of_threads__same_integers(threads: int) -> None:
    before = torch.get_num_threads()
    raw, every_evaluator = build_every_op(), build_every_op_evaluator()
    parsed = parse_architecture(raw)
    try:
        torch.set_num_threads(1)
        expected = score_model(parsed, parse_evaluator(every_evaluator), build_tensors(parsed), seed=SEED, rounds=2)
        torch.set_num_threads(threads)
        got = score_model(parsed, parse_evaluator(every_evaluator), build_tensors(parsed), seed=SEED, rounds=2)
    finally:
        torch.set_num_threads(before)
    assert got == expected


CANCELLING = architecture(
    [
        node("h", "Linear", "x", in_features=1, out_features=2),
        node("g", "Linear", "h", in_features=2, out_features=2),
        node("y", "Linear", "g", in_features=2, out_features=1),
    ]
)


def cancelling_parameters() -> bytes:
    """Return weights whose large parts cancel: float64 keeps the small difference, float32 loses it."""
    return encode_tensors(
        {
            "h.weight": np.array([[1000.0], [1000.0]]),
            "h.bias": np.array([1e-6, 0.0]),
            "g.weight": np.array([[1000.0, 0.0], [0.0, 1000.0]]),
            "g.bias": np.zeros(2),
            "y.weight": np.array([[1000.0, -1000.0]]),
            "y.bias": np.zeros(1),
        }
    )


def test_score_model__cancelling_weights__are_unstable() -> None:
    assert score_reason(CANCELLING, cancelling_parameters(), evaluator()) is Reason.UNSTABLE


OVERFLOWING = architecture([node("h", "Mul", *["x"] * 8), node("y", "Mul", *["h"] * 8)])


@pytest.mark.parametrize(
    ("raw", "parameters", "raw_evaluator", "reason"),
    [
        (SQUARE, constant_parameters(SQUARE, 1000.0), evaluator(), Reason.OUT_OF_RANGE),
        (SQUARE, square_parameters(), evaluator(target="1"), Reason.BAD_SCORE),
        (SQUARE, square_parameters(), evaluator(metric="accuracy"), Reason.BAD_SCORE),
        (
            OVERFLOWING,
            encode_tensors({}),
            evaluator(inputs={"x": {"generator": "uniform", "low": 999_999, "high": 1_000_000}}),
            Reason.NOT_FINITE,
        ),
        (
            OVERFLOWING,
            encode_tensors({}),
            evaluator(inputs={"x": {"generator": "uniform", "low": 4, "high": 5}}, target="1/x"),
            Reason.OUT_OF_RANGE,
        ),
    ],
)
def test_score_model__unusable_score__has_a_reason(
    raw: bytes, parameters: bytes, raw_evaluator: bytes, reason: Reason
) -> None:
    assert score_reason(raw, parameters, raw_evaluator) is reason


def test_score_model__float32_overflows__is_unstable() -> None:
    ranges = {"x": {"generator": "uniform", "low": 9, "high": 10}}  # 10⁶⁴ fits float64 only
    huge = [node("h", "Mul", *["x"] * 8), node("g", "Mul", *["h"] * 8)]
    saturated = architecture(
        [*huge, node("i", "Sigmoid", "g"), node("y", "Linear", "i", in_features=1, out_features=1)]
    )
    linear = encode_tensors({"y.weight": np.ones((1, 1)), "y.bias": np.zeros(1)})
    assert score(saturated, linear, evaluator(inputs=ranges))  # the same in both: stable

    normed = architecture([*huge, node("y", "LayerNorm", "g", normalized_shape=1)])
    norm = encode_tensors({"y.weight": np.ones(1), "y.bias": np.zeros(1)})
    assert score_reason(normed, norm, evaluator(inputs=ranges)) is Reason.UNSTABLE


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5e-6, 0), (1.5e-6, 2), (-0.5e-6, 0), (0.1234565, 123456), (0.9999995, 1_000_000), (-1000.0, -(10**9))],
)
def test_to_micro__half__rounds_by_its_exact_value(value: float, expected: int) -> None:
    from fractions import Fraction

    assert to_micro(value) == round(Fraction(value) * 10**6)
    assert abs(to_micro(value) - expected) <= 1
