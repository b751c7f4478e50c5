"""Scoring a model: architecture, parameters, evaluator, metrics, sandbox, report."""
