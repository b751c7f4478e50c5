"""A service as a process: exit codes, signals, logs, and its HTTP side on a loopback port."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.kit.runtime.tiny_service import TASK
from tests.kit.waiting import DEADLINE_S
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.runtime.health import Health
from zarathustra.runtime.http import MAX_BODY_BYTES, build_app, parse_listen, serve_http
from zarathustra.telemetry.metrics import Metrics

pytestmark = pytest.mark.conformance

PASSWORD = "correct horse battery staple"
START_SECONDS = 30.0  # Python starts slowly on a busy machine


@dataclass
class Service:
    """A running process and the log lines it has written."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)

    async def read_until(self, message: str) -> dict[str, Any]:
        """Return the next log line with that message."""
        async with asyncio.timeout(START_SECONDS):
            while line := await self._read_line():
                if message in line:
                    found: dict[str, Any] = json.loads(line)
                    return found
        raise AssertionError(f"{message!r} was not logged: {self.lines}")

    async def wait(self) -> int:
        """Read all output, then return the exit code."""
        async with asyncio.timeout(START_SECONDS):
            while await self._read_line():
                pass
            return await self.process.wait()

    async def _read_line(self) -> str:
        if self.process.stderr is None:
            raise RuntimeError("started without a pipe")
        line = (await self.process.stderr.readline()).decode()
        self.lines.append(line)
        return line


@asynccontextmanager
async def running_service(**settings: str) -> AsyncIterator[Service]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.kit.runtime.tiny_service",
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **settings},
    )
    try:
        yield Service(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_service__sigterm__drains_and_exits_0() -> None:
    async with running_service(PASSWORD=PASSWORD) as service:
        started = await service.read_until("Service started")
        url = f"http://127.0.0.1:{started['http_port']}/readyz"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert response.status == 200
        service.process.send_signal(signal.SIGTERM)
        assert await service.wait() == 0
        messages = [json.loads(line)["event"] for line in service.lines if line]
        assert messages[-2:] == ["Job drained", "Service stopped"]


async def test_service__logs__are_json_with_service_reason_and_hex_and_no_secret() -> None:
    async with running_service(PASSWORD=PASSWORD, MANNER="end") as service:
        assert await service.wait() == 0
        lines = [json.loads(line) for line in service.lines if line]
        assert {line["service"] for line in lines} == {"tiny"}
        looked = next(line for line in lines if line["event"] == "Task looked at")
        assert looked["task_id"] == "0x" + TASK.hex()
        assert (looked["reason"], looked["level"]) == (Reason.NO_SEED.code, "warning")
        assert PASSWORD not in "".join(service.lines)


async def test_service__job_fails__exits_1_and_logs_the_reason() -> None:
    async with running_service(PASSWORD=PASSWORD, MANNER="fail") as service:
        assert await service.wait() == 1
        failed = next(json.loads(line) for line in service.lines if "Service failed" in line)
        assert (failed["reason"], failed["level"]) == ("bus_unreachable", "error")
        assert PASSWORD not in "".join(service.lines)


async def test_service__bug__exits_1_and_logs_the_traceback_as_json() -> None:
    async with running_service(PASSWORD=PASSWORD, MANNER="crash") as service:
        assert await service.wait() == 1
        crashed = next(json.loads(line) for line in service.lines if "Service crashed" in line)
        assert "RuntimeError: a bug" in crashed["exception"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "PASSWORD is missing"),
        ({"PASSWORD": PASSWORD, "LOG_LEVEL": "LOUD"}, "LOUD"),
        ({"PASSWORD": PASSWORD, "HTTP_LISTEN": "everywhere"}, "everywhere"),
        ({"PASSWORD": PASSWORD, "HTTP_LISTEN": "127.0.0.1:70000"}, "70000"),
        ({"PASSWORD": PASSWORD, "MANNER": "refuse"}, "MANNER needs something else"),
    ],
)
async def test_service__bad_setting__exits_2_and_names_it(settings: dict[str, str], named: str) -> None:
    async with running_service(**settings) as service:
        assert await service.wait() == 2
        told = "".join(service.lines)
        assert named in told
        assert Reason.BAD_SETTING.code in told
        assert "Traceback" not in told
        assert PASSWORD not in told


# ---- HTTP


@asynccontextmanager
async def serving(health: Health, metrics: Metrics, *routes: web.RouteDef) -> AsyncIterator[tuple[str, Any]]:
    timeout = aiohttp.ClientTimeout(total=DEADLINE_S)
    async with (
        serve_http(build_app(health, metrics, routes), "127.0.0.1:0") as port,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        yield f"http://127.0.0.1:{port}", session


async def test_livez__not_ready__is_still_alive() -> None:
    health = Health()
    health.wait_for("chain", "rpc_unreachable")
    async with serving(health, Metrics("test")) as (url, session), session.get(f"{url}/livez") as response:
        assert response.status == 200


async def test_readyz__waiting_then_fulfilled__names_what_it_waits_for() -> None:
    health = Health()
    async with serving(health, Metrics("test")) as (url, session):
        health.wait_for("chain", "rpc_unreachable")
        async with session.get(f"{url}/readyz") as response:
            assert response.status == 503
            assert await response.json() == {"ready": False, "waiting_for": {"chain": "rpc_unreachable"}}
        health.fulfil("chain")
        async with session.get(f"{url}/readyz") as response:
            assert response.status == 200


async def test_metrics__counted__shows_full_name_help_and_value() -> None:
    metrics = Metrics("test")
    metrics.counter("records_handled", "Records handled", ["topic"]).labels(topic="x").inc(3)
    async with serving(Health(), metrics) as (url, session), session.get(f"{url}/metrics") as response:
        text = await response.text()
    assert 'zarathustra_test_records_handled_total{topic="x"} 3.0' in text
    assert "# HELP zarathustra_test_records_handled_total Records handled" in text


async def test_app__route_of_the_service__is_served_and_large_bodies_are_refused() -> None:
    async def on_echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async with serving(Health(), Metrics("test"), web.post("/echo", on_echo)) as (url, session):
        async with session.post(f"{url}/echo", data=b"x" * 100) as response:
            assert await response.read() == b"x" * 100
        async with session.post(f"{url}/echo", data=b"x" * (MAX_BODY_BYTES + 1)) as response:
            assert response.status == 413


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1:9100", ("127.0.0.1", 9100)), ("[::1]:0", ("::1", 0)), ("localhost:65535", ("localhost", 65535))],
)
def test_parse_listen__good__is_host_and_port(text: str, expected: tuple[str, int]) -> None:
    assert parse_listen(text) == expected


@pytest.mark.parametrize("text", ["", "9100", ":9100", "host:", "host:http", "host:-1", "host:65536", "host:²"])
def test_parse_listen__bad__is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_listen(text)
    assert caught.value.reason is Reason.BAD_SETTING
