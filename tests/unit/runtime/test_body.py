"""Bodies of requests: how long a client may take, and what its failures become."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientPayloadError, web

from tests.kit.simulated_time import simulate
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.runtime.body import GRACE_SECONDS, MIN_BYTES_PER_SECOND, iter_body

pytestmark = pytest.mark.unit

SECOND_OF_BYTES = bytes(MIN_BYTES_PER_SECOND)


def reader(*steps: tuple[float, bytes | Exception]) -> Callable[[], Awaitable[bytes]]:
    """Return a read function; each call waits for the seconds of its step, then gives the bytes or raises."""
    left = list(steps)

    async def read() -> bytes:
        seconds, result = left.pop(0)
        await asyncio.sleep(seconds)
        if isinstance(result, Exception):
            raise result
        return result

    return read


async def collect(read: Callable[[], Awaitable[bytes]], *, own_seconds: float = 0) -> int:
    received = 0
    async for piece in iter_body(read):
        received += len(piece)
        await asyncio.sleep(own_seconds)
    return received


def refusal(read: Callable[[], Awaitable[bytes]]) -> Reason:
    with pytest.raises(Invalid) as caught:
        simulate(collect(read))
    return caught.value.reason


def test_iter_body__pieces_in_time__are_all_there() -> None:
    assert simulate(collect(reader((0, b"ab"), (1, b"cd"), (0, b"")))) == 4


def test_iter_body__nothing_comes__ends_after_the_grace() -> None:
    assert refusal(reader((GRACE_SECONDS + 0.1, b"late"))) is Reason.INCOMPLETE_REQUEST


def test_iter_body__trickle__ends_when_the_grace_is_used_up() -> None:
    assert refusal(reader(*[(GRACE_SECONDS / 2, b"x")] * 3)) is Reason.INCOMPLETE_REQUEST


def test_iter_body__slow_but_above_the_least_rate__may_take_longer_than_the_grace() -> None:
    steps = [(0.9, SECOND_OF_BYTES)] * 20
    assert simulate(collect(reader(*steps, (0, b"")))) == 20 * MIN_BYTES_PER_SECOND


def test_iter_body__below_the_least_rate__ends() -> None:
    assert refusal(reader(*[(1.5, SECOND_OF_BYTES)] * 20)) is Reason.INCOMPLETE_REQUEST


def test_iter_body__own_work_between_pieces__is_not_the_clients_time() -> None:
    assert simulate(collect(reader((0, b"a"), (0, b"b"), (0, b"")), own_seconds=10 * GRACE_SECONDS)) == 2


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError(), ClientPayloadError(), web.RequestPayloadError(), ValueError("no boundary")],
)
def test_iter_body__client_leaves_or_sends_nonsense__is_an_incomplete_request(error: Exception) -> None:
    assert refusal(reader((0, b"a"), (0, error))) is Reason.INCOMPLETE_REQUEST
