"""How every service starts, runs, drains and stops.

load settings → logs → HTTP server → jobs, which wait for their conditions → ready → SIGTERM, SIGINT or a job ends
→ not ready → stop event set → jobs drain → exit 0, or 1 if the service failed, 2 if a setting is wrong
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
EXIT_BAD_SETTING = 2  # a restart does not help: a person must change something
SETTING_REASONS = frozenset({Reason.BAD_SETTING, Reason.WRONG_DEPLOYMENT})
DRAIN_SECONDS = 8.0  # below the 30 s of Kubernetes and the 10 s of the devnet, after which they kill


def now_ms() -> int:
    """Return the milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass
class Runtime:
    """What a running service gets: its name, stop event, health, clock, metrics and log."""

    service: str
    health: Health = field(default_factory=Health)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    now_ms: Callable[[], int] = now_ms  # must advance with the event loop's clock, which all waits use

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.service)
        self.log: Logger = get_logger(component=self.service)

    async def run_jobs(self, jobs: Mapping[str, Job]) -> None:
        """Run the named jobs until `stop` is set, then let them drain.

        Each job watches `stop` itself. A job that ends early stops the others, even without an error, because no other
        job does its work. Jobs that still run after DRAIN_SECONDS are cancelled. Raises the error of the job that ended
        first; later errors are logged.
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
    """Run a service from its `__main__`; `log_level` of the settings applies if there is one.

    Returns after a normal stop. Raises SystemExit with EXIT_BAD_SETTING or EXIT_FAILED after a failure.
    """
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
        raise SystemExit(EXIT_BAD_SETTING if error.reason in SETTING_REASONS else EXIT_FAILED) from error
    except Exception:  # noqa: BLE001  # the outermost function: log the bug as JSON, then exit with 1
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
    """Run the jobs while the service's HTTP server runs. See `build_app` for the other parameters."""
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
