"""A whole service in a few lines, run as a process: `python -m tests.kit.runtime.tiny_service`.

The setting MANNER says how it ends, so that a test can make it fail in each way a service can.
"""

import asyncio
from dataclasses import dataclass

from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import TaskId
from zarathustra.runtime.lifecycle import Runtime, run_service, serve
from zarathustra.runtime.settings import Secret

TASK = TaskId(b"\xab" * 32)


@dataclass(frozen=True)
class Settings:
    password: Secret
    manner: str = "wait"  # or "fail", "crash", "end", "refuse"
    http_listen: str = "127.0.0.1:0"
    log_level: str = "INFO"


async def start(settings: Settings, runtime: Runtime) -> None:
    if settings.manner == "refuse":
        raise Invalid(Reason.BAD_SETTING, "MANNER needs something else", password=settings.password)

    async def job() -> None:
        runtime.log.warning("Task looked at", task_id=TASK, reason=Reason.NO_SEED.code, password=settings.password)
        if settings.manner == "fail":
            raise Retry(Reason.BUS_UNREACHABLE, "join group", password=settings.password)
        if settings.manner == "crash":
            raise RuntimeError("a bug")
        if settings.manner == "wait":
            await runtime.stop.wait()
            await asyncio.sleep(0)
            runtime.log.info("Job drained")

    await serve(runtime, settings.http_listen, {"job": job})


if __name__ == "__main__":
    run_service("tiny", Settings, start)
