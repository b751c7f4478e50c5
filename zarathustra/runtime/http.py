"""The HTTP server of every service: /livez, /readyz, /metrics, and the routes that a service adds."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Middleware

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.runtime.health import Health
from zarathustra.telemetry.metrics import Metrics

MAX_BODY_BYTES = 64 * 1024  # requests are small; a larger body is an attempt to fill memory
MAX_PORT = 65_535
SHUTDOWN_SECONDS = 2.0


def build_app(
    health: Health,
    metrics: Metrics,
    routes: Iterable[web.RouteDef] = (),
    *,
    middlewares: Iterable[Middleware] = (),
    max_body_bytes: int = MAX_BODY_BYTES,
) -> web.Application:
    """Build the service's application. `middlewares` apply to every route, also to /livez, /readyz and /metrics."""

    async def on_livez(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def on_readyz(_request: web.Request) -> web.Response:
        body = {"ready": health.is_ready, "waiting_for": health.get_waiting()}
        return web.json_response(body, status=200 if health.is_ready else 503)

    async def on_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application(middlewares=tuple(middlewares), client_max_size=max_body_bytes)
    app.add_routes([web.get("/livez", on_livez), web.get("/readyz", on_readyz), web.get("/metrics", on_metrics)])
    app.add_routes(routes)
    return app


@asynccontextmanager
async def serve_http(app: web.Application, listen: str) -> AsyncIterator[int]:
    """Serve `app` on `listen` and yield the port. Example: "127.0.0.1:9100"; port 0 selects a free port."""
    host, port = parse_listen(listen)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def parse_listen(listen: str) -> tuple[str, int]:
    """Split "host:port". Raises Invalid(BAD_SETTING)."""
    host, separator, port = listen.rpartition(":")
    if not separator or not host or not port.isdecimal() or int(port) > MAX_PORT:
        raise Invalid(Reason.BAD_SETTING, "listen address is not host:port", listen=listen)
    return host.strip("[]"), int(port)
