"""What a project says about itself: each field's limits, and every reason to refuse a file."""

import json
from typing import Any

import pytest

from tests.kit.paths import ROOT
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.metadata import (
    MAX_ADDRESS,
    MAX_BYTES,
    MAX_ITEMS,
    MAX_TEXT,
    MAX_TITLE,
    Metadata,
    parse_metadata,
)

pytestmark = pytest.mark.unit

WHOLE: dict[str, Any] = {
    "format": "metadata/1",
    "title": "f(x) = x²",
    "description": "A line.\n\tAnother line.",
    "licence": "Apache-2.0",
    "tags": ["regression", "example"],
    "links": {"paper": "https://example.org/paper.pdf?page=2#results", "data": "ipfs://bafkdata/train.csv"},
    "dropBox": "https://drop.example.org:8443/put",
}
UNPRINTABLE = ["\x1b[2J", "\x00", "\x7f", "\x85", "\ud800"]


def write(**changes: Any) -> bytes:
    return json.dumps({**WHOLE, **changes}).encode()


def read_refusal(raw: bytes) -> Reason:
    with pytest.raises(Invalid) as caught:
        parse_metadata(raw)
    return caught.value.reason


# ---- what is accepted


def test_parse_metadata__every_field__is_read() -> None:
    assert parse_metadata(write()) == Metadata(
        title="f(x) = x²",
        description="A line.\n\tAnother line.",
        licence="Apache-2.0",
        tags=("regression", "example"),
        links=WHOLE["links"],
        drop_box="https://drop.example.org:8443/put",
    )


def test_parse_metadata__title_alone__other_fields_are_empty() -> None:
    assert parse_metadata(b'{"format": "metadata/1", "title": "t"}') == Metadata(title="t", links={})


def test_parse_metadata__the_examples_file__is_accepted() -> None:
    assert parse_metadata((ROOT / "examples" / "square" / "metadata.json").read_bytes()).title


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "t" * MAX_TITLE},
        {"title": "سلام‌ها"},  # with a joiner, which is no control character
        {"description": "d" * MAX_TEXT},
        {"licence": "l" * MAX_TITLE},
        {"tags": ["t" * MAX_TITLE] * MAX_ITEMS},
        {"links": {f"{number}": "https://a" for number in range(MAX_ITEMS)}},
        {"links": {"l" * MAX_TITLE: "http://a/" + "b" * (MAX_ADDRESS - 9)}},
        {"links": {"node": "http://[::1]:8080/"}},
        {"dropBox": ""},
        {"tags": [], "links": {}, "description": "", "licence": ""},
    ],
)
def test_parse_metadata__at_a_limit__is_accepted(changes: dict[str, Any]) -> None:
    parse_metadata(write(**changes))


def test_parse_metadata__longest_file__is_accepted_and_one_byte_more_is_not() -> None:
    raw = write()
    assert parse_metadata(raw + b" " * (MAX_BYTES - len(raw))) == parse_metadata(raw)
    assert read_refusal(raw + b" " * (MAX_BYTES - len(raw) + 1)) is Reason.OVERSIZE


# ---- what is refused


@pytest.mark.parametrize("found", [None, 1, "", "metadata/2", "metadata/1 ", ["metadata/1"]])
def test_parse_metadata__another_format__refused(found: Any) -> None:
    assert read_refusal(write(format=found)) is Reason.BAD_FORMAT


def test_parse_metadata__no_format__refused() -> None:
    assert read_refusal(b'{"title": "t"}') is Reason.BAD_FORMAT


def test_parse_metadata__no_title__refused() -> None:
    assert read_refusal(b'{"format": "metadata/1"}') is Reason.BAD_JSON


@pytest.mark.parametrize("name", ["owner", "Title", "drop_box", "", "formats"])
def test_parse_metadata__unknown_field__refused(name: str) -> None:
    assert read_refusal(write(**{name: "x"})) is Reason.BAD_JSON


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'"text"', b"{", b"\xff", b'{"format": "metadata/1", "title": "a", "title": "b"}']
)
def test_parse_metadata__no_object_in_json__refused(raw: bytes) -> None:
    assert read_refusal(raw) is Reason.BAD_JSON


@pytest.mark.parametrize("name", ["title", "description", "licence", "tags", "links", "dropBox"])
@pytest.mark.parametrize("value", [None, 5, True, {"a": {}}, [["a"]]])
def test_parse_metadata__field_of_another_type__refused(name: str, value: Any) -> None:
    assert read_refusal(write(**{name: value})) is Reason.BAD_JSON


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "t" * (MAX_TITLE + 1)},
        {"description": "d" * (MAX_TEXT + 1)},
        {"licence": "l" * (MAX_TITLE + 1)},
        {"tags": ["t"] * (MAX_ITEMS + 1)},
        {"tags": ["t" * (MAX_TITLE + 1)]},
        {"links": {f"{number}": "https://a" for number in range(MAX_ITEMS + 1)}},
        {"links": {"l" * (MAX_TITLE + 1): "https://a"}},
        {"links": {"l": "http://a/" + "b" * (MAX_ADDRESS - 8)}},
        {"dropBox": "http://a/" + "b" * (MAX_ADDRESS - 8)},
    ],
)
def test_parse_metadata__over_a_limit__refused(changes: dict[str, Any]) -> None:
    assert read_refusal(write(**changes)) is Reason.BAD_JSON


@pytest.mark.parametrize(
    "changes", [{"title": ""}, {"title": " \t "}, {"tags": [""]}, {"tags": ["  "]}, {"links": {"": "https://a"}}]
)
def test_parse_metadata__nothing_to_show__refused(changes: dict[str, Any]) -> None:
    assert read_refusal(write(**changes)) is Reason.BAD_JSON


@pytest.mark.parametrize("text", UNPRINTABLE)
@pytest.mark.parametrize("name", ["title", "description", "licence"])
def test_parse_metadata__control_characters_in_a_text__refused(name: str, text: str) -> None:
    assert read_refusal(write(**{name: f"a{text}b"})) is Reason.BAD_JSON


@pytest.mark.parametrize("text", UNPRINTABLE)
def test_parse_metadata__control_characters_in_a_tag_or_a_links_name__refused(text: str) -> None:
    assert read_refusal(write(tags=[f"a{text}"])) is Reason.BAD_JSON
    assert read_refusal(write(links={f"a{text}": "https://a"})) is Reason.BAD_JSON


@pytest.mark.parametrize("name", ["title", "licence"])
def test_parse_metadata__two_lines_where_one_belongs__refused(name: str) -> None:
    assert read_refusal(write(**{name: "a\nb"})) is Reason.BAD_JSON


BAD_ADDRESSES = [
    "",
    "example.org",
    "//example.org",
    "https:",
    "https://",
    "https:///path",
    "HTTPS://example.org",
    " https://example.org",
    "https://example.org\n",
    "https://example.org/a b",
    'https://example.org/"onclick="x',
    "https://example.org/<script>",
    "https://example.org/`id`",
    "https://exämple.org",
    "https://example.org/\u202eexe.gpj",
    "javascript:alert(1)",
    "javascript://example.org/%0aalert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "ftp://example.org/",
]


@pytest.mark.parametrize("address", [*BAD_ADDRESSES, 5, None, ["https://a"]])
def test_parse_metadata__bad_link__refused(address: Any) -> None:
    assert read_refusal(write(links={"paper": address})) is Reason.BAD_JSON


@pytest.mark.parametrize("address", [*BAD_ADDRESSES[1:], "ipfs://bafkdrop"])
def test_parse_metadata__bad_drop_box__refused(address: str) -> None:
    assert read_refusal(write(dropBox=address)) is Reason.BAD_JSON
