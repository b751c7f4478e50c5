"""Metrics in float64 with exactly rounded sums. Higher is better.

The same outputs give the same number on every machine, except for `cross_entropy`: the last bits of numpy's exp and log
depend on the processor.

`outputs` is samples × columns, from the model. For regression `targets` has the same shape. For classification
`targets` holds one integer label per sample, and the outputs are logits: one column per class, or a single column for
the positive class of two.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason

Columns = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Metric:
    compute: Callable[[Columns, Columns], float]
    is_classification: bool


def compute_metric(name: str, outputs: Columns, targets: Columns) -> float:
    """Compute the score of `outputs`. Raises Invalid(BAD_SHAPE) or Invalid(BAD_SCORE) if it is undefined."""
    metric = METRICS[name]
    width = 1 if metric.is_classification else outputs.shape[1]
    if targets.shape != (outputs.shape[0], width):
        raise Invalid(Reason.BAD_SHAPE, "target and output differ in shape", target=targets.shape, output=outputs.shape)
    return metric.compute(outputs, targets)


def _sum(values: NDArray[np.float64]) -> float:
    return math.fsum(values.ravel().tolist())


def _compute_r2(outputs: Columns, targets: Columns) -> float:
    """Return the mean over the columns of 1 − residual sum of squares / total sum of squares."""
    scores = []
    for output, target in zip(outputs.T, targets.T, strict=True):
        total = _sum(np.square(target - _sum(target) / target.size))
        if total == 0:
            raise Invalid(Reason.BAD_SCORE, "r2 of a constant target is undefined")
        scores.append(1 - _sum(np.square(target - output)) / total)
    return math.fsum(scores) / len(scores)


def _compute_mse(outputs: Columns, targets: Columns) -> float:
    return -_sum(np.square(outputs - targets)) / outputs.size


def _compute_mae(outputs: Columns, targets: Columns) -> float:
    return -_sum(np.abs(outputs - targets)) / outputs.size


def _compute_accuracy(outputs: Columns, targets: Columns) -> float:
    logits, labels = _to_classes(outputs, targets)
    return int((logits.argmax(axis=1) == labels).sum()) / labels.size


def _compute_f1(outputs: Columns, targets: Columns) -> float:
    """Return the mean F1 over all classes that are predicted or present."""
    logits, labels = _to_classes(outputs, targets)
    predicted = logits.argmax(axis=1)
    scores = []
    for label in np.union1d(predicted, labels).tolist():
        hits = int(((predicted == label) & (labels == label)).sum())
        scores.append(2 * hits / (int((predicted == label).sum()) + int((labels == label).sum())))
    return math.fsum(scores) / len(scores)


def _compute_auroc(outputs: Columns, targets: Columns) -> float:
    """Return the probability that a positive ranks above a negative. Ties count half; two classes only."""
    logits, labels = _to_classes(outputs, targets)
    if logits.shape[1] != 2:
        raise Invalid(Reason.BAD_SHAPE, "auroc is for two classes", classes=logits.shape[1])
    positives = int(labels.sum())
    negatives = labels.size - positives
    if 0 in (positives, negatives):
        raise Invalid(Reason.BAD_SCORE, "auroc of one class is undefined")

    _, ranks, counts = np.unique(logits[:, 1] - logits[:, 0], return_inverse=True, return_counts=True)
    twice_mean_rank = 2 * np.cumsum(counts) - counts + 1  # integers: exact
    wins = int(twice_mean_rank[ranks][labels == 1].sum()) - positives * (positives + 1)
    return wins / (2 * positives * negatives)


def _compute_cross_entropy(outputs: Columns, targets: Columns) -> float:
    logits, labels = _to_classes(outputs, targets)
    shifted = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    totals = np.array([math.fsum(row) for row in exponentials.tolist()])
    losses = np.log(totals) - shifted[np.arange(labels.size), labels]
    return -_sum(losses) / labels.size


def _to_classes(outputs: Columns, targets: Columns) -> tuple[Columns, Labels]:
    """Return logits with one column per class, and labels that are indices of these columns."""
    logits = np.hstack([np.zeros_like(outputs), outputs]) if outputs.shape[1] == 1 else outputs
    labels = targets[:, 0].astype(np.int64)
    if not ((labels == targets[:, 0]) & (labels >= 0) & (labels < logits.shape[1])).all():
        raise Invalid(Reason.BAD_SCORE, "target is not a class of the output", classes=logits.shape[1])
    return logits, labels


METRICS: Mapping[str, Metric] = {
    "r2": Metric(_compute_r2, is_classification=False),
    "mse": Metric(_compute_mse, is_classification=False),
    "mae": Metric(_compute_mae, is_classification=False),
    "accuracy": Metric(_compute_accuracy, is_classification=True),
    "f1": Metric(_compute_f1, is_classification=True),
    "auroc": Metric(_compute_auroc, is_classification=True),
    "cross_entropy": Metric(_compute_cross_entropy, is_classification=True),
}
