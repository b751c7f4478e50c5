"""`docs/reference/cli.md`: every command of `zarathustra`."""

from collections.abc import Iterator
from inspect import cleandoc

import click

from tools.pages.markdown import build_code, build_list, build_page, build_paragraph, quote

PROGRAM = "zarathustra"
INTRODUCTION = "Every command has `--help`. Where an option names a variable, the environment may give its value."


def build_cli(root: click.Command) -> str:
    """The page: the program, then each command with its usage, help, arguments and options."""
    blocks = [block for path, command in _walk(PROGRAM, root) for block in _describe(path, command)]
    return build_page("Command line", "the commands in `zarathustra/cli`", INTRODUCTION, *blocks)


def _walk(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in sorted(command.commands.items()):
            yield from _walk(f"{path} {name}", child)


def _describe(path: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    paragraphs = cleandoc(command.help or "").split("\n\n")
    blocks = [f"## {path}", build_code(usage), *(build_paragraph(text) for text in paragraphs if text)]
    parameters = [*filter(_is_argument, command.params), *filter(_is_option, command.params)]
    if parameters:
        blocks.append(build_list(map(_describe_parameter, parameters)))
    return blocks


def _is_argument(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument)


def _is_option(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option)


def _describe_parameter(parameter: click.Parameter) -> str:
    kind = _describe_kind(parameter)
    if not isinstance(parameter, click.Option):
        return f"{quote(str(parameter.name).upper())} ({kind})"
    names = ", ".join(quote(name) for name in parameter.opts)
    facts = [kind] if kind else []
    if parameter.required:
        facts.append("required")
    if parameter.multiple:
        facts.append("may be repeated")
    if isinstance(parameter.default, str):
        facts.append(f"default {quote(parameter.default)}")
    if parameter.envvar:
        facts.append(f"variable {quote(str(parameter.envvar))}")
    parts = [names, f" ({', '.join(facts)})" if facts else "", f": {parameter.help}" if parameter.help else ""]
    return "".join(parts)


def _describe_kind(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return ""
    if isinstance(parameter.type, click.Choice):
        return " or ".join(quote(str(choice)) for choice in parameter.type.choices)
    if isinstance(parameter.type, click.Path):
        return "an existing file" if parameter.type.exists else "a path"
    return parameter.type.name
