"""The survivors that are accepted, each with its reason: `contracts/mutants.toml`."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.mutants.places import Mutant

FIELDS = {"file", "function", "change", "reason"}


def read_accepted(path: Path) -> list[dict[str, Any]]:
    return list(tomllib.loads(path.read_text()).get("accepted", ())) if path.exists() else []


def match_accepted(entries: Sequence[Mapping[str, Any]], mutants: Sequence[Mutant]) -> dict[int, str]:
    """The reasons, by the numbers of the mutants. Raises ValueError for an entry that names none, or has no reason."""
    numbers = {mutant.identity: mutant.number for mutant in mutants}
    reasons: dict[int, str] = {}
    for entry in entries:
        missing = FIELDS - entry.keys()
        if missing or not entry["reason"].strip():
            raise ValueError(f"{entry} needs {', '.join(sorted(missing or {'reason'}))}")
        identity = (entry["file"], entry["function"], entry["change"], entry.get("repeat", 0))
        if identity not in numbers:
            raise ValueError(f"no mutant is {identity}: the source changed, so judge anew and mend the list")
        reasons[numbers[identity]] = entry["reason"]
    return reasons


def render_entry(mutant: Mutant) -> str:
    """What to write into the list, but for the reason.

    >>> print(render_entry(Mutant(1, "src/A.sol", 7, "A.f", "never: a < b")))
    [[accepted]] # src/A.sol:7
    file = "src/A.sol"
    function = "A.f"
    change = 'never: a < b'
    reason = ""
    """
    lines = [
        f"[[accepted]] # {mutant.place}",
        f'file = "{mutant.file}"',
        f'function = "{mutant.function}"',
        f"change = '{mutant.change}'",
        *([f"repeat = {mutant.repeat}"] if mutant.repeat else []),
        'reason = ""',
    ]
    return "\n".join(lines)
