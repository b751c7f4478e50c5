"""Joins the evaluator service's parts: scorer → queue → routes, on TCP and, if configured, on a Unix socket."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from services.evaluator.handlers import Evaluate, EvaluationQueue, build_evaluate_handler
from services.evaluator.settings import Settings
from zarathustra.core.errors import Retry
from zarathustra.runtime.lifecycle import Runtime, serve
from zarathustra.runtime.stopping import pause
from zarathustra.scoring.fault import evaluate
from zarathustra.scoring.scorer import Scorer
from zarathustra.wire.evaluator import EvaluateRequest, EvaluateResult

START_RETRY_SECONDS = 10.0


async def start(settings: Settings, runtime: Runtime) -> None:
    """Run until stopped."""
    async with Scorer(score_seconds=settings.score_seconds) as scorer:
        queue = EvaluationQueue(build_evaluate(scorer, runtime), max_waiting=settings.max_waiting)
        pending = runtime.metrics.gauge("pending_requests", "Requests that run or wait.")
        pending.set_function(lambda: queue.pending)
        routes = [web.post("/evaluate", build_evaluate_handler(queue))]
        jobs: dict[str, Callable[[], Awaitable[None]]] = {"worker": lambda: keep_ready(scorer, queue, runtime)}
        if settings.evaluator_socket is not None:
            path = settings.evaluator_socket
            jobs["socket"] = lambda: serve_socket(path, routes, runtime.stop)
        await serve(runtime, settings.http_listen, jobs, routes)


def build_evaluate(scorer: Scorer, runtime: Runtime) -> Evaluate:
    """Return a function that evaluates a request, logs the result and counts it."""
    evaluations = runtime.metrics.counter("evaluations", "Evaluations concluded.", ["code", "reason"])
    seconds = runtime.metrics.histogram("evaluation_seconds", "Time of an evaluation, without waiting.")
    starts = runtime.metrics.gauge("worker_starts", "Jailed workers started since the service started.")
    starts.set_function(lambda: scorer.starts)

    async def run(request: EvaluateRequest) -> EvaluateResult:
        started = time.monotonic()
        result = await evaluate(scorer.score, request, await scorer.start())
        elapsed = time.monotonic() - started
        reason = "" if result.reason is None else result.reason.code
        evaluations.labels(result.code.name, reason).inc()
        seconds.observe(elapsed)
        runtime.log.info(
            "Evaluated",
            input_hash=request.input_hash,
            code=result.code.name,
            reason=reason,
            seconds=round(elapsed, 3),
        )
        return result

    return run


async def keep_ready(scorer: Scorer, queue: EvaluationQueue, runtime: Runtime) -> None:
    """Start the worker before the first request and again after it ended. The service is ready once it runs."""
    runtime.health.wait_for("worker", "starting")
    while not runtime.stop.is_set():
        try:
            await queue.run_alone(scorer.start)
            runtime.health.fulfil("worker")
        except Retry as error:
            runtime.health.wait_for("worker", error.reason.code)
            runtime.log.error("Cannot start the jailed worker", reason=error.reason.code, error=str(error))
        await pause(runtime.stop, START_RETRY_SECONDS)


async def serve_socket(path: Path, routes: list[web.RouteDef], stop: asyncio.Event) -> None:
    """Serve evaluations on a Unix socket that only this user and group can open."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.UnixSite(runner, path).start()
        os.chmod(path, 0o660)
        await stop.wait()
    finally:
        await runner.cleanup()
