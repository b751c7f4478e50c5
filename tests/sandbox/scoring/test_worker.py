"""The jailed worker: same integers everywhere, crashes and timeouts classified, and a scorer that survives both."""

import asyncio
import gc
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from safetensors.numpy import save

from tests.kit.scoring.artefacts import (
    SEED,
    SQUARE,
    architecture,
    constant_parameters,
    evaluator,
    node,
    square_job,
    square_parameters,
)
from tests.kit.waiting import until
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason
from zarathustra.formats.architecture import parse_architecture
from zarathustra.scoring.fault import evaluate
from zarathustra.scoring.jobs import ScoringJob
from zarathustra.scoring.scorer import Scorer
from zarathustra.scoring.warmup import build_every_op, build_every_op_evaluator, build_tensors
from zarathustra.scoring.worker import score_job
from zarathustra.wire.evaluator import EvaluateRequest

# One loop and one sandbox for all: a worker takes seconds to start, and the scorer must survive every test.
pytestmark = [pytest.mark.sandbox, pytest.mark.asyncio(loop_scope="module")]

# About a minute of work, well within the budget: long enough to be interrupted.
SLOW_WIDTH = 1500
SLOW = architecture(
    [
        node("h", "Linear", "x", in_features=1, out_features=SLOW_WIDTH),
        node("g", "Linear", "h", in_features=SLOW_WIDTH, out_features=SLOW_WIDTH),
        node("y", "Linear", "g", in_features=SLOW_WIDTH, out_features=1),
    ]
)


def slow_job() -> ScoringJob:
    return ScoringJob(SLOW, evaluator(samples=4096, metric="mae"), constant_parameters(SLOW, 0.0001), 50, SEED)


def every_op_job() -> ScoringJob:
    raw = build_every_op()
    return ScoringJob(raw, build_every_op_evaluator(), save(build_tensors(parse_architecture(raw))), 4, SEED)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_scorer() -> AsyncIterator[Scorer]:
    async with Scorer() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def scorer(shared_scorer: Scorer) -> Scorer:
    await shared_scorer.start()
    return shared_scorer


def pid_of(scorer: Scorer) -> int:
    assert scorer.worker_pid is not None
    return scorer.worker_pid


async def reason_of(scorer: Scorer, job: ScoringJob) -> Reason:
    with pytest.raises(Invalid) as caught:
        await scorer.score(job)
    return caught.value.reason


async def wait_until_busy(pid: int) -> None:
    """Return once the worker has computed for a while."""
    start = read_cpu_ticks(pid)
    await until(lambda: read_cpu_ticks(pid) >= start + 20)


def read_cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def test_score__jailed_worker__finds_the_same_integers_as_this_process(scorer: Scorer) -> None:
    """The worker is another process with one thread, in the jail. Every op, generator and target function is used."""
    for job in (square_job(), every_op_job()):
        assert [*await scorer.score(job)] == score_job(job)


async def test_score__after_other_models__is_unchanged(scorer: Scorer) -> None:
    pid, first = pid_of(scorer), await scorer.score(square_job())
    await scorer.score(square_job(noise=0.5))
    await scorer.score(every_op_job())
    assert await scorer.score(square_job()) == first
    assert pid_of(scorer) == pid


async def test_score__refused_model__has_its_reason_and_spares_the_worker(scorer: Scorer) -> None:
    good, pid = square_job(), pid_of(scorer)
    assert await reason_of(scorer, replace(good, parameters=b"")) is Reason.BAD_HEADER
    assert await reason_of(scorer, replace(good, architecture=b"{")) is Reason.BAD_JSON
    assert await reason_of(scorer, replace(good, evaluator=evaluator(metric="x"))) is Reason.BAD_EVALUATOR
    assert await reason_of(scorer, replace(good, rounds=60_000)) is Reason.BAD_EVALUATOR
    await scorer.score(good)
    assert pid_of(scorer) == pid


async def test_score__refused_model__is_not_kept_in_memory_by_its_error(scorer: Scorer) -> None:
    """An error that a local variable of its own traceback holds is freed only by the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(Invalid):
            await scorer.score(replace(square_job(), parameters=b"refused"))
        assert not [kept for kept in gc.get_objects() if type(kept) is ScoringJob and kept.parameters == b"refused"]
    finally:
        gc.enable()


async def test_score__integers_into_a_float_input__have_a_score(scorer: Scorer) -> None:
    job = replace(square_job(), evaluator=evaluator(inputs={"x": {"generator": "integers", "low": 0, "high": 9}}))
    assert len(await scorer.score(job)) == job.rounds


async def test_score__worker_killed_once__is_tried_again(scorer: Scorer) -> None:
    pid = pid_of(scorer)
    scoring = asyncio.create_task(scorer.score(replace(slow_job(), rounds=4)))
    await wait_until_busy(pid)
    os.kill(pid, signal.SIGKILL)
    assert len(await scoring) == 4
    assert pid_of(scorer) != pid


@pytest.mark.parametrize(
    ("signal_number", "error", "reason"),
    [(signal.SIGSEGV, Invalid, Reason.CRASH), (signal.SIGKILL, Retry, Reason.MEMORY)],
)
async def test_score__worker_killed_twice__is_classified(
    scorer: Scorer, signal_number: int, error: type[Invalid | Retry], reason: Reason
) -> None:
    """A crash is the model's fault. SIGKILL comes from outside if the scorer did not send it: no blame."""
    scoring = asyncio.create_task(scorer.score(slow_job()))
    first = pid_of(scorer)
    await wait_until_busy(first)
    os.kill(first, signal_number)
    second = await wait_for_another_worker(scorer, first)
    await wait_until_busy(second)
    os.kill(second, signal_number)
    with pytest.raises(error) as caught:
        await scoring
    assert caught.value.reason is reason
    assert len(await scorer.score(square_job())) == 4


async def wait_for_another_worker(scorer: Scorer, pid: int) -> int:
    async with asyncio.timeout(60):
        while scorer.worker_pid in (None, pid):
            await asyncio.sleep(0.02)
    return pid_of(scorer)


async def test_score__worker_killed_while_idle__is_replaced(scorer: Scorer) -> None:
    os.kill(pid_of(scorer), signal.SIGKILL)
    assert len(await scorer.score(square_job())) == 4


async def test_score__over_time__is_a_timeout_and_kills_the_worker() -> None:
    async with Scorer(score_seconds=0.5) as impatient:
        await impatient.start()
        pid = pid_of(impatient)
        assert await reason_of(impatient, slow_job()) is Reason.TIMEOUT
        assert impatient.worker_pid is None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_score__cancelled__leaves_no_partial_answer(scorer: Scorer) -> None:
    scoring = asyncio.create_task(scorer.score(slow_job()))
    await wait_until_busy(pid_of(scorer))
    scoring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scoring
    assert [*await scorer.score(square_job())] == score_job(square_job())


# Nearly the largest allowed number of live elements: h and its copies, then the copies and their activation.
LARGEST = architecture(
    [
        node("h", "Linear", "x", in_features=1, out_features=65_000),
        node("a", "Concat", *["h"] * 8),
        node("b", "Tanh", "a"),
        node("r", "Reshape", "b", shape=[8, 65_000]),
        node("m", "MeanPool", "r", dim=2),
        node("y", "Linear", "m", in_features=8, out_features=1),
    ]
)


async def test_score__largest_live_activations__fit_the_workers_memory(scorer: Scorer) -> None:
    parsed = parse_architecture(LARGEST)
    assert parsed.live_elements > 1_000_000
    job = ScoringJob(LARGEST, evaluator(metric="mae"), save(build_tensors(parsed)), 2, SEED)
    assert len(await scorer.score(job)) == 2


async def test_worker__seen_from_outside__is_confined(scorer: Scorer) -> None:
    pid = pid_of(scorer)
    status = read_status(pid)
    assert status["Seccomp"].strip() == "2"
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Threads"].strip() == "1"
    if os.getuid() == 0:  # only root can read this: the worker is not dumpable
        assert status["Uid"].split() == ["65534"] * 4
        assert len(os.listdir(f"/proc/{pid}/fd")) == 4  # three times /dev/null, and the socket
        assert read_environment(pid) == b""


def read_status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value for name, _, value in (line.partition(":") for line in lines)}


def read_environment(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


async def test_evaluate__crashing_challenger__is_invalid_and_the_next_task_runs(scorer: Scorer) -> None:
    request = EvaluateRequest(bytes(32), SQUARE, evaluator(), square_parameters(noise=0.5), b"junk", SEED, 4)
    versions = await scorer.start()
    result = await evaluate(scorer.score, request, versions)
    assert (result.code, result.reason) == (Code.INVALID, Reason.BAD_HEADER)
    assert result.champion_rounds
    good = await evaluate(scorer.score, replace(request, challenger=square_parameters()), versions)
    assert good.code is Code.VALID
    assert all(new > old for old, new in zip(good.champion_rounds, good.challenger_rounds, strict=True))
