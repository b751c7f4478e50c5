"""The service's queue: bounded, one evaluation at a time, results kept if they do not depend on the machine."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.evaluator.handlers import MAX_ARRIVING, MAX_CACHED_RESULTS, EvaluationQueue
from tests.kit.scoring.artefacts import square_request
from tests.kit.waiting import let_others_run
from zarathustra.core.errors import Invalid, Retry
from zarathustra.core.outcomes import Code
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Micro
from zarathustra.wire.evaluator import (
    MAX_REQUEST_BYTES,
    EvaluateRequest,
    EvaluateResult,
    decode_result,
    encode_request_pieces,
)

pytestmark = pytest.mark.unit

VALID = EvaluateResult(Code.VALID, None, (Micro(1),), (Micro(2),))


def send(**changes: object) -> AsyncIterator[bytes]:
    return arrive(*encode_request_pieces(square_request(**changes)))


async def arrive(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def never_arrive() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


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
    first, second = await asyncio.gather(queue.answer(send()), queue.answer(send()))
    assert first == second
    assert fake.calls == 1


async def test_answer__same_input_hash_other_bytes__is_evaluated_again() -> None:
    fake = FakeEvaluate()
    queue = EvaluationQueue(fake, max_waiting=2)
    await queue.answer(send())
    await queue.answer(send(challenger=b"other"))
    assert fake.calls == 2


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.MEMORY, Reason.CRASH])
async def test_answer__machine_reason__is_not_remembered(reason: Reason) -> None:
    fake = FakeEvaluate(EvaluateResult(Code.INVALID, reason, (), ()))
    queue = EvaluationQueue(fake, max_waiting=2)
    for _ in range(2):
        assert decode_result(await queue.answer(send())).reason is reason
    assert fake.calls == 2


async def test_answer__full__is_busy_and_reads_nothing() -> None:
    fake = FakeEvaluate()
    fake.gate.clear()
    queue = EvaluationQueue(fake, max_waiting=1)
    pending = [asyncio.create_task(queue.answer(send(rounds=rounds))) for rounds in (2, 3)]
    await let_others_run()

    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read without a place for it")
        yield b""

    with pytest.raises(Retry) as caught:
        await queue.answer(never())
    assert caught.value.reason is Reason.EVALUATOR_BUSY

    fake.gate.set()
    await asyncio.gather(*pending)
    assert (queue.pending, fake.most_running) == (0, 1)


async def test_answer__bad_body__releases_its_place() -> None:
    queue = EvaluationQueue(FakeEvaluate(), max_waiting=0)

    for _ in range(3):
        with pytest.raises(Invalid):
            await queue.answer(arrive(b"\xff\xff"))
    assert queue.pending == 0


async def test_answer__idle_clients__keep_nobody_out() -> None:
    queue = EvaluationQueue(FakeEvaluate(), max_waiting=0)
    idle = [asyncio.create_task(queue.answer(never_arrive())) for _ in range(MAX_ARRIVING - 1)]
    await let_others_run()
    assert decode_result(await queue.answer(send())) == VALID
    await cancel_all(idle)


async def test_answer__more_bodies_on_their_way_than_the_bound__is_busy() -> None:
    queue = EvaluationQueue(FakeEvaluate(), max_waiting=0)
    idle = [asyncio.create_task(queue.answer(never_arrive())) for _ in range(MAX_ARRIVING)]
    await let_others_run()
    with pytest.raises(Retry) as caught:
        await queue.answer(send())
    assert caught.value.reason is Reason.EVALUATOR_BUSY
    await cancel_all(idle)
    assert decode_result(await queue.answer(send())) == VALID


async def test_answer__bytes_that_wait_fill_the_memory__the_next_is_busy_until_they_are_gone() -> None:
    queue = EvaluationQueue(FakeEvaluate(), max_waiting=0)

    async def stop_after(size: int) -> AsyncIterator[bytes]:
        yield bytes(size)
        await asyncio.Event().wait()

    large = asyncio.create_task(queue.answer(stop_after(MAX_REQUEST_BYTES)))
    await let_others_run()
    with pytest.raises(Retry) as caught:
        await queue.answer(send())
    assert caught.value.reason is Reason.EVALUATOR_BUSY
    await cancel_all([large])
    assert decode_result(await queue.answer(send())) == VALID


async def test_answer__one_byte_over_the_limit__is_oversize() -> None:
    queue = EvaluationQueue(FakeEvaluate(), max_waiting=1)
    with pytest.raises(Invalid) as caught:
        await queue.answer(arrive(bytes(MAX_REQUEST_BYTES), b"x"))
    assert caught.value.reason is Reason.OVERSIZE


async def cancel_all(tasks: list[asyncio.Task[bytes]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_answer__more_results_than_the_bound__forgets_the_oldest() -> None:
    fake = FakeEvaluate()
    queue = EvaluationQueue(fake, max_waiting=0)
    for number in range(MAX_CACHED_RESULTS + 1):
        await queue.answer(send(challenger=str(number).encode()))
    await queue.answer(send(challenger=str(MAX_CACHED_RESULTS).encode()))
    assert fake.calls == MAX_CACHED_RESULTS + 1
    await queue.answer(send(challenger=b"0"))
    assert fake.calls == MAX_CACHED_RESULTS + 2
