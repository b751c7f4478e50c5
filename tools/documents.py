"""What can rot is generated: the pages below `docs/reference`, `docs/ops.md`, each README's table of settings, and the
signatures on each contract's page.

python -m tools.documents            write them
python -m tools.documents --check    name those that differ from what would be written
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.pages.cli import build_cli
from tools.pages.contracts import fill_page
from tools.pages.metrics import build_metrics
from tools.pages.ops import build_ops
from tools.pages.reasons import build_reasons
from tools.pages.settings import SERVICES, build_settings, fill_readme
from tools.pages.topics import build_topics
from tools.paths import ROOT
from zarathustra.bus.topics import load_catalogue
from zarathustra.chain.abi import CONTRACTS
from zarathustra.cli.main import cli

REFERENCE = Path("docs/reference")
PACKAGES = ("zarathustra", "services")


def build_documents(root: Path) -> Mapping[Path, str]:
    """Every generated file, relative to the repository at `root`, with the text that it should have."""
    contracts = {contract: Path("docs/contracts") / f"{contract}.md" for contract in CONTRACTS}
    readmes = {service: Path("services") / service / "README.md" for service in SERVICES}
    return {
        Path("docs/ops.md"): build_ops(),
        REFERENCE / "cli.md": build_cli(cli),
        REFERENCE / "metrics.md": build_metrics(read_sources(root), SERVICES),
        REFERENCE / "reasons.md": build_reasons(),
        REFERENCE / "settings.md": build_settings(),
        REFERENCE / "topics.md": build_topics(load_catalogue(), SERVICES),
        **{path: fill_readme(_read(root / path), service) for service, path in readmes.items()},
        **{path: fill_page(_read(root / path), contract) for contract, path in contracts.items()},
    }


def read_sources(root: Path) -> Mapping[str, str]:
    """The source text of every module of the library and the services, by its dotted name."""
    paths = (path for package in PACKAGES for path in sorted((root / package).rglob("*.py")))
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): _read(path) for path in paths
    }


def find_stale(root: Path) -> list[Path]:
    """The generated files that are missing or differ."""
    return [path for path, text in build_documents(root).items() if _read(root / path) != text]


def main() -> int:
    """Exit status 1, with the names, when `--check` finds a file that differs."""
    parser = argparse.ArgumentParser(prog="python -m tools.documents", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    is_check = parser.parse_args().check
    stale = find_stale(ROOT)
    if is_check and stale:
        print(f"stale, run `make generate`: {', '.join(map(str, stale))}")
        return 1
    documents = build_documents(ROOT)
    for path in stale:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(documents[path], encoding="utf-8")
    print(f"{len(documents)} generated documents are current, {len(stale)} of them newly written")
    return 0


def _read(path: Path) -> str:
    """The file's text; empty when there is none yet."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
