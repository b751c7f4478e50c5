"""How a contributor trains: any torch loop on the published architecture, then `save_parameters`.

python examples/square/train.py ARCHITECTURE_FILE PARAMETERS_FILE --seconds 3
"""

import argparse
import time
from pathlib import Path

import torch

from zarathustra.scoring.model import build_module, save_parameters

INTERVAL = (-2.0, 2.0)  # `evaluator.json` draws x from it
BATCH = 512
LEARNING_RATE = 5e-3
BETA_MEAN, BETA_SQUARE, EPSILON = 0.9, 0.999, 1e-8


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
    """Train for `seconds`. Return the parameters and the last loss (mean squared error)."""
    module = build_module(architecture)
    adam = Adam(list(module.parameters()))
    low, high = INTERVAL
    deadline = time.monotonic() + seconds
    loss = torch.tensor(float("inf"))
    while time.monotonic() < deadline:
        x = torch.rand(BATCH, 1) * (high - low) + low
        loss = torch.nn.functional.mse_loss(module(x), x * x)
        adam.step(loss)
    return save_parameters(module), float(loss.detach())


class Adam:
    """Adam in a few lines: `torch.optim.Adam` first imports torch's compiler, which takes longer than the training."""

    def __init__(self, parameters: list[torch.Tensor]) -> None:
        self._parameters = parameters
        self._means = [torch.zeros_like(parameter) for parameter in parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in parameters]
        self._steps = 0

    def step(self, loss: torch.Tensor) -> None:
        """Make one step against the gradient of `loss`."""
        self._steps += 1
        gradients = torch.autograd.grad(loss, self._parameters)
        with torch.no_grad():
            for parameter, gradient, mean, square in zip(
                self._parameters, gradients, self._means, self._squares, strict=True
            ):
                mean.lerp_(gradient, 1 - BETA_MEAN)
                square.lerp_(gradient * gradient, 1 - BETA_SQUARE)
                unbiased = mean / (1 - BETA_MEAN**self._steps)
                spread = (square / (1 - BETA_SQUARE**self._steps)).sqrt()
                parameter.sub_(LEARNING_RATE * unbiased / (spread + EPSILON))


if __name__ == "__main__":
    main()
