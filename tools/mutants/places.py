"""The places that are mutated, and what is written there."""

from dataclasses import dataclass

# One mutant swaps an operator for the other. Each swap compiles whatever the operands are.
SWAPS = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "==": "!=",
    "!=": "==",
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "&": "|",
    "|": "&",
    "&&": "||",
    "||": "&&",
}
ASSIGNMENT_SWAPS = {"+=": "-=", "-=": "+=", "|=": "&=", "&=": "|=", "^=": "|="}
STEP_SWAPS = {"++": "--", "--": "++"}
DROPPED_SIGNS = ("!", "-", "~")


@dataclass(frozen=True)
class Mutant:
    """One change of one place. `number` switches it on; 0 is the unchanged program."""

    number: int
    file: str
    line: int
    function: str
    change: str
    repeat: int = 0  # how many equal changes the function has before this one

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """What names the mutant in the list of accepted ones: it must not change when lines move."""
        return (self.file, self.function, self.change, self.repeat)


def shorten(text: str, limit: int = 100) -> str:
    """The text on one line.

    >>> shorten("a =\\n    b", 6), shorten("abcdef", 4)
    ('a = b', 'abc…')
    """
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
