"""What the project owner of f(x) = x² publishes: architecture, initial parameters, evaluator. Needs no torch."""

import json
from typing import Any

import numpy as np
from safetensors.numpy import save

from zarathustra.formats.architecture import parse_architecture

WIDTH = 32
INITIAL_SEED = 2  # any; a stated one makes two demos comparable
INTERVAL = (-2.0, 2.0)


def build_architecture() -> bytes:
    """A multi-layer perceptron with two hidden layers: 1 → 32 → 32 → 1."""
    document = {
        "format": "architecture/1",
        "inputs": [{"id": "x", "shape": [1], "dtype": "float32"}],
        "nodes": [
            _linear("hidden1", "x", 1, WIDTH),
            {"id": "active1", "op": "Tanh", "in": ["hidden1"], "args": {}},
            _linear("hidden2", "active1", WIDTH, WIDTH),
            {"id": "active2", "op": "Tanh", "in": ["hidden2"], "args": {}},
            _linear("y", "active2", WIDTH, 1),
        ],
        "outputs": ["y"],
    }
    return json.dumps(document, indent=1).encode()


def build_evaluator() -> bytes:
    """R² against x·x on fresh uniform inputs."""
    low, high = INTERVAL
    document = {
        "format": "evaluator/1",
        "inputs": {"x": {"generator": "uniform", "low": low, "high": high}},
        "target": "x*x",
        "metric": "r2",
        "samples": 1024,
    }
    return json.dumps(document, indent=1).encode()


def build_random_parameters(architecture: bytes, *, seed: int, scale: float = 1.0) -> bytes:
    """Untrained parameters: normal, each layer's spread 1/√fan-in times `scale`."""
    random = np.random.Generator(np.random.Philox(seed))
    tensors = {}
    for name, spec in parse_architecture(architecture).tensors.items():
        fan_in = spec.shape[-1] if len(spec.shape) > 1 else 1
        values = random.standard_normal(spec.shape) * scale / np.sqrt(fan_in)
        tensors[name] = (values if len(spec.shape) > 1 else np.zeros(spec.shape)).astype(np.float32)
    return bytes(save(tensors))


def _linear(name: str, source: str, inputs: int, outputs: int) -> dict[str, Any]:
    return {"id": name, "op": "Linear", "in": [source], "args": {"in_features": inputs, "out_features": outputs}}
