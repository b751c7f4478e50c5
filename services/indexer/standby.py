"""Decide which replica indexes: the one that owns the checkpoint topic's only partition. The others stand by.

A replica that gets the partition first sends a unique marker and reads until the marker comes back. Then it has seen
every checkpoint that was saved before. Offsets are never committed, so every new owner reads from the start.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from services.indexer.handlers import checkpoint_key
from zarathustra.bus.port import Consumer, Producer
from zarathustra.bus.records import Partition, Record
from zarathustra.chain.follow import ChainFollower
from zarathustra.core.canonical import Checkpoint
from zarathustra.core.errors import Retry
from zarathustra.core.types import Topic
from zarathustra.runtime.health import Health
from zarathustra.telemetry.log import get_logger
from zarathustra.wire.checkpoint import decode_checkpoint

PARTITION: Final = Partition(Topic.INDEXER_CHECKPOINT, 0)
MARKER_KEY: Final = b"marker"  # chain keys have eight bytes, so none equals this; compaction keeps the newest marker
MAX_RECORDS: Final = 500
CATCH_UP: Final = "catch-up"

MakeMarker = Callable[[], bytes]
"""Makes a value that no other replica makes."""


class Replica:
    """One replica of one chain's indexer."""

    def __init__(
        self, consumer: Consumer, producer: Producer, follower: ChainFollower, *, chain_id: int, make_marker: MakeMarker
    ) -> None:
        self._consumer = consumer
        self._producer = producer
        self._follower = follower
        self._key = checkpoint_key(chain_id)
        self._make_marker = make_marker
        self._log = get_logger(component="indexer")
        self._working = asyncio.Lock()
        self._marker: bytes | None = None  # None: not the owner, or no marker sent yet
        self._is_restored = False
        self._newest: Checkpoint | None = None
        consumer.on_revoke(self._on_revoke)

    @property
    def is_active(self) -> bool:
        """Whether this replica indexes."""
        return self._is_restored

    async def run(self, stop: asyncio.Event, health: Health, *, poll_s: float) -> None:
        """Index or stand by until stopped; not ready while node or bus fails. Raises Invalid when it must stop."""
        health.wait_for(CATCH_UP, "starting")
        wait_s = 0.0
        while not stop.is_set():
            try:
                is_caught_up = await self.run_once(wait_s=wait_s)
                health.fulfil(CATCH_UP)
                wait_s = poll_s if is_caught_up else 0.0
            except Retry as error:
                self._log.warning("Indexing failed, trying again", reason=error.reason.code, error=str(error))
                health.wait_for(CATCH_UP, error.reason.code)
                wait_s = poll_s

    async def run_once(self, *, wait_s: float) -> bool:
        """Read checkpoints, then publish what is new if this replica indexes. Return False when there is more to do."""
        deliveries = await self._consumer.fetch(max_records=MAX_RECORDS, timeout_s=wait_s)
        async with self._working:
            if PARTITION not in self._consumer.get_assignment():
                return True
            if self._marker is None:
                await self._announce()
            for delivery in deliveries:
                self._read(delivery.record)
            return not self._is_restored or await self._follower.catch_up()

    async def _announce(self) -> None:
        marker = self._make_marker()
        await self._producer.send([Record(Topic.INDEXER_CHECKPOINT, MARKER_KEY, marker)])
        self._marker = marker

    def _read(self, record: Record) -> None:
        if record.key == self._key and not self._is_restored:
            self._newest = decode_checkpoint(record.value)
        if record.key == MARKER_KEY and record.value == self._marker and not self._is_restored:
            self._follower.restore(self._newest)
            self._is_restored = True
            self._log.info("Indexing", from_block=self._newest.view.tip.number if self._newest else None)

    async def _on_revoke(self, _partitions: frozenset[Partition]) -> None:
        """Wait until `run_once` ends, then stand by, so that the next owner starts from the last checkpoint."""
        async with self._working:
            self._marker = self._newest = None
            self._is_restored = False
