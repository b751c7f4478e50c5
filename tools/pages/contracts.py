"""The list of signatures on each page `docs/contracts/<Contract>.md`, from the committed ABI."""

import json
from collections.abc import Mapping
from textwrap import wrap
from typing import Any, Final

from tools.pages.markdown import MAX_WIDTH, fill_between
from tools.paths import ROOT
from zarathustra.chain.abi import SELECTOR_LENGTH, Entry, load_abi

ABI: Final = ROOT / "zarathustra" / "chain" / "abi"
START: Final = "<!-- signatures: generated -->"
END: Final = "<!-- end of signatures -->"
NO_BREAK: Final = "\N{NO-BREAK SPACE}"  # in a parameter, until lines are folded
INDENT: Final = " " * 12  # below the name, after a selector


def fill_page(text: str, contract: str) -> str:
    """The page with its signatures as they should be. Raises ValueError when the markers are missing."""
    return fill_between(text, START, END, build_signatures(contract), of=f"the page of {contract}")


def build_signatures(contract: str) -> str:
    """Functions and errors with their selectors, events without: an event's first topic is its hash."""
    abi = load_abi(contract)
    hashes: dict[str, Mapping[str, Entry]] = {
        "function": abi.functions,
        "event": {entry.name: entry for entry in abi.events.values()},
        "error": {entry.name: entry for entry in abi.errors.values()},
    }
    blocks = []
    for kind, entries in hashes.items():
        items = sorted((item for item in load_items(contract) if item["type"] == kind), key=lambda item: item["name"])
        lines = [_describe(item, entries[item["name"]]) for item in items]
        if lines:
            blocks += [f"{kind.capitalize()}s:", "```text\n" + "\n".join(lines) + "\n```"]
    return "\n\n".join(blocks)


def load_items(contract: str) -> list[dict[str, Any]]:
    """The entries of the ABI as the compiler writes them: they have the names of structs."""
    items: list[dict[str, Any]] = json.loads((ABI / f"{contract}.json").read_text(encoding="utf-8"))["abi"]
    return items


def _describe(item: Mapping[str, Any], entry: Entry) -> str:
    signature = f"{item['name']}({', '.join(map(_describe_parameter, item['inputs']))})"
    if item["type"] == "event":
        return _fold(signature, indent="    ")
    if item["type"] == "function":
        signature += "" if item["stateMutability"] == "nonpayable" else f" {item['stateMutability']}"
        outputs = ", ".join(map(_describe_parameter, item["outputs"]))
        signature += f" → {outputs}" if outputs else ""
    return _fold(f"0x{entry.hash[:SELECTOR_LENGTH].hex()}  {signature}", indent=INDENT)


def _describe_parameter(parameter: Mapping[str, Any]) -> str:
    # `struct ProjectParams`, `enum IModel.Kind`, `contract IAdministration`: the type without its place.
    written = parameter["internalType"].rpartition(" ")[2].rpartition(".")[2]
    is_contract = parameter["internalType"].startswith("contract ")
    words = ("address" if is_contract else written, "indexed" * parameter.get("indexed", False), parameter["name"])
    return NO_BREAK.join(filter(None, words))


def _fold(line: str, *, indent: str) -> str:
    lines = wrap(line, MAX_WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(NO_BREAK, " ")
