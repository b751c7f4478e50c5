"""Which test files are run first: those that killed the neighbours of a mutant, then those named after its contract."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tools.mutants.places import Mutant

FIRST = 2  # files in the first run: one that killed a neighbour mostly kills the next too
SECOND = 10


@dataclass
class Order:
    """Learns from every kill."""

    test_files: Sequence[str]
    _by_function: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    _by_file: dict[str, Counter[str]] = field(default_factory=dict)

    def learn(self, mutant: Mutant, test_file: str) -> None:
        self._by_function.setdefault((mutant.file, mutant.function), Counter())[test_file] += 1
        self._by_file.setdefault(mutant.file, Counter())[test_file] += 1

    def runs_for(self, mutant: Mutant) -> list[list[str]]:
        """All test files, in the groups that are run one after another. No group is empty."""
        near = [name for name, _ in self._by_function.get((mutant.file, mutant.function), Counter()).most_common()]
        far = [name for name, _ in self._by_file.get(mutant.file, Counter()).most_common()]
        named = [
            name for name in self.test_files if PurePosixPath(name).name.startswith(PurePosixPath(mutant.file).stem)
        ]
        first = unique(near)[:FIRST] or unique([*far, *named])[:FIRST]
        second = [name for name in unique([*near, *far, *named]) if name not in first][:SECOND]
        rest = [name for name in self.test_files if name not in (*first, *second)]
        return [group for group in (first, second, rest) if group]


def unique(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))
