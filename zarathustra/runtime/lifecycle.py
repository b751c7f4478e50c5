"""How every service starts, runs, drains and stops.

load settings → logs → HTTP up (not ready) → start the service's jobs → ready → SIGTERM or a failed job
→ not ready → stop event set → jobs drain → exit 0, or 1 when a job failed, 2 when a setting is wrong
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web
from aiohttp.typedefs import Middleware

from zarathustra.core.errors import Invalid, ZarathustraError
from zarathustra.core.reasons import Reason
from zarathustra.runtime.health import Health
from zarathustra.runtime.http import MAX_BODY_BYTES, build_app, serve_http
from zarathustra.runtime.settings import load_settings, public_fields
from zarathustra.telemetry.log import Logger, configure_logging, get_logger
from zarathustra.telemetry.metrics import Metrics

S = TypeVar("S")
Job = Callable[[], Awaitable[None]]

EXIT_FAILED = 1
EXIT_BAD_SETTING = 2  # starting again does not help: a person has to change something
DRAIN_SECONDS = 8.0  # below Kubernetes' 30 s and the devnet's 10 s, so that we end by ourselves


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass
class Runtime:
    """What a running service is given: its name, stop event, health, clock, metrics and log."""

    service: str
    health: Health = field(default_factory=Health)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    now_ms: Callable[[], int] = now_ms  # must run with the event loop's clock, by which everything waits

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.service)
        self.log: Logger = get_logger(component=self.service)

    async def run_jobs(self, jobs: Mapping[str, Job]) -> None:
        """Run the named jobs until `stop` is set, then let them drain.

        Each job watches `stop` itself. The first job that fails stops the others, and its error is raised; what fails
        while the others drain is logged. A job that ends early without error stops the service too: nobody else does
        its work.
        """
        tasks = [asyncio.create_task(_as_coroutine(job), name=name) for name, job in jobs.items()]
        stopper = asyncio.create_task(self.stop.wait())
        ended_first: set[asyncio.Task[None]] = set()
        try:
            await asyncio.wait({*tasks, stopper}, return_when=asyncio.FIRST_COMPLETED)
            ended_first = {task for task in tasks if task.done()}
            self.health.wait_for("lifecycle", "draining")
            self.stop.set()
            await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        finally:
            for task in (*tasks, stopper):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._raise_first_failure(sorted(tasks, key=lambda task: task not in ended_first))

    def _raise_first_failure(self, tasks: Iterable["asyncio.Task[None]"]) -> None:
        errors = [error for task in tasks if not task.cancelled() and (error := task.exception()) is not None]
        for error in errors[1:]:
            self.log.error("Job failed while draining", error=repr(error))
        if errors:
            raise errors[0]


def run_service(
    service: str,
    settings_class: type[S],
    start: Callable[[S, Runtime], Awaitable[None]],
    *,
    environ: Mapping[str, str] | None = None,
) -> None:
    """A service's whole `__main__`; exits the process. Settings must have `log_level` and `http_listen`."""
    try:
        settings = load_settings(settings_class, os.environ if environ is None else environ)
        configure_logging(service, level=getattr(settings, "log_level", "INFO"))
    except Invalid as error:
        sys.stderr.write(f"{service}: {error}\n")
        raise SystemExit(EXIT_BAD_SETTING) from error
    try:
        asyncio.run(_main(service, settings, start))
    except ZarathustraError as error:
        get_logger().error("Service failed", reason=error.reason.code, error=str(error))
        raise SystemExit(EXIT_BAD_SETTING if error.reason is Reason.BAD_SETTING else EXIT_FAILED) from error
    except Exception:  # noqa: BLE001  # the outermost edge: log the bug as JSON, then die visibly
        get_logger().exception("Service crashed")
        raise SystemExit(EXIT_FAILED) from None


async def serve(
    runtime: Runtime,
    listen: str,
    jobs: Mapping[str, Job],
    routes: Iterable[web.RouteDef] = (),
    *,
    middlewares: Iterable[Middleware] = (),
    max_body_bytes: int = MAX_BODY_BYTES,
) -> None:
    """Run the jobs with the service's HTTP side up; `build_app` explains the rest."""
    app = build_app(runtime.health, runtime.metrics, routes, middlewares=middlewares, max_body_bytes=max_body_bytes)
    async with serve_http(app, listen) as port:
        runtime.log.info("Service started", http_port=port)
        await runtime.run_jobs(jobs)
    runtime.log.info("Service stopped")


async def _main(service: str, settings: S, start: Callable[[S, Runtime], Awaitable[None]]) -> None:
    runtime = Runtime(service)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, runtime.stop.set)
    runtime.log.info("Settings loaded", **public_fields(settings))
    await start(settings, runtime)


async def _as_coroutine(job: Job) -> None:
    await job()
