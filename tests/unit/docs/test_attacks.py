"""The page of attacks names tests that exist, and a test in every row."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "contracts" / "attacks.md"
TEST = re.compile(r"(?:function|def) (test\w+)\(")


def test_page__each_row__names_tests() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and not line.startswith("| Attack")]

    assert rows
    assert [row for row in rows if "`test_" not in row] == []


def test_page__named_tests__exist() -> None:
    named = set(re.findall(r"`(test\w+)`", PAGE.read_text()))
    files = [*(ROOT / "contracts" / "test").rglob("*.t.sol"), *(ROOT / "tests").rglob("test_*.py")]
    existing = {name for file in files for name in TEST.findall(file.read_text())}

    assert sorted(named - existing) == []
