"""`docs/reference/metrics.md`: every metric that the code declares, by service and under its full name.

A declaration is a call `<something>.counter|gauge|histogram("name", "help", [labels])`, as `Metrics` offers them. A
service has a metric when its `__main__` leads, from name to name, to the class or function that declares it.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from tools.pages.markdown import build_list, build_page, build_paragraph, quote

KINDS = ("counter", "gauge", "histogram")
ARGUMENTS = ("name", "help_text", "labels")
# What the client library adds to a name in the exposition.
SUFFIXES: Mapping[str, str] = {"counter": "_total", "gauge": "", "histogram": ""}

Modules = Mapping[str, ast.Module]
Definition = tuple[str, str]  # module, name at its top level

INTRODUCTION = """\
Each service answers `GET /metrics` on `HTTP_LISTEN` in Prometheus' text format. A metric with labels has no line
before its first value. A histogram is in seconds and has the series `…_bucket`, `…_count` and `…_sum`. Counters and
histograms also have `…_created`, the time of their creation. Every service has the `process_…` metrics of the
Prometheus client for Python as well. Metrics of an optional part exist only where it is configured: those of the
keeper need `KEEPER_KEY_FILE`.
"""


@dataclass(frozen=True)
class Declaration:
    """One call that declares a metric. `owner` is the class or function at the module's top level."""

    owner: Definition
    kind: str
    name: str
    help: str
    labels: tuple[str, ...]


def build_metrics(sources: Mapping[str, str], services: Collection[str]) -> str:
    """The page, from the source text of every module by its name."""
    modules = {name: ast.parse(text) for name, text in sources.items()}
    declarations = find_declarations(modules)
    blocks = [build_paragraph(INTRODUCTION)]
    for service in services:
        reached = find_reached(f"services.{service}.__main__", modules)
        own = sorted((each for each in declarations if each.owner in reached), key=lambda each: each.name)
        blocks += [f"## {service}", build_list(_describe(service, each) for each in own)]
    return build_page("Metrics", "the declarations in `zarathustra` and `services`", *blocks)


def find_declarations(modules: Modules) -> list[Declaration]:
    """Every declaration. Raises ValueError naming one whose name, help or labels are no literals."""
    return [
        _parse_declaration(owner, call)
        for module, tree in modules.items()
        for owner, node in _list_definitions(module, tree)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in KINDS
    ]


def find_reached(entry: str, modules: Modules) -> set[Definition]:
    """The definitions that running the module `entry` can lead to: those its code names, those that they name, …"""
    definitions = {owner: node for module, tree in modules.items() for owner, node in _list_definitions(module, tree)}
    imports = {module: dict(_list_imports(tree)) for module, tree in modules.items()}
    open_names = {(entry, name) for node in modules[entry].body for name in _list_names(node)}
    reached: set[Definition] = set()
    while open_names:
        module, name = open_names.pop()
        if (module, name) in reached:
            continue
        reached.add((module, name))
        if (module, name) in definitions:
            open_names |= {(module, used) for used in _list_names(definitions[module, name])}
        elif name in imports.get(module, {}):
            open_names.add(imports[module][name])
    return reached


def _parse_declaration(owner: Definition, call: ast.Call) -> Declaration:
    given = dict(zip(ARGUMENTS, call.args, strict=False)) | {word.arg: word.value for word in call.keywords if word.arg}
    try:
        name, help_text = ast.literal_eval(given["name"]), ast.literal_eval(given["help_text"])
        labels = tuple(ast.literal_eval(given["labels"])) if "labels" in given else ()
    except (KeyError, ValueError) as error:
        raise ValueError(f"{'.'.join(owner)}, line {call.lineno}: a metric must be declared with literals") from error
    return Declaration(owner, str(getattr(call.func, "attr", "")), name, help_text, labels)


def _describe(service: str, metric: Declaration) -> str:
    full_name = quote(f"zarathustra_{service}_{metric.name}{SUFFIXES[metric.kind]}")
    labels = f" by {', '.join(map(quote, metric.labels))}" if metric.labels else ""
    return f"{full_name} ({metric.kind}{labels}): {metric.help.removesuffix('.')}."


def _list_definitions(module: str, tree: ast.Module) -> Iterator[tuple[Definition, ast.stmt]]:
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield (module, name), node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield (module, name), node


def _list_imports(tree: ast.Module) -> Iterator[tuple[str, Definition]]:
    """The names that a module takes from others, with where they come from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                yield alias.asname or alias.name, (node.module, alias.name)


def _list_names(node: ast.AST) -> Iterator[str]:
    return (child.id for child in ast.walk(node) if isinstance(child, ast.Name))
