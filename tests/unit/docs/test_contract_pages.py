"""The pages of the contracts against the ABI: everything is named, and nothing that does not exist."""

import importlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest

from tools.pages.contracts import END, START, build_signatures, fill_page, load_items
from zarathustra.chain.abi import CONTRACTS
from zarathustra.cli.main import cli

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "contracts"
SOURCES = ROOT / "contracts" / "src"
NAMED = ("function", "event", "error")
# Identifiers of other programs: the library whose contract Administration is, a field of JSON-RPC, a source's name.
OTHERS = frozenset({"AccessControlDefaultAdminRules", "TimelockController", "eth_getBlockByNumber", "prevrandao"})


def read_own_words(contract: str) -> str:
    """What a person wrote on the page: the generated signatures and the drawings left out."""
    text = (FOLDER / f"{contract}.md").read_text(encoding="utf-8")
    return re.sub(r"```.*?```", "", text.partition(START)[0] + text.partition(END)[2], flags=re.DOTALL)


def find_literals(contract: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", read_own_words(contract))


def find_names(contract: str) -> set[str]:
    """The names in literals, with and without their arguments."""
    return {literal.partition("(")[0] for literal in find_literals(contract)}


@cache
def list_signatures() -> frozenset[str]:
    """`Name(argument, …)` of every function, event and error."""
    return frozenset(
        f"{item['name']}({', '.join(parameter['name'] for parameter in item['inputs'])})"
        for contract in CONTRACTS
        for item in load_items(contract)
        if item["type"] in NAMED
    )


@cache
def list_words() -> frozenset[str]:
    """Names in the ABI, of parameters and fields too, and in the declarations of types."""
    words = set(OTHERS | set(CONTRACTS))
    for contract in CONTRACTS:
        for item in load_items(contract):
            words.add(item.get("name", ""))
            words.update(find_fields(item.get("inputs", ())), find_fields(item.get("outputs", ())))
    for file in SOURCES.rglob("*.sol"):
        for members in re.findall(r"^(?:enum|struct) \w+ \{(.*?)^\}", file.read_text(), re.DOTALL | re.MULTILINE):
            words.update(re.findall(r"\w+", re.sub(r"//.*", "", members)))
    return frozenset(words)


def find_fields(parameters: Iterable[dict[str, Any]]) -> Iterator[str]:
    for parameter in parameters:
        yield parameter["name"]
        yield from find_fields(parameter.get("components", ()))


# ---- everything is named


@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize("contract", CONTRACTS)
def test_page__every_function_event_and_error__is_named(contract: str, kind: str) -> None:
    existing = {item["name"] for item in load_items(contract) if item["type"] == kind}
    assert sorted(existing - find_names(contract)) == []


def test_readme__every_contract__has_a_page_and_a_row() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [contract for contract in CONTRACTS if f"[{contract}]({contract}.md)" not in readme] == []


# ---- nothing is named that does not exist


@pytest.mark.parametrize("contract", CONTRACTS)
def test_page__literals__name_what_exists(contract: str) -> None:
    assert [literal for literal in find_literals(contract) if not exists(literal)] == []


def exists(literal: str) -> bool:
    if literal.startswith("zarathustra "):
        return is_command(literal.split()[1:])
    if re.fullmatch(r"\w+\([\w, ]*\)", literal):
        return literal in list_signatures()
    if re.fullmatch(r"(zarathustra|services)\.[\w.]+", literal):
        return is_importable(literal)
    if "/" in literal:
        return (ROOT / literal).exists()
    return literal in list_words()


def is_command(words: list[str]) -> bool:
    command: click.Command | None = cli
    for word in words:
        command = command.commands.get(word) if isinstance(command, click.Group) else None
    return command is not None


def is_importable(dotted: str) -> bool:
    """Whether a module has such a member, or there is such a module."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            found = getattr(found, name, None)
        return found is not None
    return False


@pytest.mark.parametrize(
    "literal",
    [
        "NotAnError(caller)",
        "NotProjectOwner(owner)",
        "withdrawEverything",
        "zarathustra admin mint",
        "zarathustra.sdk.owner.publish",
        "contracts/src/Market.sol",
    ],
)
def test_exists__what_does_not_exist__is_found(literal: str) -> None:
    assert not exists(literal)


# ---- signatures


def test_signatures__structs_and_indexed_parameters__as_in_the_source() -> None:
    signatures = build_signatures("ModelSubmission")
    assert "createProject(ProjectParams params) payable → uint256 projectId" in signatures
    assert "Withdrawn(address indexed account, address indexed token, address to, uint256 amount)" in signatures
    assert "0xd92e233d  ZeroAddress()" in signatures


@pytest.mark.parametrize("contract", CONTRACTS)
def test_signatures__lines__fit_the_screen(contract: str) -> None:
    assert [line for line in build_signatures(contract).split("\n") if len(line) > 120] == []


def test_fill_page__without_markers__is_refused() -> None:
    with pytest.raises(ValueError, match="the page of Timelock lacks the markers"):
        fill_page("# Timelock\n", "Timelock")
