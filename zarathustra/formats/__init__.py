"""Readers of what strangers publish: architectures, parameters, evaluators and reports. None needs torch."""
