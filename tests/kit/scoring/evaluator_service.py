"""The evaluator service as a process of its own."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.kit.paths import ROOT

START_SECONDS = 60


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@asynccontextmanager
async def run_evaluator(socket_path: Path, **settings: str) -> AsyncIterator[str]:
    """Run a service within the block; gives its HTTP address as host:port once it is ready."""
    address = f"127.0.0.1:{find_free_port()}"
    environment = {"HTTP_LISTEN": address, "EVALUATOR_SOCKET": str(socket_path), "LOG_LEVEL": "WARNING"} | settings
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.evaluator", cwd=ROOT, env=environment | {"PATH": os.environ["PATH"]}
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            await wait_until_ready(address)
        yield address
    finally:
        process.terminate()
        async with asyncio.timeout(20):
            await process.wait()


async def wait_until_ready(address: str) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://{address}/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)
