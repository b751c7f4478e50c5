"""The reason table: every code has one reason, with texts for people."""

from enum import Enum

import pytest

from zarathustra.core.reasons import Reason, ReasonText, index_by_code

pytestmark = pytest.mark.unit

REQUIRED = ReasonText("required", "is required", "Give it.", group="tests")


class Ambiguous(Enum):
    """Two reasons that share a code, with different texts."""

    ONE = REQUIRED
    OTHER = ReasonText("required", "is wanted", "Give it all the same.", group="tests")

    @property
    def code(self) -> str:
        return self.value.code


class Repeated(Enum):
    """Two names for one value: Python makes the second an alias of the first."""

    ONE = REQUIRED
    AGAIN = REQUIRED  # noqa: PIE796  (what this test is about)

    @property
    def code(self) -> str:
        return self.value.code


@pytest.mark.parametrize(("table", "names"), [(Ambiguous, "ONE and OTHER"), (Repeated, "ONE and AGAIN")])
def test_index_by_code__two_reasons_with_one_code__are_refused(table: type[Enum], names: str) -> None:
    with pytest.raises(ValueError, match=f"{names} share the reason code required"):
        index_by_code(table.__members__)  # type: ignore[arg-type]  # the function needs only names and codes


def test_from_code__every_reason__is_found_by_its_code() -> None:
    assert all(Reason.from_code(reason.code) is reason for reason in Reason)


def test_reasons__texts__fit_a_table_and_end_as_sentences() -> None:
    for reason in Reason:
        assert reason.code == reason.name.lower()
        assert len(reason.short) <= 32
        assert reason.long.endswith(".")
