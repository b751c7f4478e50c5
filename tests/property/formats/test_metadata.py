"""Metadata from strangers: every file is parsed or refused, and what is parsed keeps its limits."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.metadata import MAX_BYTES, MAX_ITEMS, MAX_TEXT, MAX_TITLE, parse_metadata

pytestmark = pytest.mark.property

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=200),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = ("title", "description", "licence", "tags", "links", "dropBox")
PRINTABLE = st.characters(exclude_categories=["Cc", "Cs"])
LINES = st.text(PRINTABLE, min_size=1, max_size=MAX_TITLE).filter(lambda text: bool(text.strip()))
PATHS = st.text("abcXYZ019-._~:/?#[]@!$&()*+,;=%", max_size=60)


@st.composite
def addresses(draw: st.DrawFn, schemes: tuple[str, ...]) -> str:
    return f"{draw(st.sampled_from(schemes))}://{draw(st.sampled_from('aZ0['))}{draw(PATHS)}"


WHOLE = st.fixed_dictionaries(
    {"format": st.just("metadata/1"), "title": LINES},
    optional={
        "description": st.text(PRINTABLE | st.sampled_from("\n\t"), max_size=200),
        "licence": st.text(PRINTABLE, max_size=MAX_TITLE),
        "tags": st.lists(LINES, max_size=4),
        "links": st.dictionaries(LINES, addresses(("https", "http", "ipfs")), max_size=4),
        "dropBox": st.just("") | addresses(("https", "http")),
    },
)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_parse_metadata__any_bytes__refused_with_a_reason(raw: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        parse_metadata(raw)
    assert caught.value.reason in {Reason.BAD_JSON, Reason.BAD_FORMAT}


@given(WHOLE)
def test_parse_metadata__valid_file__every_field_is_what_was_written(document: dict[str, Any]) -> None:
    metadata = parse_metadata(json.dumps(document, ensure_ascii=False).encode())
    assert metadata.title == document["title"]
    assert metadata.description == document.get("description", "")
    assert metadata.licence == document.get("licence", "")
    assert metadata.tags == tuple(document.get("tags", []))
    assert metadata.links == document.get("links", {})
    assert metadata.drop_box == document.get("dropBox", "")


@given(WHOLE, st.integers(0, 64))
def test_parse_metadata__longer_than_the_limit__refused_before_it_is_parsed(
    document: dict[str, Any], more: int
) -> None:
    raw = json.dumps(document).encode()
    with pytest.raises(Invalid) as caught:
        parse_metadata(raw + b" " * (MAX_BYTES - len(raw) + 1 + more))
    assert caught.value.reason is Reason.OVERSIZE


@given(WHOLE, st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=10), VALUES, max_size=3))
def test_parse_metadata__any_other_values__refused_or_within_every_limit(
    document: dict[str, Any], changes: dict[str, Any]
) -> None:
    with suppress(Invalid):
        metadata = parse_metadata(json.dumps({**document, **changes}).encode())
        texts = [metadata.title, metadata.licence, *metadata.tags, *(metadata.links or {})]
        assert all(len(text) <= MAX_TITLE and "\n" not in text for text in texts)
        assert len(metadata.description) <= MAX_TEXT
        assert len(metadata.tags) <= MAX_ITEMS
        assert len(metadata.links or {}) <= MAX_ITEMS
        assert not set(changes) - set(NAMES) - {"format"}
        assert all(address.isascii() and "://" in address for address in (metadata.links or {}).values())
