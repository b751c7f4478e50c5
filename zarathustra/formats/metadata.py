"""`metadata/1`: what a project says about itself. No evaluation reads it; pages and commands show it.

{"format": "metadata/1",
 "title": "f(x) = x²",
 "description": "…", "licence": "Apache-2.0", "tags": ["regression"],      all optional
 "links": {"paper": "https://…"}, "dropBox": "https://…"}                  dropBox: where contributors put parameters
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from unicodedata import category

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.formats.strict_json import expect_list, expect_object, parse_object, validate_keys

FORMAT: Final = "metadata/1"
MAX_BYTES: Final = 16 * 1024
MAX_TITLE: Final = 120  # characters: a title fits on one line
MAX_TEXT: Final = 8_000
MAX_ADDRESS: Final = 2_000  # characters; longer ones do not work in every browser
MAX_ITEMS: Final = 32  # of tags and of links
LINK_SCHEMES: Final = ("https", "http", "ipfs")  # others, such as javascript: and file:, run or read what is local
DROP_BOX_SCHEMES: Final = ("https", "http")  # contributors' tools send parameters there
# A scheme, a host, and the rest: ASCII without spaces, controls and what could end an address in a page or a shell.
_ADDRESS: Final = re.compile(r"""([a-z]+)://[A-Za-z0-9\[][^\x00-\x20"'<>\\^`{|}\x7f-\U0010ffff]*""")
# Controls, and halves of surrogate pairs: a terminal obeys the first, and nothing can print the second.
_UNPRINTABLE: Final = ("Cc", "Cs")


@dataclass(frozen=True)
class Metadata:
    """Checked for form only. Show every text as text, never as markup, and no link without its address.

    An address is well formed, not safe: it leads to what the owner chose.
    """

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
    return Metadata(
        title=_expect_name(document["title"], "title"),
        description=_expect_text(document.get("description", ""), "description", MAX_TEXT, allowed="\n\t"),
        licence=_expect_text(document.get("licence", ""), "licence", MAX_TITLE),
        tags=tuple(_expect_name(tag, "tag") for tag in tags),
        links=_parse_links(document.get("links", {})),
        drop_box=_parse_drop_box(document.get("dropBox", "")),
    )


def _parse_links(value: object) -> Mapping[str, str]:
    links = expect_object(value, "links")
    if len(links) > MAX_ITEMS:
        raise Invalid(Reason.BAD_JSON, "links has too many items", limit=MAX_ITEMS)
    return {_expect_name(name, "name of a link"): _expect_address(link, LINK_SCHEMES) for name, link in links.items()}


def _parse_drop_box(value: object) -> str:
    return "" if value == "" else _expect_address(value, DROP_BOX_SCHEMES)


def _expect_address(value: object, schemes: tuple[str, ...]) -> str:
    address = _expect_text(value, "address", MAX_ADDRESS)
    found = _ADDRESS.fullmatch(address)
    if found is None or found[1] not in schemes:
        raise Invalid(Reason.BAD_JSON, "address is not a URL of an allowed scheme", schemes=schemes, found=address[:64])
    return address


def _expect_name(value: object, name: str) -> str:
    text = _expect_text(value, name, MAX_TITLE)
    if not text.strip():
        raise Invalid(Reason.BAD_JSON, f"{name} is empty")
    return text


def _expect_text(value: object, name: str, limit: int, *, allowed: str = "") -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise Invalid(Reason.BAD_JSON, f"{name} is not a text of at most {limit} characters")
    if any(category(one) in _UNPRINTABLE and one not in allowed for one in value):
        raise Invalid(Reason.BAD_JSON, f"{name} has control characters")
    return value
