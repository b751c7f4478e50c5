"""Shows progress: live on a terminal, plain lines elsewhere. Each step that ended gives a line with its duration."""

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
    _running: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._status = self.console.status("starting")  # the spinner; draws nothing without a terminal

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show `name` while the step runs. Steps may run at the same time."""
        started = time.monotonic()
        self._show(*self._running, name)
        if not self.console.is_terminal:
            self._print(f"  {name} …")
        try:
            yield
        except BaseException:
            self._print(f"[red]✘ {name}[/]")
            raise
        finally:
            self._show(*(running for running in self._running if running != name))
        self.seconds[name] = time.monotonic() - started
        self._print(f"[green]✔[/] {name} [dim]({self.seconds[name]:.1f} s)[/]")

    def say(self, text: str) -> None:
        """Print a line that is not a step."""
        self._print(f"  {text}")

    def _print(self, text: str) -> None:
        elapsed = time.monotonic() - self._started
        self.console.print(f"[dim]{elapsed:6.1f} s[/] {text}", highlight=False, soft_wrap=True)

    def _show(self, *running: str) -> None:
        """Show the spinner with the names of the steps that run now."""
        self._running = list(running)
        if not running:
            self._status.stop()
        else:
            self._status.update(" · ".join(running))
            self._status.start()
