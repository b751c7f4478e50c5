"""Jobs of a service: which job stops the others, which error is raised, how long the jobs may drain."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.kit.simulated_time import simulate
from tests.kit.waiting import within
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.runtime.health import Health
from zarathustra.runtime.lifecycle import DRAIN_SECONDS, Job, Runtime

pytestmark = pytest.mark.unit


class BrokenError(Exception):
    """A bug."""


def fail_with(error: Exception) -> Job:
    async def job() -> None:
        raise error

    return job


async def end_at_once() -> None:
    """A job that has nothing to do."""


def note_stop(runtime: Runtime, ended: list[str], name: str) -> Job:
    async def job() -> None:
        await runtime.stop.wait()
        ended.append(name)

    return job


async def test_run_jobs__stop_is_set__all_drain() -> None:
    runtime, ended = Runtime("test"), list[str]()
    runtime.stop.set()
    await within(runtime.run_jobs({name: note_stop(runtime, ended, name) for name in ("one", "two")}))
    assert sorted(ended) == ["one", "two"]


async def test_run_jobs__one_fails__others_are_stopped_and_its_error_is_raised() -> None:
    runtime, ended = Runtime("test"), list[str]()
    error = Retry(Reason.RPC_UNREACHABLE, "ask node")
    with pytest.raises(Retry) as caught:
        await within(runtime.run_jobs({"good": note_stop(runtime, ended, "good"), "bad": fail_with(error)}))
    assert caught.value is error
    assert ended == ["good"]


async def test_run_jobs__one_ends_early__stops_the_service() -> None:
    runtime, ended = Runtime("test"), list[str]()
    await within(runtime.run_jobs({"waits": note_stop(runtime, ended, "waits"), "ends": end_at_once}))
    assert ended == ["waits"]
    assert runtime.stop.is_set()


@pytest.mark.parametrize("others", [1, 7])
async def test_run_jobs__others_fail_while_draining__first_error_is_raised(others: int) -> None:
    """The order of the jobs does not matter: the first error is the cause, the others may be its effects."""
    runtime = Runtime("test")

    def fail_when_stopped(number: int) -> Job:
        async def job() -> None:
            await runtime.stop.wait()
            raise BrokenError(f"consequence {number}")

        return job

    jobs = {f"other {number}": fail_when_stopped(number) for number in range(others)}
    with pytest.raises(BrokenError, match="cause"):
        await within(runtime.run_jobs({**jobs, "first": fail_with(BrokenError("cause"))}))


async def test_run_jobs__draining__is_not_ready() -> None:
    runtime = Runtime("test")
    seen: list[tuple[bool, dict[str, str]]] = []

    async def job() -> None:
        assert runtime.health.is_ready
        runtime.stop.set()
        while runtime.health.is_ready:
            await asyncio.sleep(0)
        seen.append((runtime.health.is_ready, runtime.health.get_waiting()))

    await within(runtime.run_jobs({"job": job}))
    assert seen == [(False, {"lifecycle": "draining"})]


def hang_after(runtime: Runtime, ended: list[str]) -> Job:
    async def job() -> None:
        await runtime.stop.wait()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    return job


def run_timed(make_work: Callable[[], Awaitable[None]]) -> float:
    """Return how many seconds the work takes on the loop's clock, which skips the waiting."""

    async def measure() -> float:
        loop = asyncio.get_running_loop()
        before = loop.time()
        await make_work()
        return loop.time() - before

    return simulate(measure())


def test_run_jobs__job_does_not_drain__is_cancelled_at_the_deadline() -> None:
    ended: list[str] = []

    async def work() -> None:
        runtime = Runtime("test")
        runtime.stop.set()
        await runtime.run_jobs({"hangs": hang_after(runtime, ended)})

    took = run_timed(work)
    assert ended == ["cancelled"]
    assert took == pytest.approx(DRAIN_SECONDS, abs=0.5)


def test_run_jobs__slow_drain_within_the_deadline__finishes() -> None:
    ended: list[str] = []

    async def work() -> None:
        runtime = Runtime("test")
        runtime.stop.set()

        async def job() -> None:
            await asyncio.sleep(DRAIN_SECONDS / 2)  # the loop's clock skips this
            ended.append("finished")

        await runtime.run_jobs({"slow": job})

    assert run_timed(work) < DRAIN_SECONDS
    assert ended == ["finished"]


async def test_run_jobs__is_cancelled__jobs_are_cancelled() -> None:
    runtime, ended = Runtime("test"), list[str]()
    started = asyncio.Event()

    async def job() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    running = asyncio.create_task(runtime.run_jobs({"job": job}))
    await within(started.wait())
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == ["cancelled"]


# ---- health


def test_health__condition_not_fulfilled__says_what_it_waits_for() -> None:
    health = Health()
    health.wait_for("chain", "rpc_unreachable")
    health.wait_for("bus", "bus_unreachable")
    health.fulfil("chain")
    assert not health.is_ready
    assert health.get_waiting() == {"bus": "bus_unreachable"}


def test_health__all_fulfilled__is_ready() -> None:
    health = Health()
    health.wait_for("chain", "rpc_unreachable")
    health.fulfil("chain")
    health.fulfil("chain")
    assert health.is_ready


def test_health__given_answer__cannot_be_changed_from_outside() -> None:
    health = Health()
    health.get_waiting()["x"] = "y"
    assert health.is_ready
