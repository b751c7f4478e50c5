"""Killing any service between any two records changes neither the records' ids nor the chain.

By default up to six points of each kind and service are tried, about 65 of 225, the same ones every time;
SIMNET_CRASH_POINTS=all tries every one (some minutes). How many were tried is in the JUnit report.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from tests.kit.simnet.connections import Moment
from tests.kit.simnet.crashes import (
    SERVICES,
    Outcome,
    choose_points,
    list_points,
    prepare_stage,
    run,
    run_with_absence,
)
from tests.kit.simnet.stage import Stage

pytestmark = pytest.mark.simnet

POINTS_PER_MOMENT = 6  # of each service


@dataclass(frozen=True)
class Undisturbed:
    stage: Stage
    outcome: Outcome
    passed: Mapping[tuple[str, Moment], int]


@pytest.fixture(scope="module")
def undisturbed(own_stage: Stage) -> Undisturbed:
    prepare_stage(own_stage)
    outcome, passed = run(own_stage)
    return Undisturbed(own_stage, outcome, passed)


def test_simnet__undisturbed_twice__same_records(undisturbed: Undisturbed) -> None:
    outcome, passed = run(undisturbed.stage)

    assert outcome == undisturbed.outcome
    assert passed == undisturbed.passed
    assert {service for service, _ in passed} == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_simnet__service_killed_between_two_records__same_records(
    undisturbed: Undisturbed, service: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    points = list_points(undisturbed.passed, service)
    is_all = os.environ.get("SIMNET_CRASH_POINTS") == "all"
    chosen = points if is_all else choose_points(points, POINTS_PER_MOMENT)
    record_testsuite_property(f"crash points of {service}", f"{len(chosen)} of {len(points)}")

    for point in chosen:
        outcome, _ = run(undisturbed.stage, point)
        expected = undisturbed.outcome
        assert outcome == expected, point


@pytest.mark.parametrize("service", SERVICES)
def test_simnet__service_down_while_it_was_needed__same_outcome_and_credits(
    undisturbed: Undisturbed, service: str
) -> None:
    outcome = run_with_absence(undisturbed.stage, service)

    # Blocks and ids may differ: another operator may have performed, later. The outcome and the credits must not.
    assert outcome.submission == undisturbed.outcome.submission
    assert outcome.project == undisturbed.outcome.project
    assert outcome.credits == undisturbed.outcome.credits
