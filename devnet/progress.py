"""Live progress on a terminal, plain lines elsewhere: a line for each step that ended, with the time it took."""

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
        self._status = self.console.status("starting")  # the spinner; draws nothing where there is no terminal

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show `name` while it runs; steps may run side by side."""
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
        """A line that is no step."""
        self._print(f"  {text}")

    def _print(self, text: str) -> None:
        elapsed = time.monotonic() - self._started
        self.console.print(f"[dim]{elapsed:6.1f} s[/] {text}", highlight=False, soft_wrap=True)

    def _show(self, *running: str) -> None:
        """Spin beside the names of what runs now."""
        self._running = list(running)
        if not running:
            self._status.stop()
        else:
            self._status.update(" · ".join(running))
            self._status.start()
