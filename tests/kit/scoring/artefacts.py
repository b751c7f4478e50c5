"""Small artefacts for f(x) = x²: architecture, evaluator and parameters, and the parts to build wrong ones."""

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zarathustra.core.types import Seed
from zarathustra.formats.architecture import parse_architecture
from zarathustra.scoring.jobs import ScoringJob
from zarathustra.wire.evaluator import EvaluateRequest

SEED = Seed(bytes(range(32)))


def node(identifier: str, op: str, *sources: str, **arguments: object) -> dict[str, Any]:
    return {"id": identifier, "op": op, "in": list(sources), "args": arguments}


def architecture(
    nodes: Sequence[Mapping[str, Any]],
    *,
    inputs: Sequence[Mapping[str, Any]] = ({"id": "x", "shape": [1]},),
    outputs: Sequence[str] = ("y",),
) -> bytes:
    document = {"format": "architecture/1", "inputs": inputs, "nodes": nodes, "outputs": outputs}
    return json.dumps(document).encode()


def evaluator(**changes: object) -> bytes:
    document = {
        "format": "evaluator/1",
        "inputs": {"x": {"generator": "uniform", "low": -2, "high": 2}},
        "target": "x*x",
        "metric": "r2",
        "samples": 256,
    }
    return json.dumps(document | changes).encode()


SQUARE = architecture(
    [
        node("h", "Linear", "x", in_features=1, out_features=8),
        node("a", "ReLU", "h"),
        node("y", "Linear", "a", in_features=8, out_features=1),
    ]
)


def square_tensors(*, noise: float = 0.0) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """Return weights that approximate x² by eight straight pieces on [-2, 2]; `noise` shifts the result."""
    knots = np.array([0.0, 0.5, 1.0, 1.5], dtype=np.float32)
    slopes = np.array([0.5, 1.0, 1.0, 1.0], dtype=np.float32)
    return {
        "h.weight": np.repeat(np.array([1, -1], dtype=np.float32), 4).reshape(8, 1),
        "h.bias": np.concatenate([-knots, -knots]),
        "y.weight": np.concatenate([slopes, slopes]).reshape(1, 8),
        "y.bias": np.array([noise], dtype=np.float32),
    }


def encode_tensors(tensors: Mapping[str, np.ndarray[Any, Any]], **entry_changes: Any) -> bytes:
    """Return a safetensors file. It is written here, so that a test can also write a wrong one."""
    header: dict[str, Any] = {}
    data = b""
    for name, values in tensors.items():
        raw = np.ascontiguousarray(values, dtype="<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        } | entry_changes
        data += raw
    return encode_file(json.dumps(header).encode(), data)


def encode_file(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def square_parameters(*, noise: float = 0.0) -> bytes:
    return encode_tensors(square_tensors(noise=noise))


def constant_parameters(raw_architecture: bytes, value: float) -> bytes:
    """Return parameters in which every tensor of the architecture is filled with `value`."""
    tensors = parse_architecture(raw_architecture).tensors
    return encode_tensors({name: np.full(spec.shape, value, dtype=np.float32) for name, spec in tensors.items()})


def square_job(*, noise: float = 0.0, rounds: int = 4) -> ScoringJob:
    return ScoringJob(SQUARE, evaluator(), square_parameters(noise=noise), rounds, SEED)


def square_request(**changes: Any) -> EvaluateRequest:
    fields: dict[str, Any] = {
        "input_hash": bytes(32),
        "architecture": SQUARE,
        "evaluator": evaluator(),
        "champion": square_parameters(noise=0.5),
        "challenger": square_parameters(),
        "seed": SEED,
        "rounds": 4,
    }
    return EvaluateRequest(**(fields | changes))
