"""The examples in the docstrings of the tools are true."""

import doctest
import importlib

import pytest

pytestmark = pytest.mark.unit

MODULES = (
    "tools.coverage",
    "tools.mutants.accepted",
    "tools.mutants.places",
    "tools.mutants.rewrite",
    "tools.mutants.trials",
    "tools.mutants.workplace",
    "tools.slither",
    "tools.solidity",
)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings__each_example__gives_what_it_says(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
