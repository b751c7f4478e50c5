"""`metadata/1`: what a project says about itself. No evaluation reads it; pages and commands show it.

{"format": "metadata/1",
 "title": "f(x) = x²",
 "description": "…", "licence": "Apache-2.0", "tags": ["regression"],      all optional
 "links": {"paper": "https://…"}, "dropBox": "https://…"}                  dropBox: where contributors put parameters
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.strict_json import expect_list, expect_object, parse_object, validate_keys

FORMAT: Final = "metadata/1"
MAX_BYTES: Final = 16 * 1024
MAX_TITLE: Final = 120  # characters: a title fits on one line
MAX_TEXT: Final = 8_000
MAX_ITEMS: Final = 32  # of tags and of links


@dataclass(frozen=True)
class Metadata:
    """Checked for size and type only: show every text as text, never as markup, and no link without its address."""

    title: str
    description: str = ""
    licence: str = ""
    tags: tuple[str, ...] = ()
    links: Mapping[str, str] | None = None
    drop_box: str = ""


def parse_metadata(raw: bytes) -> Metadata:
    """Parse and check a metadata file. Raises Invalid with the reason why it is refused."""
    document = parse_object(raw, max_bytes=MAX_BYTES)
    if document.get("format") != FORMAT:
        raise Invalid(Reason.BAD_FORMAT, "format is not metadata/1")
    optional = ("description", "licence", "tags", "links", "dropBox")
    validate_keys(document, "metadata", required=("format", "title"), optional=optional)
    tags = expect_list(document.get("tags", []), "tags", low=0, high=MAX_ITEMS)
    links = expect_object(document.get("links", {}), "links")
    if len(links) > MAX_ITEMS:
        raise Invalid(Reason.BAD_JSON, "links has too many items", limit=MAX_ITEMS)
    title = _expect_text(document["title"], "title", MAX_TITLE)
    if not title.strip():
        raise Invalid(Reason.BAD_JSON, "title is empty")
    return Metadata(
        title=title,
        description=_expect_text(document.get("description", ""), "description", MAX_TEXT),
        licence=_expect_text(document.get("licence", ""), "licence", MAX_TITLE),
        tags=tuple(_expect_text(tag, "tag", MAX_TITLE) for tag in tags),
        links={name: _expect_text(link, "link", MAX_TEXT) for name, link in links.items()},
        drop_box=_expect_text(document.get("dropBox", ""), "dropBox", MAX_TEXT),
    )


def _expect_text(value: object, name: str, limit: int) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise Invalid(Reason.BAD_JSON, f"{name} is not a text of at most {limit} characters")
    return value
