"""Documents against the code: generated pages, named paths and settings, and where to change what."""

import ast
import dataclasses
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import grimp
import pytest

from tools.documents import build_documents, find_stale, read_sources
from tools.pages.metrics import build_metrics, find_declarations, find_reached
from tools.pages.ops import parse_closed_form
from tools.pages.reasons import build_reasons
from tools.pages.settings import END, KINDS, SERVICES, START, build_settings_table, fill_readme
from tools.paths import ROOT
from zarathustra.core import events, messages
from zarathustra.core.outcomes import Code, Outcome
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Topic
from zarathustra.formats.architecture import parse_architecture
from zarathustra.formats.operations import OPERATIONS, Arguments, Cost, Shape
from zarathustra.runtime.settings import _PARSERS, list_variables, setting
from zarathustra.scoring.warmup import build_every_op

pytestmark = pytest.mark.unit

ARCHITECTURE = ROOT / "docs" / "architecture.md"
DOCUMENTS = [
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "README.md",
    *sorted((ROOT / "services").glob("*/README.md")),
    ROOT / "contracts" / "README.md",
]
FOLDERS = (
    ".github", "benchmarks", "contracts", "devnet", "docs", "examples",
    "locks", "proto", "services", "tests", "tools", "zarathustra",
)  # fmt: skip
NOT_OURS = frozenset({"node_modules", "out", "cache", "broadcast", "__pycache__"})
SUFFIXES = (".py", ".pyi", ".md", ".sol", ".proto", ".yaml", ".yml", ".json", ".toml", ".txt", ".in", ".safetensors")
EXAMPLES = frozenset({"docs/decisions/NNNN-short-name.md"})


@cache
def list_files() -> tuple[str, ...]:
    """Our own files, relative to the repository."""
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    files += [path for path in ROOT.iterdir() if path.is_file()]
    relative = (path.relative_to(ROOT) for path in files)
    return tuple(str(path) for path in relative if not NOT_OURS & set(path.parts))


@cache
def read_files() -> Mapping[str, str]:
    """The text of those that are text."""
    texts = {name: ROOT / name for name in list_files() if name.endswith(SUFFIXES) and "safetensors" not in name}
    return {name: path.read_text(encoding="utf-8") for name, path in texts.items()}


def list_literals(path: Path) -> set[str]:
    """What a document sets as code, within one line."""
    return set(re.findall(r"(?<!`)`([^`\n]+)`(?!`)", path.read_text(encoding="utf-8")))


@cache
def build_pages() -> Mapping[Path, str]:
    """The pages that are generated as a whole: not READMEs, nor those of the contracts."""
    whole = (Path("docs"), Path("docs/reference"))
    return {path: text for path, text in build_documents(ROOT).items() if path.parent in whole}


# ---- generated pages


def test_documents__every_generated_one__is_current() -> None:
    assert find_stale(ROOT) == [], "run `make generate`"


def test_documents__first_line__says_where_pages_come_from() -> None:
    assert all(text.split("\n")[0].startswith("*Written by `make generate` from ") for text in build_pages().values())


def test_documents__lines__fit_the_screen() -> None:
    assert [(path, line) for path, text in build_pages().items() for line in text.split("\n") if len(line) > 120] == []


def test_reasons__page__has_every_code_once() -> None:
    codes = re.findall(r"^- `(\w+)`: ", build_reasons(), re.MULTILINE)
    assert sorted(codes) == sorted(reason.code for reason in Reason)


@pytest.mark.parametrize("service", SERVICES)
def test_settings__table__names_exactly_the_fields(service: str) -> None:
    named = re.findall(r"^\| `(\w+)` \|", build_settings_table(service), re.MULTILINE)
    assert named == [field.name.upper() for field in dataclasses.fields(SERVICES[service])]


def test_settings__services__are_all_there() -> None:
    assert set(SERVICES) == {path.parent.name for path in (ROOT / "services").glob("*/settings.py")}


def test_settings__field_without_a_meaning__is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class Settings:
        data_dir: Path = setting("where")
        max_waiting: int = 4

    monkeypatch.setitem(SERVICES, "tiny", Settings)  # type: ignore[arg-type]  # a plain dict below
    with pytest.raises(ValueError, match=r"services\.tiny: the setting max_waiting has no meaning"):
        build_settings_table("tiny")


def test_settings__kinds__are_those_that_can_be_parsed() -> None:
    assert KINDS.keys() == _PARSERS.keys()


def test_readme__without_markers__is_refused() -> None:
    with pytest.raises(ValueError, match="the README of store lacks the markers"):
        fill_readme("# store\n", "store")


def test_readme__filled_twice__stays_the_same() -> None:
    once = fill_readme(f"before\n{START}\nold\n{END}\nafter\n", "store")
    assert fill_readme(once, "store") == once
    assert once.startswith("before\n")
    assert once.endswith("after\n")
    assert "old" not in once


# ---- metrics

TINY = {
    "services.tiny.__main__": "from services.tiny.wiring import start\nstart()",
    "services.tiny.wiring": "from library import Used, Unused\ndef start(): return build()\ndef build(): return Used()",
    "library": "class Used:\n    x = metrics.counter('used', 'Uses', ['by'])\n"
    "class Unused:\n    x = metrics.gauge('unused', 'None')",
}


def test_metrics__class_that_is_imported_and_never_named__has_none() -> None:
    page = build_metrics(TINY, ["tiny"])
    assert "- `zarathustra_tiny_used_total` (counter by `by`): Uses." in page
    assert "unused" not in page


@pytest.mark.parametrize("call", ["counter(name, 'Uses')", "counter('used', f'{x}')", "counter('used')"])
def test_metrics__declared_without_literals__is_refused(call: str) -> None:
    with pytest.raises(ValueError, match=r"library\.Used, line 2: a metric must be declared with literals"):
        build_metrics({**TINY, "library": f"class Used:\n    x = metrics.{call}"}, ["tiny"])


def test_metrics__reached_modules__are_in_the_import_closure() -> None:
    """Names that lead from `__main__` to a metric, against grimp's graph of imports."""
    modules = {name: ast.parse(text) for name, text in read_sources(ROOT).items()}
    owners = {declaration.owner for declaration in find_declarations(modules)}
    graph = grimp.build_graph("zarathustra", "services", cache_dir=None)
    for service in SERVICES:
        entry = f"services.{service}.__main__"
        reached = {module for module, _ in owners & find_reached(entry, modules)}
        assert reached <= graph.find_upstream_modules(entry)
        assert reached


# ---- ops


@dataclass(frozen=True)
class Case:
    op: str
    shapes: tuple[Shape, ...]
    arguments: Arguments


def list_cases() -> Iterator[Case]:
    """Every op once, as the warm-up uses it, and what it leaves out."""
    architecture = parse_architecture(build_every_op())
    shapes = {item.id: item.shape for item in architecture.inputs}
    for node in architecture.nodes:
        shapes[node.id] = node.cost.shape
        yield Case(node.op, tuple(shapes[source] for source in node.sources), node.arguments)
    yield Case("Linear", ((2, 5),), {"in_features": 5, "out_features": 3, "bias": False})
    strided = {"in_channels": 4, "out_channels": 6, "kernel_size": 3, "stride": 2, "padding": 1}
    yield Case("Conv1d", ((4, 11),), {**strided, "dilation": 3, "groups": 2, "bias": False})


@pytest.mark.parametrize("case", [*list_cases()], ids=lambda case: case.op)
def test_ops__closed_form__is_what_the_measure_computes(case: Case) -> None:
    operation = OPERATIONS[case.op]
    cost = operation.measure(list(case.shapes), case.arguments)
    rules = parse_closed_form(case.op, operation)
    names = name_sizes(case, rules["takes"], cost)
    if rules["gives"].startswith("("):
        assert compute_shape(rules["gives"], names) == cost.shape
    assert compute(rules["flops"], names) == cost.flops
    assert compute(rules.get("workspace", "0"), names) == cost.workspace
    assert list_tensors(rules.get("stores", ""), names) == {
        tensor.name: (tensor.shape, tensor.is_buffer) for tensor in cost.tensors
    }


def name_sizes(case: Case, takes: str, cost: Cost) -> dict[str, Any]:
    """The names that formulas use: those of the page, the arguments, and the sizes that `takes` names."""
    shape = case.shapes[0]
    named: dict[str, Any] = {}
    if takes.startswith("("):
        parts = takes[1 : takes.index(")")].split(", ")
        star = next((place for place, part in enumerate(parts) if part.startswith("*")), len(parts))
        after = len(parts) - star - 1
        named |= dict(zip(parts[:star], shape, strict=False))
        if star < len(parts):
            named[parts[star][1:]] = shape[star : len(shape) - after]
            named |= dict(zip(parts[star + 1 :], shape[len(shape) - after :], strict=True))
    assert all(case.arguments[name] == size for name, size in named.items() if name in case.arguments)
    rank = len(named.get("space", ()))
    kernel = (case.arguments.get("kernel_size"),) * rank
    totals = {"n": count(shape), "m": count(cost.shape), "c": len(case.shapes), "d": rank, "kernel": kernel}
    return {**case.arguments, **named, **totals}


def count(shape: Shape) -> int:
    elements = 1
    for size in shape:
        elements *= size
    return elements


def compute(formula: str, names: Mapping[str, Any]) -> Any:
    return eval(formula, {"__builtins__": {}}, dict(names))  # noqa: S307  # our own docstrings


def compute_shape(formula: str, names: Mapping[str, Any]) -> Shape:
    """The shape in brackets: a single size is one, too."""
    inner = formula[1 : formula.rindex(")")]
    # Names inside a comprehension are looked up among the globals.
    return tuple(eval(f"({inner},)", {"__builtins__": {}, **names}))  # noqa: S307


def list_tensors(rule: str, names: Mapping[str, Any]) -> dict[str, tuple[Shape, bool]]:
    tensors = {}
    for text in filter(None, (part.strip() for part in rule.split(";"))):
        name, _, rest = text.partition(" ")
        if "with `bias`" not in rest or names["bias"]:
            tensors[name] = (compute_shape(rest, names), "not trained" in rest)
    return tensors


# ---- paths and settings that documents name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths__named_in_documents__exist(document: Path) -> None:
    missing = [name for name in list_literals(document) if is_path(name) and not exists(name, document.parent)]
    assert missing == []


def is_path(name: str) -> bool:
    """Whether a literal names something of the repository: below a folder of ours, or a file by its ending."""
    if not re.fullmatch(r"[\w.<>*/-]+", name) or name in EXAMPLES or "node_modules" in name:
        return False
    return name.startswith(tuple(f"{folder}/" for folder in FOLDERS)) or (
        name.endswith(SUFFIXES) and not name.startswith(".")
    )


def exists(name: str, folder: Path) -> bool:
    """From the repository or the document's folder; a name without one of our folders may be any file's ending."""
    pattern = re.sub(r"<\w+>", "*", name).rstrip("/")
    if any(ROOT.glob(pattern)) or any(folder.glob(pattern)):
        return True
    is_short = not name.startswith(tuple(f"{one}/" for one in FOLDERS))
    return is_short and any(file.endswith(f"/{name}") for file in list_files())


@pytest.mark.parametrize("service", SERVICES)
def test_settings__named_in_a_readme__exist(service: str) -> None:
    document = ROOT / "services" / service / "README.md"
    assert list_capitals(document) <= list_variables(SERVICES[service]) | WORDS


def test_settings__named_on_the_metrics_page__exist() -> None:
    known = frozenset().union(*map(list_variables, SERVICES.values()))
    assert list_capitals(ROOT / "docs" / "reference" / "metrics.md") <= known


# Capitals that are no settings: a placeholder, log levels, codes and outcomes.
WORDS = frozenset({"NAME", "NAME_FILE", *logging.getLevelNamesMapping(), *Code.__members__, *Outcome.__members__})


def list_capitals(document: Path) -> set[str]:
    return {name for name in list_literals(document) if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)}


# ---- where to change what

SHARE = 0.75  # of the members: a file that names as many has to learn of a new one

FACTS = get_args(events.Fact)
VOCABULARIES: Mapping[str, Collection[str]] = {
    "add an op": OPERATIONS.keys(),
    "add a reason": [reason.code for reason in Reason],
    "add a contract event": [fact.__name__ for fact in FACTS],
    "add a message": [message.__name__ for message in get_args(messages.Message)],
    "add a topic": [topic.value for topic in Topic],
}


def read_changes() -> Mapping[str, set[str]]:
    """The table's files by what is to be done; a row without that belongs to the one above."""
    rows = re.findall(r"^\| (?:\*\*(.+?)\*\*)? ?\| (`.+?) \| .+ \|$", ARCHITECTURE.read_text(encoding="utf-8"), re.M)
    changes: dict[str, set[str]] = {}
    title = ""
    for name, files in rows:
        title = name or title
        changes.setdefault(title, set()).update(re.findall(r"`([^`]+)`", files))
    return {name: files for name, files in changes.items() if name}


def find_naming(members: Collection[str]) -> set[str]:
    """The files that name most of the members, as whole words."""
    texts = read_files().items()
    return {name for name, text in texts if sum(names(text, one) for one in members) >= SHARE * len(members)}


def names(text: str, word: str) -> bool:
    return word in text and re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) is not None


def test_changes__table__has_every_row() -> None:
    others = {"add a setting", "add a metric", "change a signed struct", "change how votes are decided"}
    assert read_changes().keys() == VOCABULARIES.keys() | others | {"change the fold", "add a CLI command"}


@pytest.mark.parametrize("change", VOCABULARIES)
def test_changes__files_that_name_most_members__are_in_the_row(change: str) -> None:
    assert find_naming(VOCABULARIES[change]) <= read_changes()[change]


@pytest.mark.parametrize("change", ["add an op", "add a reason"])
def test_changes__row__has_no_other_file(change: str) -> None:
    assert read_changes()[change] == find_naming(VOCABULARIES[change])
