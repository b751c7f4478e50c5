"""The mutation run: which mutants are tried, in which order tests run, what a verdict is, and what is reported."""

import argparse
import asyncio
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools.mutants.__main__ import LEAST_KILLED_PERCENT, choose, status_of
from tools.mutants.accepted import match_accepted, read_accepted, render_entry
from tools.mutants.order import Order
from tools.mutants.places import Mutant
from tools.mutants.report import count, count_by_file, render
from tools.mutants.trials import BrokenRunError, Trial, try_all, verdict_of
from tools.mutants.workplace import GUARD, GUARD_FILE, SOLC, Workplace, mutate
from tools.solidity import CONTRACTS, parse_sources

pytestmark = pytest.mark.unit

TESTS = ("test/fuzz/C.t.sol", "test/unit/A.t.sol", "test/unit/AOther.t.sol", "test/unit/B.t.sol")
PASSED = "Ran 1 test suite in 1s: 3 tests passed, 0 failed, 0 skipped (3 total tests)"
FAILED = "[FAIL: no] test_a() (gas: 1)\nEncountered 1 failing test in test/unit/A.t.sol:ATest\n"


def make_mutant(number: int, file: str = "src/A.sol", function: str = "A.f", repeat: int = 0) -> Mutant:
    return Mutant(number, file, 10 + number, function, "never: a < b", repeat)


def make_trials(killed: int, survived: int) -> list[Trial]:
    killers = ["test/unit/A.t.sol:test_a"] * killed + [""] * survived
    return [Trial(make_mutant(number + 1, repeat=number), killer) for number, killer in enumerate(killers)]


def make_entry(mutant: Mutant, **changes: object) -> dict[str, object]:
    file, function, change, repeat = mutant.identity
    return {"file": file, "function": function, "change": change, "repeat": repeat, "reason": "equal", **changes}


# ---- choice


def choose_from(mutants: Sequence[Mutant], **options: object) -> list[int]:
    arguments = argparse.Namespace(**{"sample": None, "seed": 0, "file": None, "number": None, **options})
    return [mutant.number for mutant in choose(mutants, arguments)]


def test_choose__by_file_number_and_sample() -> None:
    mutants = [make_mutant(number, "src/B.sol" if number > 6 else "src/A.sol") for number in range(1, 11)]
    assert choose_from(mutants) == list(range(1, 11))
    assert choose_from(mutants, file=["B.sol"]) == [7, 8, 9, 10]
    assert choose_from(mutants, number=[3, 5]) == [3, 5]
    sampled = choose_from(mutants, sample=4)
    assert len(set(sampled)) == 4
    assert sampled == sorted(sampled) == choose_from(mutants, sample=4)
    assert choose_from(mutants, sample=50) == list(range(1, 11))


# ---- order


def test_order__nothing_learned__tests_named_after_the_contract_first() -> None:
    first, *rest = Order(TESTS).runs_for(make_mutant(1))
    assert first == ["test/unit/A.t.sol", "test/unit/AOther.t.sol"]
    assert sorted(name for group in [first, *rest] for name in group) == sorted(TESTS)


def test_order__a_neighbour_was_killed__its_killer_first() -> None:
    order = Order(TESTS)
    order.learn(make_mutant(1), "test/unit/B.t.sol")
    assert order.runs_for(make_mutant(2))[0] == ["test/unit/B.t.sol"]
    assert order.runs_for(make_mutant(2, function="A.g"))[0][0] == "test/unit/B.t.sol"
    assert order.runs_for(make_mutant(3, "src/B.sol"))[0] == ["test/unit/B.t.sol"]
    for group in order.runs_for(make_mutant(2)):
        assert group


# ---- verdict


def test_verdict__a_test_failed__is_named() -> None:
    assert verdict_of(FAILED, 1) == "test/unit/A.t.sol:test_a"


def test_verdict__all_passed__is_empty() -> None:
    assert verdict_of(PASSED, 0) == ""


@pytest.mark.parametrize(("output", "status"), [("", 0), ("Error: solc missing", 1), (PASSED, 1), ("no tests", 0)])
def test_verdict__forge_says_neither__is_an_error(output: str, status: int) -> None:
    """It must count neither as killed nor as survived."""
    with pytest.raises(BrokenRunError):
        verdict_of(output, status)


async def test_try_all__two_lanes__each_mutant_once_and_groups_until_a_kill(tmp_path: Path) -> None:
    """A forge that kills odd numbers with B's tests only."""
    forge = tmp_path / "contracts" / "node_modules" / "@foundry-rs" / "forge-x" / "bin" / "forge"
    forge.parent.mkdir(parents=True)
    forge.write_text(
        "#!/bin/sh\n"
        f'echo "$FOUNDRY_BLOCK_COINBASE $*" >> {tmp_path}/calls\n'
        f'case "$FOUNDRY_BLOCK_COINBASE/$*" in *[13579]/*B.t.sol*) echo "{FAILED.replace("A", "B")}"; exit 1;; esac\n'
        f'echo "{PASSED}"\n'
    )
    forge.chmod(0o755)
    mutants = [make_mutant(number) for number in range(1, 5)]
    told: list[Trial] = []
    async with asyncio.timeout(60):
        trials = await try_all(Workplace(tmp_path), mutants, Order(TESTS), 2, told.append)
    assert [trial.mutant.number for trial in trials] == [1, 2, 3, 4]
    assert [trial.is_killed for trial in trials] == [True, False, True, False]
    assert len(told) == 4
    asked = (tmp_path / "calls").read_text()
    assert all(name in asked for name in TESTS)


# ---- accepted


def test_accepted__entries__give_reasons_by_number(tmp_path: Path) -> None:
    mutants = [make_mutant(4), make_mutant(5, repeat=1)]
    path = tmp_path / "mutants.toml"
    path.write_text("\n".join(render_entry(mutant).replace('""', '"equal"') for mutant in mutants))
    assert match_accepted(read_accepted(path), mutants) == {4: "equal", 5: "equal"}
    assert read_accepted(tmp_path / "missing.toml") == []


@pytest.mark.parametrize("changes", [{"reason": " "}, {"function": "A.gone"}])
def test_accepted__no_reason_or_no_mutant__raises(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"reason|no mutant"):
        match_accepted([make_entry(make_mutant(1), **changes)], [make_mutant(1)])


def test_accepted__the_list_in_the_repository__names_mutants_of_the_sources() -> None:
    """Also: every mutant has a number and a name of its own, and none is in a file without code."""
    parsed = parse_sources()
    texts, mutants = mutate(parsed)
    assert match_accepted(read_accepted(CONTRACTS / "mutants.toml"), mutants)
    assert len({mutant.identity for mutant in mutants}) == len(mutants) > 1_000
    assert not any(mutant.file.startswith(("src/interfaces/", "src/types/")) for mutant in mutants)
    assert "function _nonReentrantBefore" in texts[GUARD_FILE].decode()
    assert not any(GUARD in text.decode() for path, text in texts.items() if path != GUARD_FILE)


# ---- report


@pytest.mark.parametrize(("killed", "survived", "status"), [(96, 4, 1), (97, 3, 0), (100, 0, 0)])
def test_status__at_the_limit(killed: int, survived: int, status: int) -> None:
    assert LEAST_KILLED_PERCENT == 97.0
    assert status_of(make_trials(killed, survived), {}) == status


def test_count__accepted_survivors__count_neither_way() -> None:
    figures = count(make_trials(1, 2), {2: "equal"})
    assert (figures.killed, figures.survived, figures.accepted, figures.percent) == (1, 1, 1, 50.0)


def test_render__survivors_are_named_and_needless_entries_too() -> None:
    text = render(make_trials(1, 2), {1: "equal", 2: "equal"})
    assert "survived: src/A.sol:13  A.f  never: a < b  [3]" in text
    assert "src/A.sol:12" not in text
    assert "accepted, but a test kills it: src/A.sol:11" in text
    assert list(count_by_file(make_trials(1, 2), {})) == ["src/A.sol"]


# ---- compiler


def test_solc__the_same_question__is_asked_once(tmp_path: Path) -> None:
    compiler = tmp_path / "compiler"
    compiler.write_text(f'#!/bin/sh\ncat\necho "$1" >> {tmp_path}/calls\ntest "$1" != --fail\n')
    compiler.chmod(0o755)
    environment = {**os.environ, "MUTANTS_SOLC": str(compiler), "MUTANTS_ANSWERS": str(tmp_path / "answers")}

    def ask(argument: str, text: bytes) -> tuple[int, bytes]:
        run = subprocess.run([SOLC, argument], input=text, stdout=subprocess.PIPE, env=environment, check=False)  # noqa: S603
        return run.returncode, run.stdout

    assert [ask("--standard-json", text) for text in (b"a", b"a", b"b")] == [(0, b"a"), (0, b"a"), (0, b"b")]
    assert ask("--fail", b"")[0] == 1
    assert ask("--fail", b"")[0] == 1  # a failure is not kept
    assert (tmp_path / "calls").read_text().split() == ["--standard-json"] * 2 + ["--fail"] * 2
