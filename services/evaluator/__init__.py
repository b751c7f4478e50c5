"""Evaluator service: scores strangers' models in a jail. No keys, no bus, no chain."""
