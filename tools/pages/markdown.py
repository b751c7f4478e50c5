"""The parts of a generated page."""

from collections.abc import Iterable, Sequence
from textwrap import wrap

MAX_WIDTH = 120


def build_page(title: str, source: str, *blocks: str) -> str:
    """A page whose first line says where it comes from. Blocks are separated by blank lines."""
    first = f"*Written by `make generate` from {source}. Do not edit this page.*"
    return "\n\n".join([first, f"# {title}", *blocks]) + "\n"


def build_paragraph(text: str, *, first: str = "", indent: str = "") -> str:
    """Running text in lines of at most MAX_WIDTH characters."""
    lines = wrap(
        text,
        MAX_WIDTH,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)


def build_list(items: Iterable[str]) -> str:
    """A list with one bullet an item."""
    return "\n".join(build_paragraph(item, first="- ", indent="  ") for item in items)


def build_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells must hold no line break."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def build_code(text: str) -> str:
    """A fenced block."""
    return f"```\n{text}\n```"


def fill_between(text: str, start: str, end: str, content: str, *, of: str) -> str:
    """The text with the content between its two markers. Raises ValueError that says what lacks them."""
    before, found_start, rest = text.partition(start)
    _, found_end, after = rest.partition(end)
    if not found_start or not found_end:
        raise ValueError(f"{of} lacks the markers {start} and {end}")
    return f"{before}{start}\n\n{content}\n\n{end}{after}"


def quote(text: str) -> str:
    """A literal, set as code."""
    return f"`{text}`"


def capitalise(text: str) -> str:
    """The text with its first letter in upper case and the others as they are."""
    return text[:1].upper() + text[1:]
