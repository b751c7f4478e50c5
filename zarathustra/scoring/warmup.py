"""A small architecture with every op. The worker runs it before it is jailed; tests run it inside the jail.

The first call of an op, in either dtype, may load code or read files. The jail forbids both.
"""

import json
from typing import Any

import numpy as np

from zarathustra.core.types import Seed
from zarathustra.formats.architecture import Architecture, parse_architecture
from zarathustra.formats.evaluator import parse_evaluator
from zarathustra.formats.operations import TensorSpec
from zarathustra.formats.parameters import Tensors
from zarathustra.scoring.metrics import METRICS, compute_metric
from zarathustra.scoring.model import validate_count
from zarathustra.scoring.rounds import score_model


def build_every_op() -> bytes:
    """Build an architecture with every op of the table: tokens, an image and a vector become one number."""
    nodes = [*_build_sequence_part(), *_build_image_part(), *_build_vector_part(), *_build_head()]
    inputs = [
        {"id": "tokens", "shape": [4], "dtype": "int64"},
        {"id": "image", "shape": [2, 8, 8]},
        {"id": "vector", "shape": [8]},
    ]
    document = {"format": "architecture/1", "inputs": inputs, "nodes": nodes, "outputs": ["score"]}
    return json.dumps(document).encode()


def build_every_op_evaluator() -> bytes:
    """Build an evaluator that fits it, with three of the generators and every function of a target."""
    document = {
        "format": "evaluator/1",
        "inputs": {
            "tokens": {"generator": "integers", "low": 0, "high": 9},
            "image": {"generator": "uniform", "low": -1, "high": 1},
            "vector": {"generator": "normal", "mean": 0, "std": 1},
        },
        "target": "sin(vector[0]) + cos(vector[1]) + exp(-abs(vector[2])) + log(sqrt(1 + vector[3]**2))"
        " + tanh(max(min(vector[4], 1), -1)) + floor(vector[5]) + (sum(image) > 0) + tokens[0] / 9",
        "metric": "mse",
        "samples": 256,
    }
    return json.dumps(document).encode()


def build_tensors(architecture: Architecture) -> Tensors:
    """Build small fixed parameters for any architecture."""
    return {name: _fill(spec) for name, spec in architecture.tensors.items()}


def run_every_op() -> None:
    """Score the architecture with every op for one round, and compute every metric."""
    architecture = validate_count(parse_architecture(build_every_op()))
    evaluator = parse_evaluator(build_every_op_evaluator())
    score_model(architecture, evaluator, build_tensors(architecture), seed=Seed(bytes(32)), rounds=1)
    outputs = np.array([[0.5], [-0.5], [1.5]])
    for name in METRICS:
        compute_metric(name, outputs, np.array([[1.0], [0.0], [1.0]]))


def _fill(spec: TensorSpec) -> np.ndarray[Any, np.dtype[np.float32]]:
    size = int(np.prod(spec.shape))
    return (0.25 + 0.5 * (np.arange(size) % 7) / 7).astype(np.float32).reshape(spec.shape) / np.float32(4)


def _node(identifier: str, op: str, *sources: str, **arguments: object) -> dict[str, object]:
    return {"id": identifier, "op": op, "in": list(sources), "args": arguments}


def _build_sequence_part() -> list[dict[str, object]]:
    return [
        _node("embedded", "Embedding", "tokens", num_embeddings=10, embedding_dim=8),
        _node("placed", "PosEmbedding", "embedded", length=4, dim=8),
        _node("attended", "SelfAttention", "placed", embed_dim=8, num_heads=2, causal=True),
        _node("normed", "LayerNorm", "attended", normalized_shape=8),
        _node("turned", "Transpose", "normed"),
        _node("waved", "Conv1d", "turned", in_channels=8, out_channels=8, kernel_size=3, padding=1, groups=2),
        _node("softened", "Softmax", "waved"),
        _node("logged", "LogSoftmax", "softened"),
        _node("pooled", "MeanPool", "logged", dim=2),
    ]


def _build_image_part() -> list[dict[str, object]]:
    return [
        _node("convolved", "Conv2d", "image", in_channels=2, out_channels=4, kernel_size=3, padding=2, dilation=2),
        _node("image_normed", "BatchNorm2d", "convolved", num_features=4),
        _node("most", "MaxPool2d", "image_normed", kernel_size=2),
        _node("mean", "AvgPool2d", "image_normed", kernel_size=2),
        _node("both", "Concat", "most", "mean"),
        _node("adapted", "AdaptiveAvgPool2d", "both", output_size=1),
        _node("flat", "Flatten", "adapted"),
    ]


def _build_vector_part() -> list[dict[str, object]]:
    chain = ["vector", "relu", "gelu", "silu", "tanh", "sigmoid", "leaky"]
    ops = ["ReLU", "GELU", "SiLU", "Tanh", "Sigmoid", "LeakyReLU"]
    nodes = [_node(chain[index + 1], op, chain[index]) for index, op in enumerate(ops)]
    return [*nodes, _node("vector_normed", "BatchNorm1d", "leaky", num_features=8)]


def _build_head() -> list[dict[str, object]]:
    return [
        _node("added", "Add", "pooled", "flat", "vector_normed"),
        _node("multiplied", "Mul", "added", "vector_normed"),
        _node("reshaped", "Reshape", "multiplied", shape=[2, 4]),
        _node("flattened", "Flatten", "reshaped"),
        _node("score", "Linear", "flattened", in_features=8, out_features=1),
    ]
