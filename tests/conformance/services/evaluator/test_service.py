"""The client against the real evaluator service, over TCP and a Unix socket, and against faulty servers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from services.evaluator.handlers import EvaluationQueue, build_evaluate_handler
from tests.kit.scoring.artefacts import square_request
from tests.kit.scoring.evaluator_service import find_free_port, run_evaluator
from zarathustra.core.errors import Invalid, Retry, ZarathustraError
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Micro
from zarathustra.duty.evaluator_client import EvaluatorClient
from zarathustra.runtime.http import serve_http
from zarathustra.wire.evaluator import MAX_REQUEST_BYTES, MAX_RESULT_BYTES, EvaluateRequest, EvaluateResult

pytestmark = pytest.mark.conformance

VALID = EvaluateResult(Code.VALID, None, (Micro(1),), (Micro(2),), torch="t", numpy="n", cpu="c")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def answer_valid(_request: EvaluateRequest) -> EvaluateResult:
    return VALID


@asynccontextmanager
async def serve(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes([web.post("/evaluate", handler)])
    async with serve_http(app, "127.0.0.1:0") as port:
        yield f"tcp:127.0.0.1:{port}"


async def refusal(address: str, request: EvaluateRequest | None = None) -> ZarathustraError:
    async with EvaluatorClient(address, timeout_seconds=5) as client:
        with pytest.raises((Retry, Invalid)) as caught:
            await client.evaluate(request or square_request())
    return caught.value


async def test_service__real_process__evaluates_over_tcp_and_a_unix_socket(tmp_path: Path) -> None:
    async with run_evaluator(tmp_path / "socket") as address:
        async with EvaluatorClient(f"unix:{tmp_path / 'socket'}") as client:
            good = await client.evaluate(square_request())
            bad = await client.evaluate(square_request(challenger=b"junk"))
            failed = await client.evaluate(square_request(architecture=b"{}"))
        async with EvaluatorClient(f"tcp:{address}") as client:
            again = await client.evaluate(square_request())
        async with aiohttp.ClientSession() as session, session.get(f"http://{address}/metrics") as response:
            metrics = await response.text()

    assert (good.code, len(good.champion_rounds), good.torch != "") == (Code.VALID, 4, True)
    assert again == good
    assert (bad.code, bad.reason) == (Code.INVALID, Reason.BAD_HEADER)
    assert (failed.code, failed.reason) == (Code.EVALUATOR_FAILED, Reason.BAD_FORMAT)
    # The request was sent twice and evaluated once: the second answer came from memory.
    assert 'zarathustra_evaluator_evaluations_total{code="VALID",reason=""} 1.0' in metrics
    assert "zarathustra_evaluator_worker_starts 1.0" in metrics


async def test_client__handler_with_a_fake_evaluation__gets_its_result() -> None:
    queue = EvaluationQueue(answer_valid, max_waiting=0)
    async with serve(build_evaluate_handler(queue)) as address, EvaluatorClient(address) as client:
        assert await client.evaluate(square_request()) == VALID


async def test_client__full_queue__is_told_to_try_again() -> None:
    gate, started = asyncio.Event(), asyncio.Event()

    async def wait(_request: EvaluateRequest) -> EvaluateResult:
        started.set()
        await gate.wait()
        return VALID

    queue = EvaluationQueue(wait, max_waiting=0)
    async with serve(build_evaluate_handler(queue)) as address, EvaluatorClient(address) as client:
        first = asyncio.create_task(client.evaluate(square_request()))
        await started.wait()
        error = await refusal(address)
        gate.set()
        assert await first == VALID
    assert isinstance(error, Retry)
    assert error.reason is Reason.EVALUATOR_BUSY


async def test_client__no_jail__passes_the_reason_on() -> None:
    async def fail(_request: EvaluateRequest) -> EvaluateResult:
        raise Retry(Reason.SANDBOX_UNAVAILABLE, "test")

    async with serve(build_evaluate_handler(EvaluationQueue(fail, max_waiting=0))) as address:
        error = await refusal(address)
    assert isinstance(error, Retry)
    assert error.reason is Reason.SANDBOX_UNAVAILABLE


async def test_service__request_over_the_limit__is_refused_without_an_evaluation() -> None:
    queue = EvaluationQueue(answer_valid, max_waiting=0)
    async with serve(build_evaluate_handler(queue)) as address:
        error = await refusal(address, square_request(challenger=bytes(MAX_REQUEST_BYTES)))
    assert error.reason in (Reason.OVERSIZE, Reason.EVALUATOR_UNREACHABLE)  # the refusal may cut the upload short
    assert queue.pending == 0


@pytest.mark.parametrize("address", ["tcp:127.0.0.1:{port}", "unix:{folder}/nobody"])
async def test_client__no_server__is_unreachable(address: str, tmp_path: Path) -> None:
    error = await refusal(address.format(port=find_free_port(), folder=tmp_path))
    assert isinstance(error, Retry)
    assert error.reason is Reason.EVALUATOR_UNREACHABLE


@pytest.mark.parametrize(
    ("response", "kind", "reason"),
    [
        ({"status": 500}, Retry, Reason.EVALUATOR_UNREACHABLE),
        ({"status": 503, "headers": {"X-Reason": "made up"}}, Retry, Reason.EVALUATOR_UNREACHABLE),
        ({"status": 400, "headers": {"X-Reason": "unparsable"}}, Invalid, Reason.UNPARSABLE),
        ({"body": b"\xff\xff"}, Invalid, Reason.UNPARSABLE),
        ({"body": bytes(MAX_RESULT_BYTES + 1)}, Retry, Reason.EVALUATOR_UNREACHABLE),
    ],
)
async def test_client__faulty_answer__is_classified(
    response: dict[str, object], kind: type[ZarathustraError], reason: Reason
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(**response)  # type: ignore[arg-type]

    async with serve(answer) as address:
        error = await refusal(address)
    assert isinstance(error, kind)
    assert error.reason is reason


@pytest.mark.parametrize("address", ["", "http://evaluator", "unix:relative", "tcp:"])
def test_client__bad_address__is_a_bad_setting(address: str) -> None:
    with pytest.raises(Invalid) as caught:
        EvaluatorClient(address)
    assert caught.value.reason is Reason.BAD_SETTING
