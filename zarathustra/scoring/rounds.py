"""The score of a model: float64, one thread, batches of 64, exact sums, rounded once to an integer.

The float32 guard scores the same model again in float32 and refuses it as unstable if the means differ. It is aimed at
weights whose large values cancel: there rounding, and so the choice of the machine, would decide the score.
"""

import math
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zarathustra.core.errors import Invalid
from zarathustra.core.promotion import sub_seed
from zarathustra.core.reasons import Reason
from zarathustra.core.types import MAX_SCORE_MICRO, Micro, Seed
from zarathustra.formats.architecture import MICRO_BATCH, Architecture
from zarathustra.formats.evaluator import Evaluator, Samples
from zarathustra.formats.parameters import Tensors
from zarathustra.scoring.metrics import compute_metric
from zarathustra.scoring.model import GraphModule, build_with

MAX_SCORE = MAX_SCORE_MICRO / 1e6
STABILITY = 1e-4  # how far the float32 mean may be from the float64 mean; relative to means beyond ±1


def configure_torch() -> None:
    """Use one thread and torch's own kernels: oneDNN and NNPACK choose kernels by processor and generate code."""
    torch.set_num_threads(1)
    torch.backends.mkldnn.set_flags(False)  # type: ignore[no-untyped-call]  # torch's
    torch.backends.nnpack.set_flags(False)  # type: ignore[no-untyped-call]  # torch's


def score_model(
    architecture: Architecture, evaluator: Evaluator, tensors: Tensors, *, seed: Seed, rounds: int
) -> list[Micro]:
    """Compute one integer score per round. Raises Invalid with the reason why there is no score."""
    # Copied, because the file's bytes are read-only and torch has no read-only tensors.
    loaded = {name: torch.from_numpy(np.array(values, dtype=np.float32)) for name, values in tensors.items()}
    official = build_with(architecture, loaded, torch.float64)
    guard = build_with(architecture, loaded, torch.float32)

    scores: list[float] = []
    guard_scores: list[float] = []
    for round_number in range(rounds):
        samples = evaluator.draw(architecture.inputs, sub_seed(seed, round_number))
        target = evaluator.compute_target(samples)
        scores.append(_score_round(official, evaluator, samples, target))
        guard_scores.append(_score_guard_round(guard, evaluator, samples, target))
    _validate_stability(scores, guard_scores)
    return [to_micro(score) for score in scores]


def to_micro(score: float) -> Micro:
    """Convert a score to micro, rounded half to even from the float's exact value."""
    return Micro(round(Fraction(score) * 1_000_000))


def _score_round(module: GraphModule, evaluator: Evaluator, samples: Samples, target: NDArray[np.float64]) -> float:
    output = _run(module, samples)
    if not np.isfinite(output).all():
        raise Invalid(Reason.NOT_FINITE, "output holds NaN or infinity")
    try:
        score = compute_metric(evaluator.metric, output, target)
    except OverflowError as error:  # fsum of finite values can overflow
        raise Invalid(Reason.OUT_OF_RANGE, "compute metric") from error
    if not math.isfinite(score) or abs(score) > MAX_SCORE:
        raise Invalid(Reason.OUT_OF_RANGE, "score is beyond ±1000", score=score)
    return score


def _score_guard_round(
    module: GraphModule, evaluator: Evaluator, samples: Samples, target: NDArray[np.float64]
) -> float:
    try:
        return _score_round(module, evaluator, samples, target)
    except Invalid as error:
        raise Invalid(Reason.UNSTABLE, "score in float32", cause=error.reason.code) from error


def _run(module: GraphModule, samples: Samples) -> NDArray[np.float64]:
    """Compute the outputs for all samples, flattened to samples × columns."""
    dtype = next((parameter.dtype for parameter in module.parameters()), torch.float64)
    tensors = [_to_tensor(samples[item.id], dtype) for item in module.architecture.inputs]
    count = tensors[0].shape[0]
    batches: list[NDArray[np.float64]] = []
    with torch.inference_mode():
        for start in range(0, count, MICRO_BATCH):
            output = module(*(tensor[start : start + MICRO_BATCH] for tensor in tensors))
            batches.append(output.reshape(output.shape[0], -1).to(torch.float64).numpy())
    return np.concatenate(batches)


def _to_tensor(values: NDArray[np.float64] | NDArray[np.int64], dtype: torch.dtype) -> Tensor:
    """Convert drawn values for the module: integers stay int64, other values get the module's dtype."""
    return torch.from_numpy(values).to(torch.int64 if values.dtype == np.int64 else dtype)


def _validate_stability(scores: list[float], guard_scores: list[float]) -> None:
    mean, guard_mean = math.fsum(scores) / len(scores), math.fsum(guard_scores) / len(scores)
    if abs(mean - guard_mean) > STABILITY * max(1.0, abs(mean)):
        raise Invalid(Reason.UNSTABLE, "float32 and float64 differ", float64=mean, float32=guard_mean)
