"""Metrics against scikit-learn, and where they are undefined."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as oracle

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.evaluator import METRIC_NAMES
from zarathustra.scoring.metrics import METRICS, compute_metric

pytestmark = pytest.mark.unit

Columns = NDArray[np.float64]
RANDOM = np.random.default_rng(7)
OUTPUTS = RANDOM.normal(size=(500, 3))
TARGETS = OUTPUTS + RANDOM.normal(size=(500, 3)) * [0.1, 1.0, 3.0]
LABELS = RANDOM.integers(0, 3, (500, 1)).astype(np.float64)
BINARY = RANDOM.integers(0, 2, (500, 1)).astype(np.float64)


def softmax(logits: Columns) -> Columns:
    exponentials: Columns = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Columns = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


@pytest.mark.parametrize(
    ("name", "outputs", "targets", "expected"),
    [
        ("r2", OUTPUTS, TARGETS, oracle.r2_score(TARGETS, OUTPUTS)),
        ("r2", OUTPUTS[:, :1], TARGETS[:, :1], oracle.r2_score(TARGETS[:, 0], OUTPUTS[:, 0])),
        ("mse", OUTPUTS, TARGETS, -oracle.mean_squared_error(TARGETS, OUTPUTS)),
        ("mae", OUTPUTS, TARGETS, -oracle.mean_absolute_error(TARGETS, OUTPUTS)),
        ("accuracy", OUTPUTS, LABELS, oracle.accuracy_score(LABELS[:, 0], OUTPUTS.argmax(axis=1))),
        ("f1", OUTPUTS, LABELS, oracle.f1_score(LABELS[:, 0], OUTPUTS.argmax(axis=1), average="macro")),
        ("f1", OUTPUTS[:, :2], BINARY, oracle.f1_score(BINARY[:, 0], OUTPUTS[:, :2].argmax(axis=1), average="macro")),
        ("auroc", OUTPUTS[:, :1], BINARY, oracle.roc_auc_score(BINARY[:, 0], OUTPUTS[:, 0])),
        ("auroc", OUTPUTS[:, :2], BINARY, oracle.roc_auc_score(BINARY[:, 0], OUTPUTS[:, 1] - OUTPUTS[:, 0])),
        ("auroc", OUTPUTS[:, :1].round(), BINARY, oracle.roc_auc_score(BINARY[:, 0], OUTPUTS[:, 0].round())),
        ("cross_entropy", OUTPUTS, LABELS, -oracle.log_loss(LABELS[:, 0], softmax(OUTPUTS))),
        (
            "cross_entropy",
            OUTPUTS[:, :1],
            BINARY,
            -oracle.log_loss(BINARY[:, 0], 1 / (1 + np.exp(-OUTPUTS[:, 0]))),
        ),
    ],
)
def test_compute_metric__random_data__equals_scikit_learn(
    name: str, outputs: Columns, targets: Columns, expected: float
) -> None:
    assert compute_metric(name, outputs, targets) == pytest.approx(expected, rel=1e-12)


def test_compute_metric__missing_class__f1_averages_the_present_classes() -> None:
    outputs, labels = np.eye(4)[[0, 0, 1]], np.array([[0.0], [1.0], [1.0]])
    expected = oracle.f1_score([0, 1, 1], [0, 0, 1], average="macro")
    assert compute_metric("f1", outputs, labels) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["r2", "mse", "mae"])
def test_compute_metric__worse_output__scores_lower(name: str) -> None:
    near, far = TARGETS + 0.01, TARGETS + 1.0
    assert compute_metric(name, far, TARGETS) < compute_metric(name, near, TARGETS)


@pytest.mark.parametrize(
    ("name", "outputs", "targets", "reason"),
    [
        ("r2", np.ones((4, 1)), np.ones((4, 1)), Reason.BAD_SCORE),
        ("auroc", np.ones((4, 1)), np.ones((4, 1)), Reason.BAD_SCORE),
        ("auroc", np.ones((4, 3)), np.ones((4, 1)), Reason.BAD_SHAPE),
        ("accuracy", np.ones((2, 3)), np.array([[0.0], [3.0]]), Reason.BAD_SCORE),
        ("accuracy", np.ones((2, 3)), np.array([[0.0], [-1.0]]), Reason.BAD_SCORE),
        ("f1", np.ones((2, 3)), np.array([[0.0], [0.5]]), Reason.BAD_SCORE),
        ("mse", np.ones((4, 2)), np.ones((4, 1)), Reason.BAD_SHAPE),
        ("cross_entropy", np.ones((4, 2)), np.ones((4, 2)), Reason.BAD_SHAPE),
    ],
)
def test_compute_metric__undefined__is_refused(name: str, outputs: Columns, targets: Columns, reason: Reason) -> None:
    with pytest.raises(Invalid) as caught:
        compute_metric(name, outputs, targets)
    assert caught.value.reason is reason


def test_compute_metric__huge_logits__stay_finite() -> None:
    assert compute_metric("cross_entropy", np.array([[1e4, -1e4]]), np.array([[1.0]])) == -2e4


def test_compute_metric__order_of_samples__does_not_change_a_bit() -> None:
    shuffled = np.random.default_rng(1).permutation(500)
    for name in ("mse", "mae"):
        assert compute_metric(name, OUTPUTS, TARGETS) == compute_metric(name, OUTPUTS[shuffled], TARGETS[shuffled])


def test_metrics__table__has_seven_metrics() -> None:
    assert set(METRICS) == {"r2", "mse", "mae", "accuracy", "f1", "auroc", "cross_entropy"}


def test_metrics__every_name_an_evaluator_may_use__is_computed() -> None:
    assert tuple(METRICS) == METRIC_NAMES
