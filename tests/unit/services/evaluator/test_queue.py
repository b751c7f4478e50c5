"""The service's queue: bounded, one evaluation at a time, results kept if they do not depend on the machine."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.evaluator.handlers import MAX_CACHED_RESULTS, EvaluationQueue
from tests.kit.scoring.artefacts import square_request
from tests.kit.waiting import let_others_run
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Micro
from zarathustra.wire.evaluator import EvaluateRequest, EvaluateResult, decode_result, encode_request

pytestmark = pytest.mark.unit

VALID = EvaluateResult(Code.VALID, None, (Micro(1),), (Micro(2),))


def sender(**changes: object) -> Callable[[], Awaitable[bytes]]:
    body = encode_request(square_request(**changes))

    async def read() -> bytes:
        return body

    return read


class FakeEvaluate:
    """An evaluation that returns `result` when the gate is open, and counts its runs."""

    def __init__(self, result: EvaluateResult = VALID) -> None:
        self.result = result
        self.gate = asyncio.Event()
        self.gate.set()
        self.calls = 0
        self.running = 0
        self.most_running = 0

    async def __call__(self, _request: EvaluateRequest) -> EvaluateResult:
        self.calls += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await self.gate.wait()
        self.running -= 1
        return self.result


async def test_answer__same_request_twice__is_evaluated_once() -> None:
    fake = FakeEvaluate()
    queue = EvaluationQueue(fake, max_waiting=2)
    first, second = await asyncio.gather(queue.answer(sender()), queue.answer(sender()))
    assert first == second
    assert fake.calls == 1


async def test_answer__same_input_hash_other_bytes__is_evaluated_again() -> None:
    fake = FakeEvaluate()
    queue = EvaluationQueue(fake, max_waiting=2)
    await queue.answer(sender())
    await queue.answer(sender(challenger=b"other"))
    assert fake.calls == 2


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.MEMORY, Reason.CRASH])
async def test_answer__machine_reason__is_not_remembered(reason: Reason) -> None:
    fake = FakeEvaluate(EvaluateResult(Code.INVALID, reason, (), ()))
    queue = EvaluationQueue(fake, max_waiting=2)
    for _ in range(2):
        assert decode_result(await queue.answer(sender())).reason is reason
    assert fake.calls == 2


async def test_answer__full__is_busy_and_reads_nothing() -> None:
    fake = FakeEvaluate()
    fake.gate.clear()
    queue = EvaluationQueue(fake, max_waiting=1)
    pending = [asyncio.create_task(queue.answer(sender(rounds=rounds))) for rounds in (2, 3)]
    await let_others_run()

    async def never() -> bytes:
        raise AssertionError("the body was read without a place for it")

    with pytest.raises(Retry) as caught:
        await queue.answer(never)
    assert caught.value.reason is Reason.EVALUATOR_BUSY

    fake.gate.set()
    await asyncio.gather(*pending)
    assert (queue.pending, fake.most_running) == (0, 1)


async def test_answer__bad_body__releases_its_place() -> None:
    queue = EvaluationQueue(FakeEvaluate(), max_waiting=0)

    async def garbage() -> bytes:
        return b"\xff\xff"

    for _ in range(3):
        with pytest.raises(Invalid):
            await queue.answer(garbage)
    assert queue.pending == 0


async def test_answer__more_results_than_the_bound__forgets_the_oldest() -> None:
    fake = FakeEvaluate()
    queue = EvaluationQueue(fake, max_waiting=0)
    for number in range(MAX_CACHED_RESULTS + 1):
        await queue.answer(sender(challenger=str(number).encode()))
    await queue.answer(sender(challenger=str(MAX_CACHED_RESULTS).encode()))
    assert fake.calls == MAX_CACHED_RESULTS + 1
    await queue.answer(sender(challenger=b"0"))
    assert fake.calls == MAX_CACHED_RESULTS + 2
