"""How deep brackets nest, before a parser sees them."""

import pytest

from zarathustra.core.nesting import MAX_NESTING, is_nested_too_deep

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_is_nested_too_deep__one_level_over_the_limit__is_true(pair: str) -> None:
    opening, closing = pair
    assert not is_nested_too_deep(opening * MAX_NESTING + closing * MAX_NESTING)
    assert is_nested_too_deep(opening * (MAX_NESTING + 1))


@pytest.mark.parametrize(
    "text", ["[]" * 1_000, '"' + "[" * 1_000 + '"', '"\\"' + "[" * 1_000 + '"', "]" * 1_000 + "[" * 1_000]
)
def test_is_nested_too_deep__side_by_side_or_in_a_string__is_false(text: str) -> None:
    assert not is_nested_too_deep(text)
