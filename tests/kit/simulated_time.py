"""An event loop whose time is simulated: it jumps to the next timer when nothing else is left to do.

Waits for blocks, polls and retries take no real time, and no timeout depends on how busy the machine is. While a
request to the real node is out (`real_work`), simulated time stands still. Work for threads runs inline.

So everything that can happen at one moment has happened before the next moment begins, and two runs can be compared: a
service that is killed and started again at some moment catches up within that moment. A sleep cannot lose time either:
time moves only when no task is ready to run, and by then every sleep that was asked for has set its timer.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, TypeVarTuple

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

START_S = 1_000_000.0  # any; far from zero, so that a time is not mistaken for a duration
NODE_PATIENCE_S = 60.0  # real seconds that one request to the node may take


class InlineExecutor(Executor):
    """Runs work at once, in the calling thread, so that the order of events does not depend on threads."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # as in every executor: the future carries the error
            future.set_exception(error)
        return future


class _SimulatedSelector(selectors.DefaultSelector):
    """Moves the clock forward where a real selector would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = START_S
        self.real_work = 0  # requests on their way to the node

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if self.real_work:
            events = super().select(NODE_PATIENCE_S)
            if not events:
                raise RuntimeError(f"the node has not answered for {NODE_PATIENCE_S} real seconds")
            return events
        if timeout is None:
            raise RuntimeError("every task waits and no timer is set: nothing will ever happen again")
        self.now_s += timeout
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """The event loop that the module describes."""

    def __init__(self) -> None:
        self._simulated = _SimulatedSelector()
        super().__init__(self._simulated)
        self._inline = InlineExecutor()

    def time(self) -> float:
        """Return simulated seconds."""
        return self._simulated.now_s

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> "asyncio.Future[T]":
        """Run `func` at once, with any `executor`."""
        return asyncio.wrap_future(self._inline.submit(func, *args), loop=self)

    @contextmanager
    def real_work(self) -> Iterator[None]:
        """Within the block, simulated time stands still and the loop waits for real sockets."""
        self._simulated.real_work += 1
        try:
            yield
        finally:
            self._simulated.real_work -= 1


def now_ms() -> int:
    """Return the running loop's time. It is the clock for all code that also waits on this loop."""
    return int(asyncio.get_running_loop().time() * 1_000)


def simulate(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main)
