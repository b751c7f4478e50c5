"""A clock that only the test moves."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

START_MS: Final = 1_700_000_000_000  # any; far from zero, so that a time is not mistaken for a duration


class FakeClock:
    """Milliseconds since the epoch, which pass only by `advance`, and sleeps that end by it.

    A sleep is due from the moment it is asked for. Code under test may hand the sleep to a new asyncio task; the test
    may then call `advance` before that task first runs. Counted from there, the sleep would be due later, and it would
    wait for another `advance`, which never comes.
    """

    def __init__(self, time_ms: int = START_MS) -> None:
        self._time_ms = time_ms
        self._sleepers: list[tuple[int, asyncio.Event]] = []

    def now_ms(self) -> int:
        return self._time_ms

    def sleep(self, seconds: float) -> Coroutine[Any, Any, None]:
        """Return a coroutine that ends once `seconds` have passed since this call.

        On purpose no `async def`: its body would begin only when the coroutine is first awaited.
        """
        waking = asyncio.Event()
        self._sleepers.append((self._time_ms + round(seconds * 1_000), waking))
        self._wake_due()
        return _wait_for(waking)

    def advance(self, milliseconds: int) -> None:
        """Let time pass. Every sleep that is due by then ends; the one that is due first wakes first."""
        self._time_ms += milliseconds
        self._wake_due()

    def _wake_due(self) -> None:
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._time_ms]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[0] > self._time_ms]
        for _, waking in sorted(due, key=lambda sleeper: sleeper[0]):
            waking.set()


async def _wait_for(waking: asyncio.Event) -> None:
    await waking.wait()
