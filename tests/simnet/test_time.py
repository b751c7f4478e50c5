"""The simulated clock: what simnet runs rely on."""

import asyncio
import time

import pytest

from tests.kit.simulated_time import SimulatedLoop, now_ms, simulate

pytestmark = pytest.mark.simnet

HOUR_S = 3_600.0


def test_simulated_time__sleep_of_an_hour__passes_at_once_and_moves_the_clock() -> None:
    async def play() -> float:
        before_ms = now_ms()
        await asyncio.sleep(HOUR_S)
        return (now_ms() - before_ms) / 1_000

    started = time.monotonic()
    assert simulate(play()) == pytest.approx(HOUR_S)
    assert time.monotonic() - started < HOUR_S / 100


def test_simulated_time__several_timers__fire_in_order() -> None:
    fired: list[int] = []

    async def fire(delay_s: int) -> None:
        await asyncio.sleep(delay_s)
        fired.append(delay_s)

    async def play() -> None:
        await asyncio.gather(*(fire(delay_s) for delay_s in (30, 10, 20)))

    simulate(play())
    assert fired == [10, 20, 30]


def test_simulated_time__a_real_socket_works__time_stands_still() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(1))
        writer.close()

    async def play() -> tuple[bytes, float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        before_s = loop.time()
        with loop.real_work():
            server = await asyncio.start_server(answer, "127.0.0.1", 0)
            async with server, asyncio.timeout(HOUR_S):
                reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
                writer.write(b"!")
                echoed = await reader.readexactly(1)
                writer.close()
        return echoed, loop.time() - before_s

    assert simulate(play()) == (b"!", 0.0)


def test_simulated_time__nothing_left_to_wait_for__fails_instead_of_hanging() -> None:
    async def play() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nothing will ever happen"):
        simulate(play())


def test_simulated_time__work_for_a_thread__runs_inline() -> None:
    async def play() -> list[str]:
        order: list[str] = []
        await asyncio.gather(asyncio.to_thread(order.append, "first"), asyncio.to_thread(order.append, "second"))
        return order

    assert simulate(play()) == ["first", "second"]
