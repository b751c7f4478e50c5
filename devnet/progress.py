"""Live progress on a terminal, plain lines elsewhere: one line a step, with the time it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console


@dataclass
class Progress:
    """Prints steps as they end; keeps their times for the closing table."""

    console: Console
    seconds: dict[str, float] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show `name` while it runs; steps may run side by side."""
        started = time.monotonic()
        self.console.print(f"[dim]{self._elapsed():6.1f} s[/]   {name} …", highlight=False)
        try:
            yield
        except BaseException:
            self.console.print(f"[red]{self._elapsed():6.1f} s ✘ {name}[/]", highlight=False)
            raise
        self.seconds[name] = time.monotonic() - started
        self.console.print(
            f"[dim]{self._elapsed():6.1f} s[/] [green]✔[/] {name} [dim]({self.seconds[name]:.1f} s)[/]", highlight=False
        )

    def say(self, text: str) -> None:
        """A line that is no step."""
        self.console.print(f"[dim]{self._elapsed():6.1f} s[/]   {text}", highlight=False)

    def _elapsed(self) -> float:
        return time.monotonic() - self._started
