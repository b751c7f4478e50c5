"""What a mutation run tells."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.mutants.trials import Trial


@dataclass(frozen=True)
class Figures:
    """Of one file, or of all. Accepted survivors count neither as killed nor as survivors."""

    killed: int
    survived: int
    accepted: int

    @property
    def percent(self) -> float:
        """The killed part of those that count; 100 if none counts."""
        return 100 * self.killed / (self.killed + self.survived) if self.killed + self.survived else 100.0


def count(trials: Iterable[Trial], accepted: Mapping[int, str]) -> Figures:
    known = list(trials)
    killed = sum(trial.is_killed for trial in known)
    excused = sum(not trial.is_killed and trial.mutant.number in accepted for trial in known)
    return Figures(killed, len(known) - killed - excused, excused)


def count_by_file(trials: Sequence[Trial], accepted: Mapping[int, str]) -> dict[str, Figures]:
    files = sorted({trial.mutant.file for trial in trials})
    return {file: count((trial for trial in trials if trial.mutant.file == file), accepted) for file in files}


def render(trials: Sequence[Trial], accepted: Mapping[int, str]) -> str:
    """The survivors, then the figures of each file and of all."""
    survivors = [trial.mutant for trial in trials if not trial.is_killed and trial.mutant.number not in accepted]
    needless = [trial.mutant for trial in trials if trial.is_killed and trial.mutant.number in accepted]
    figures = {**count_by_file(trials, accepted), "all": count(trials, accepted)}
    return "\n".join(
        [
            *(f"survived: {one.place}  {one.function}  {one.change}  [{one.number}]" for one in survivors),
            *(f"accepted, but a test kills it: {one.place}  {one.change}" for one in needless),
            "",
            f"{'file':<40} {'killed':>7} {'survived':>9} {'accepted':>9}",
            *(f"{file:<40} {it.percent:6.1f} % {it.survived:>8} {it.accepted:>9}" for file, it in figures.items()),
        ]
    )
