"""Coverage of the contracts: what is read of LCOV, the limit, and the lines that are named."""

from pathlib import Path

import pytest

from tools.coverage import LEAST_PERCENT, Coverage, measure, parse_lcov, percent, render, verdict_of

pytestmark = pytest.mark.unit

LCOV = """TN:
SF:src/A.sol
FN:1,A.f
DA:3,7
DA:4,0
DA:5,1
LF:3
end_of_record
SF:src/libraries/B.sol
DA:9,0
end_of_record
SF:test/A.t.sol
DA:1,0
end_of_record
"""


def test_parse_lcov__tests_and_sources__only_sources_count() -> None:
    files = parse_lcov(LCOV)
    assert list(files) == ["src/A.sol", "src/libraries/B.sol"]
    assert files["src/A.sol"].covered == 2
    assert files["src/A.sol"].uncovered == [4]


def test_parse_lcov__a_line_twice__counts_the_larger() -> None:
    """A library is in the report once for each contract that inlines it."""
    files = parse_lcov(
        "SF:src/A.sol\nDA:3,0\nend_of_record\nSF:src/A.sol\nDA:3,2\nend_of_record\nSF:src/A.sol\nDA:3,0\n"
    )
    assert files == {"src/A.sol": Coverage({3: 2})}


def test_percent__of_lines_not_of_files() -> None:
    assert percent(parse_lcov(LCOV)) == 50.0


def test_percent__nothing_measured__is_an_error() -> None:
    with pytest.raises(ValueError, match="no line was measured"):
        percent({})


@pytest.mark.parametrize(("covered", "status"), [(94, 1), (95, 0), (100, 0)])
def test_verdict__at_the_limit(covered: int, status: int) -> None:
    assert LEAST_PERCENT == 95.0
    files = {"src/A.sol": Coverage({line: int(line < covered) for line in range(100)})}
    assert verdict_of(files) == status


def test_render__uncovered_lines__are_named_by_file() -> None:
    rows = render(parse_lcov(LCOV)).splitlines()
    assert rows[0].split() == ["src/A.sol", "2", "of", "3", "4"]
    assert rows[1].split() == ["src/libraries/B.sol", "0", "of", "1", "9"]
    assert rows[-1].startswith("lines covered: 50.0 %")


def test_measure__forge_fails__raises(tmp_path: Path) -> None:
    forge = tmp_path / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"
    forge.parent.mkdir(parents=True)
    forge.write_text("#!/bin/sh\nexit 1\n")
    forge.chmod(0o755)
    with pytest.raises(RuntimeError, match="forge"):
        measure(tmp_path, tmp_path / "lcov.info")
