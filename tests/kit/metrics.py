"""Reads a service's metrics."""

from zarathustra.telemetry.metrics import Metrics


def count(metrics: Metrics, name: str, **labels: str) -> float:
    """Return a sample's value; 0 where there is none yet."""
    return metrics.registry.get_sample_value(f"zarathustra_{metrics.service}_{name}", labels) or 0.0
