"""Small contracts in a folder, laid out as ours are."""

from collections.abc import Mapping
from pathlib import Path

from tools.solidity import CONTRACTS, PACKAGES

HEADER = "// SPDX-License-Identifier: Apache-2.0\npragma solidity ^0.8.30;\n"


def make_contracts(folder: Path, sources: Mapping[str, str]) -> Path:
    """The folder with these files, and with our compiler and packages. Sources need no licence and no pragma."""
    for path, text in sources.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text if text.startswith("//") else HEADER + text)
    for name in ("tools", PACKAGES):
        if not (folder / name).exists():
            (folder / name).symlink_to(CONTRACTS / name, target_is_directory=True)
    return folder
