"""The mutated program: which mutants a source has, what is written for each, and that it compiles."""

import re
from dataclasses import dataclass

import pytest

from tests.kit.solidity import make_contracts
from tools.mutants.places import Mutant
from tools.mutants.rewrite import Rewriter
from tools.mutants.workplace import SWITCH, SWITCH_FILE, is_mutated, modifiers_of, with_imports
from tools.solidity import parse_sources

pytestmark = pytest.mark.unit

FILE = "src/A.sol"
SOURCE = """
struct Entry { uint256 value; }

contract A {
    event Added(uint256 amount);
    error Refused();

    uint256 private constant LIMIT = 2 * 8;
    uint256 public sum;
    address public owner;
    mapping(uint256 => Entry) private entries;

    modifier onlyOwner() {
        if (msg.sender != owner) revert Refused();
        _;
    }

    modifier under(uint256 limit) {
        if (sum >= limit) revert Refused();
        _;
    }

    function add(uint256 amount) external onlyOwner under(9) returns (uint256 result) {
        if (amount > LIMIT || amount == 0) revert Refused();
        sum += amount;
        emit Added(amount);
        for (uint256 i = 0; i < 3; ++i) {
            result += amount * 2;
        }
        Entry storage entry;
        entry = entries[1];
        entry.value++;
        return amount < 3 ? result : sum - 1;
    }

    function flag(bool isOn) external pure returns (bool) {
        if (!isOn) return true; else if (isOn) { return false; }
        assembly ("memory-safe") { mstore(0, add(1, 1)) }
        return !isOn;
    }
}
"""


STATEMENTS = {
    "if (a < 3) { x = a; }": ["never: a < 3", "always: a < 3", "a < 3 → <="],
    "if (a == 3) x = a;": ["never: a == 3", "always: a == 3"],
    "if (a >= 3) revert();": ["never: a >= 3", "always: a >= 3", "a >= 3 → >"],
    "x += a;": ["x += a → x -= a", "delete: x += a"],
    "x |= a;": ["x |= a → x &= a", "delete: x |= a"],
    "++x;": ["++x → --x", "delete: ++x"],
    "delete x;": ["delete: delete x"],
    "emit E();": ["delete: emit E()"],
    "uint256 c = b ? a : x; c;": ["never: b", "always: b", "delete: c"],
    "require(b && a != 1);": ["b && a != 1 → ||", "a != 1 → ==", "delete: require(b && a != 1)"],
    "while (a > x) { ++x; }": ["never: a > x", "a > x → >=", "++x → --x", "delete: ++x"],
    "uint256 c = a * 2 + ~x; c;": ["a * 2 + ~x → -", "a * 2 → /", "~x → x", "delete: c"],
    "x += 5; x += 5;": ["x += 5 → x -= 5", "delete: x += 5"] * 2,
}


@dataclass(frozen=True)
class Mutated:
    source: str
    text: str
    mutants: list[Mutant]

    def of(self, function: str) -> list[Mutant]:
        return [mutant for mutant in self.mutants if mutant.function == function]


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory) -> Mutated:
    """One file with all of the above. That its mutated text compiles is a part of the test."""
    functions = "".join(
        f"function f{number}(uint256 a, bool b) external {{ {statements} }}\n"
        for number, statements in enumerate(STATEMENTS)
    )
    source = SOURCE + f"contract B {{\nuint256 x;\nevent E();\n{functions}}}\n"
    plain, other = (tmp_path_factory.mktemp(name) for name in ("plain", "mutated"))
    parsed = parse_sources(make_contracts(plain, {FILE: source}))
    rewriter = Rewriter(modifiers_of([parsed.trees[FILE]]))
    text = with_imports(FILE, rewriter.rewrite(FILE, parsed.texts[FILE], parsed.trees[FILE])).decode()
    parse_sources(make_contracts(other, {FILE: text, SWITCH_FILE: SWITCH}))
    return Mutated(parsed.texts[FILE].decode(), text, rewriter.mutants)


def changes(mutants: list[Mutant]) -> list[str]:
    return [mutant.change for mutant in mutants]


def test_rewrite__all_mutants__are_in_the_text_and_numbers_have_no_gap(mutated: Mutated) -> None:
    assert [mutant.number for mutant in mutated.mutants] == list(range(1, len(mutated.mutants) + 1))
    assert len({mutant.identity for mutant in mutated.mutants}) == len(mutated.mutants)
    for mutant in mutated.mutants:
        assert re.search(rf"[( ]{mutant.number}\)", mutated.text), mutant


def test_rewrite__constants_and_assembly__have_no_mutants(mutated: Mutated) -> None:
    assert "uint256 private constant LIMIT = 2 * 8;" in mutated.text
    assert 'assembly ("memory-safe") { mstore(0, add(1, 1)) }' in mutated.text


@pytest.mark.parametrize("number", range(len(STATEMENTS)), ids=list(STATEMENTS))
def test_rewrite__a_statement__has_these_mutants(number: int, mutated: Mutated) -> None:
    assert sorted(changes(mutated.of(f"B.f{number}"))) == sorted(list(STATEMENTS.values())[number])


def test_rewrite__modifiers__can_be_switched_off_for_one_function(mutated: Mutated) -> None:
    without = [mutant for mutant in mutated.of("A.add") if mutant.change.startswith("without ")]
    assert changes(without) == ["without onlyOwner", "without under(9)"]
    assert f"onlyOwner({without[0].number}) under(9, {without[1].number})" in mutated.text
    assert "modifier under(uint256 limit, uint256 mutant_)" in mutated.text


def test_rewrite__a_comparison__is_swapped_behind_its_switch(mutated: Mutated) -> None:
    never, always, swapped = (mutant.number for mutant in mutated.of("B.f0"))
    condition = f"!Mutants.isOn({never}) && (Mutants.isOn({always}) || ((Mutants.isOn({swapped}) ? a <= 3 : a < 3)))"
    assert f"if ({condition}) {{ x = a; }}" in mutated.text


def test_rewrite__equal_changes_in_one_function__are_told_apart(mutated: Mutated) -> None:
    function = f"B.f{list(STATEMENTS).index('x += 5; x += 5;')}"
    assert [mutant.repeat for mutant in mutated.of(function) if mutant.change == "delete: x += 5"] == [0, 1]


def test_rewrite__lines__are_those_of_the_source(mutated: Mutated) -> None:
    (event,) = [mutant for mutant in mutated.of("A.add") if mutant.change == "delete: emit Added(amount)"]
    assert mutated.source.splitlines()[event.line - 1].strip() == "emit Added(amount);"


@pytest.mark.parametrize(
    ("path", "expected"),
    [("src/A.sol", True), ("src/libraries/A.sol", True), ("src/interfaces/A.sol", False), ("test/A.sol", False)],
)
def test_is_mutated__code_of_ours__only(path: str, expected: bool) -> None:
    assert is_mutated(path) == expected
