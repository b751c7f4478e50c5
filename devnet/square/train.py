"""How a contributor trains: any torch loop over the published architecture, then `save_parameters`.

python -m devnet.square.train ARCHITECTURE_FILE PARAMETERS_FILE --seconds 3
"""

import argparse
import time
from pathlib import Path

import torch

from devnet.square.artefacts import INTERVAL
from zarathustra.evaluation.model import build_module, save_parameters

BATCH = 512
LEARNING_RATE = 5e-3


def main() -> None:
    parser = argparse.ArgumentParser(description="Train f(x) = x² for a few seconds.")
    parser.add_argument("architecture", type=Path)
    parser.add_argument("parameters", type=Path, help="where to write the safetensors file")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    parameters, loss = train(arguments.architecture.read_bytes(), seconds=arguments.seconds)
    arguments.parameters.write_bytes(parameters)
    print(f"loss {loss:.6f}")


def train(architecture: bytes, *, seconds: float) -> tuple[bytes, float]:
    """Parameters trained for that long, and the last loss (mean squared error)."""
    module = build_module(architecture)
    optimizer = torch.optim.Adam(module.parameters(), lr=LEARNING_RATE)
    low, high = INTERVAL
    deadline = time.monotonic() + seconds
    loss = torch.tensor(float("inf"))
    while time.monotonic() < deadline:
        x = torch.rand(BATCH, 1) * (high - low) + low
        loss = torch.nn.functional.mse_loss(module(x), x * x)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return save_parameters(module), float(loss.detach())


if __name__ == "__main__":
    main()
