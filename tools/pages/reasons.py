"""`docs/reference/reasons.md`: every reason, by group."""

from itertools import groupby

from tools.pages.markdown import build_list, build_page, build_paragraph, capitalise
from zarathustra.core.reasons import Reason

INTRODUCTION = """\
A reason says why something failed. Its code is the same word in the log, the metric, the dead letter, the report and
the message of the command line. `zarathustra reason CODE` prints the text of one. Codes are never renamed and never
used for something else, because reports and dead letters keep them.
"""


def build_reasons() -> str:
    """The page."""
    blocks = [build_paragraph(INTRODUCTION)]
    for group, reasons in groupby(Reason, key=lambda reason: reason.group):
        blocks += [f"## {capitalise(group)}", build_list(map(_describe, reasons))]
    return build_page("Reasons", "`zarathustra/core/reasons.py`", *blocks)


def _describe(reason: Reason) -> str:
    return f"`{reason.code}`: {reason.short}. {reason.long}"
