"""An evaluator for the simnet: numpy, in this process, for models of Linear and ReLU.

Parsers, draws, targets, metrics and the attribution of faults are the production's; only the model's arithmetic is
here, so that no simnet test needs torch or a jail. The real evaluator has tiers of its own (unit, golden, sandbox).
Its scores are rounded as there, but are not meant to be equal to torch's.
"""

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zarathustra.core.promotion import sub_seed
from zarathustra.core.types import Micro
from zarathustra.formats.architecture import Architecture, Node, parse_architecture
from zarathustra.formats.evaluator import parse_evaluator, validate_work
from zarathustra.formats.parameters import Tensors, parse_parameters
from zarathustra.scoring.fault import evaluate as attribute_faults
from zarathustra.scoring.jobs import ScoringJob, Versions
from zarathustra.scoring.metrics import compute_metric
from zarathustra.wire.evaluator import EvaluateRequest, EvaluateResult

VERSIONS = Versions(torch="none", numpy="simnet", cpu="any")  # the same for all: reports must be equal

Columns = NDArray[np.float64]


async def evaluate(request: EvaluateRequest) -> EvaluateResult:
    """Answer as the evaluator service does; the same request gives the same integers."""
    return await attribute_faults(_score, request, VERSIONS)


async def _score(job: ScoringJob) -> tuple[Micro, ...]:
    return _score_once(job)


@lru_cache(maxsize=1024)  # every operator asks the same
def _score_once(job: ScoringJob) -> tuple[Micro, ...]:
    architecture = parse_architecture(job.architecture)
    evaluator = parse_evaluator(job.evaluator)
    validate_work(architecture, evaluator, job.rounds)
    tensors = parse_parameters(job.parameters, architecture.tensors)
    scores = []
    for number in range(job.rounds):
        samples = evaluator.draw(architecture.inputs, sub_seed(job.seed, number))
        output = _run(architecture, tensors, samples)
        score = compute_metric(evaluator.metric, output, evaluator.compute_target(samples))
        scores.append(Micro(round(Fraction(score) * 1_000_000)))
    return tuple(scores)


def _run(architecture: Architecture, tensors: Tensors, samples: dict[str, NDArray[Any]]) -> Columns:
    values: dict[str, Columns] = {name: drawn.astype(np.float64) for name, drawn in samples.items()}
    for node in architecture.nodes:
        values[node.id] = _apply(node, tensors, values[node.sources[0]])
    (name,) = architecture.outputs
    return values[name].reshape(values[name].shape[0], -1)


def _apply(node: Node, tensors: Tensors, value: Columns) -> Columns:
    if node.op == "ReLU":
        return np.maximum(value, 0.0)
    if node.op == "Linear":
        # Multiplied and summed feature by feature: BLAS may choose its order of summation by the machine.
        weight, bias = tensors[f"{node.id}.weight"].astype(np.float64), tensors[f"{node.id}.bias"].astype(np.float64)
        result = np.tile(bias, (value.shape[0], 1))
        for feature in range(weight.shape[1]):
            result += value[:, feature : feature + 1] * weight[:, feature]
        return result
    raise NotImplementedError(f"the simnet's evaluator knows no {node.op}")
