"""The folder of the example: its files fit each other."""

import pytest

from devnet.example import INITIAL_SEED, build_random_parameters, load_artefacts
from zarathustra.formats.architecture import parse_architecture
from zarathustra.formats.evaluator import parse_evaluator, validate_work
from zarathustra.formats.parameters import parse_parameters

pytestmark = pytest.mark.unit


def test_square__files__fit_each_other() -> None:
    artefacts = load_artefacts()
    architecture = parse_architecture(artefacts.architecture)
    parse_parameters(artefacts.parameters, architecture.tensors)
    validate_work(architecture, parse_evaluator(artefacts.evaluator), rounds=128)


def test_square__initial_parameters__are_untrained() -> None:
    artefacts = load_artefacts()
    assert artefacts.parameters == build_random_parameters(artefacts.architecture, seed=INITIAL_SEED)
