"""Measures the memory of a run: the peak over all its processes, sampled while it runs.

Proportional set size (PSS) counts a page that n processes share as 1/n each, so the sum is the memory in use.
The sum of resident sizes counts shared libraries once per process.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

SAMPLE_SECONDS = 2.0


@dataclass
class MemoryPeak:
    """Peaks so far, in bytes."""

    pss: int = 0
    rss: int = 0
    processes: int = 0


@asynccontextmanager
async def sample_memory() -> AsyncIterator[MemoryPeak]:
    """Sample this process and all its descendants until the block ends."""
    peak = MemoryPeak()

    async def sample() -> None:
        while True:
            await asyncio.to_thread(_note, peak)
            await asyncio.sleep(SAMPLE_SECONDS)

    sampler = asyncio.create_task(sample())
    try:
        yield peak
    finally:
        sampler.cancel()
        await asyncio.gather(sampler, return_exceptions=True)


def _note(peak: MemoryPeak) -> None:
    me = psutil.Process()
    pss = rss = count = 0
    for process in (me, *me.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            memory = process.memory_full_info()
            pss, rss, count = pss + memory.pss, rss + memory.rss, count + 1
    if pss > peak.pss:
        peak.pss, peak.processes = pss, count
    peak.rss = max(peak.rss, rss)
