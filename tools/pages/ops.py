"""`docs/ops.md`: the ops of `architecture/1`."""

import inspect
import re
from collections.abc import Mapping

from tools.pages.markdown import build_list, build_page, build_paragraph, quote
from zarathustra.formats.operations import (
    MAX_DIMENSION,
    MAX_RANK,
    OPERATIONS,
    ArgumentKind,
    Dimensions,
    Flag,
    Integer,
    Number,
    Operation,
)

PROTOCOL = """\
**This table is part of the protocol.** A new op changes which artefacts every operator accepts: an operator that does
not know it concludes EVALUATOR_FAILED where others score. So a new op is a protocol change: all operators upgrade
before the first project uses it, `CHANGELOG.md` has an entry for them, and `tests/golden/evaluation.json` gets new
cases. No op is ever changed or removed. `docs/architecture.md` lists the files to touch.
"""
NOTATION = """\
Shapes are those of one sample, without the batch; dimension 1 is the first one of a sample. `*name` stands for any
number of dimensions. In the formulas n is the number of elements of one input, m that of the output, c the number of
inputs, d the number of dimensions of space; `*kernel` is `kernel_size`, d times; `//` divides and rounds down. FLOPs
and workspace (elements that are held only while the op runs) are per sample. Tensors are float32; one that is *not
trained* is stored but does not count as a parameter. The words behind a shape are a condition. Where an input does
not fit shape and condition, or a size of the output would be less than 1, the architecture is refused with
`bad_shape`.
"""
RULES = ("takes", "gives", "stores", "flops", "workspace")


def build_ops() -> str:
    """The page."""
    blocks = [build_paragraph(PROTOCOL), build_paragraph(NOTATION)]
    for name, operation in OPERATIONS.items():
        blocks += [f"## {name}", build_list(_describe(name, operation))]
    return build_page("Ops", "`zarathustra/formats/operations.py`", *blocks)


def parse_closed_form(name: str, operation: Operation) -> Mapping[str, str]:
    """The rules in the measure's docstring. Raises ValueError when it is missing or has other rules."""
    lines = re.sub(r"\n\s+(?!\w+: )", " ", inspect.getdoc(operation.measure) or "").split("\n")
    rules = dict(line.partition(": ")[::2] for line in lines)
    if not {"takes", "gives", "flops"} <= rules.keys() or not rules.keys() <= set(RULES):
        raise ValueError(f"{name}: the docstring of its measure must have the lines {', '.join(RULES)}, not {lines}")
    return rules


def _describe(name: str, operation: Operation) -> list[str]:
    rules = parse_closed_form(name, operation)
    inputs = "one input" if operation.max_inputs == 1 else f"2 to {operation.max_inputs} inputs"
    stored = [part.strip() for part in rules["stores"].split(";")] if "stores" in rules else []
    items = [
        f"computes: {operation.meaning}",
        f"takes: {inputs}, {_quote_formula(rules['takes'])}",
        *(f"argument {quote(key)}: {_describe_argument(kind)}" for key, kind in operation.arguments.items()),
        f"gives: {_quote_formula(rules['gives'])}",
        *(f"tensor {_describe_tensor(tensor)}" for tensor in stored),
        f"FLOPs: {quote(rules['flops'])}",
    ]
    return items + ([f"workspace: {quote(rules['workspace'])}"] if "workspace" in rules else [])


def _quote_formula(rule: str) -> str:
    """The formula in front of a rule's words, set as code."""
    if not rule.startswith("("):
        return rule
    depth = 0
    for end, letter in enumerate(rule, start=1):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return quote(rule[:end]) + rule[end:]
    raise ValueError(f"a bracket is open in {rule}")


def _describe_tensor(text: str) -> str:
    name, _, shape = text.partition(" ")
    return f"{quote(name)}: {_quote_formula(shape)}"


def _describe_argument(kind: ArgumentKind) -> str:
    match kind:
        case Integer():
            default = "required" if kind.default is None else f"default {kind.default}"
            return f"integer from {kind.low:,} to {kind.high:,}, {default}"
        case Number():
            return f"number from {kind.low:g} to {kind.high:g}, default {kind.default:g}"
        case Flag():
            return f"`true` or `false`, default `{str(kind.default).lower()}`"
        case Dimensions():
            return f"list of 1 to {MAX_RANK - 1} integers from 1 to {MAX_DIMENSION:,}, required"
