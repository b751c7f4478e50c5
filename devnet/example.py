"""The example project that the network publishes, from `examples/square`. Needs no torch."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save

from devnet.processes import ROOT
from zarathustra.formats.architecture import parse_architecture
from zarathustra.sdk.owner import Artefacts

FOLDER = ROOT / "examples" / "square"
TRAINING_SCRIPT = FOLDER / "train.py"
INITIAL_SEED = 2  # of `initial.safetensors`; a fixed one makes two demos comparable


def load_artefacts(folder: Path = FOLDER) -> Artefacts:
    """Load the artefacts that the owner publishes."""
    return Artefacts(
        architecture=(folder / "architecture.json").read_bytes(),
        parameters=(folder / "initial.safetensors").read_bytes(),
        evaluator=(folder / "evaluator.json").read_bytes(),
        metadata=(folder / "metadata.json").read_bytes(),
    )


def build_random_parameters(architecture: bytes, *, seed: int, scale: float = 1.0) -> bytes:
    """Build untrained parameters: weights are normal with spread `scale`/√fan-in, biases are zero."""
    random = np.random.Generator(np.random.Philox(seed))
    tensors = {}
    for name, spec in parse_architecture(architecture).tensors.items():
        fan_in = spec.shape[-1] if len(spec.shape) > 1 else 1
        values = random.standard_normal(spec.shape) * scale / np.sqrt(fan_in)
        tensors[name] = (values if len(spec.shape) > 1 else np.zeros(spec.shape)).astype(np.float32)
    return bytes(save(tensors))
