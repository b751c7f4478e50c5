#!/usr/bin/env python3
"""Write each deployable contract's ABI and creation bytecode to `zarathustra/chain/abi/<Name>.json`.

The tokens of `devtokens` go to `devnet/abi/<Name>.json`: the product cannot deploy them.

    python contracts/tools/export_abi.py            build and write
    python contracts/tools/export_abi.py --check    build and compare; exit 1 when a file is stale

The Python code deploys and decodes with these files alone, so it needs no compiler. This tool uses the standard
library only.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONTRACTS = Path(__file__).resolve().parent.parent
OUT = "out-abi"  # its own build folder, so that tests can run at the same time
CACHE = "cache/abi"


@dataclass(frozen=True)
class Export:
    """Contracts of one source folder, compiled together, and the folder that their files go to."""

    source: str
    target: Path
    names: tuple[str, ...]


PRODUCT = Export(
    "src",
    CONTRACTS.parent / "zarathustra" / "chain" / "abi",
    (
        "Administration",
        "AttestationCenter",
        "AvsGovernance",
        "AvsLogic",
        "BlsSignatureVerifier",
        "ModelSubmission",
        "PrevRandaoSeedSource",
        "Timelock",
    ),
)
DEVELOPMENT = Export("devtokens", CONTRACTS.parent / "devnet" / "abi", ("DevelopmentToken", "ResetFirstToken"))
MAX_DEPLOYED_BYTES = 24_576  # EIP-170; the chain refuses more


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these contracts")
    arguments = parser.parse_args()

    texts: dict[Path, str] = {}
    for export in (PRODUCT, DEVELOPMENT):
        names = [name for name in export.names if not arguments.names or name in arguments.names]
        if names:
            build(export.source, names)
            texts |= {export.target / f"{name}.json": render(name) for name in names}
    return check(texts) if arguments.check else write(texts)


def build(source: str, names: list[str]) -> None:
    sources = [f"{source}/{name}.sol" for name in names]
    # Always a full build: the set of sources that are compiled together can change the bytecode.
    command = [find_forge(), "build", "--force", "--out", OUT, "--cache-path", CACHE, *sources]
    subprocess.run(command, cwd=CONTRACTS, check=True)  # noqa: S603 - fixed program; the names are ours


def find_forge() -> str:
    """Return the path of the platform's forge binary. npm's wrapper of it exits 0 even when a build fails."""
    binaries = sorted(CONTRACTS.glob("node_modules/@foundry-rs/forge-*/bin/forge"))
    if not binaries:
        raise SystemExit("forge is missing: run `npm ci` in contracts/")
    return str(binaries[0])


def render(name: str) -> str:
    """Return the text of the file. Keys are sorted, so the order that the compiler writes has no effect."""
    artifact: dict[str, Any] = json.loads((CONTRACTS / OUT / f"{name}.sol" / f"{name}.json").read_text())
    deployed_bytes = (len(artifact["deployedBytecode"]["object"]) - len("0x")) // 2
    if deployed_bytes > MAX_DEPLOYED_BYTES:
        raise SystemExit(f"{name} deploys {deployed_bytes} bytes; the limit is {MAX_DEPLOYED_BYTES}")
    bytecode = artifact["bytecode"]["object"]
    if "_" in bytecode:
        raise SystemExit(f"{name} needs a library linked; make the library's functions internal")
    return json.dumps({"abi": artifact["abi"], "bytecode": bytecode}, indent=1, sort_keys=True) + "\n"


def write(texts: dict[Path, str]) -> int:
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


def check(texts: dict[Path, str]) -> int:
    stale = [path for path, text in texts.items() if not is_same(path, text)]
    for path in stale:
        sys.stderr.write(f"stale: {path}; run contracts/tools/export_abi.py\n")
    return 1 if stale else 0


def is_same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
