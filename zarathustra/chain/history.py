"""The texts and terms that contracts put into events alone. Storage names the block of each event and holds its hash.

So one request for the logs of one block finds an event, and the hash shows that it is the right one, whatever the node
says. What an owner published is kept: it never changes.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from typing import Final, TypeVar

from zarathustra.chain import abi
from zarathustra.chain.abi import decode_fact, load_abi
from zarathustra.chain.logs import LogFilter, Pace, fetch_logs_between, scan_spans
from zarathustra.chain.port import Deployment
from zarathustra.chain.rpc import Rpc
from zarathustra.core.digests import cid_hash
from zarathustra.core.errors import Retry
from zarathustra.core.events import (
    ProjectCreated,
    RewardWithheld,
    SubmissionCommitted,
    SubmissionRevealed,
    SubmissionSettled,
    TaskOpened,
)
from zarathustra.core.project import ProjectParams
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlockNumber, Cid, ProjectId, SubmissionIndex, TaskId

MAX_REMEMBERED_PROJECTS: Final = 1_000  # an attacker pays for each project; beyond this the oldest are read again

F = TypeVar("F")

IsStored = Callable[[ProjectParams], bool]
"""Tell whether the contract's storage is that of these parameters."""


class ChainHistory:
    """Reads single events. All methods raise Retry(RPC_ERROR) when the node lacks an event that storage names."""

    def __init__(self, rpc: Rpc, deployment: Deployment) -> None:
        self._rpc = rpc
        self._addresses = {
            abi.ATTESTATION_CENTER: deployment.attestation_center,
            abi.MODEL_SUBMISSION: deployment.model_submission,
        }
        self._pace = Pace()
        self._params: OrderedDict[ProjectId, ProjectParams] = OrderedDict()

    async def fetch_params(self, project_id: ProjectId, created_at: BlockNumber, is_stored: IsStored) -> ProjectParams:
        """Return what the owner published in block `created_at`. `is_stored` compares it with storage.

        Kept parameters are compared again: after a reorganisation the same number may be another project.
        """
        known = self._params.get(project_id)
        if known is not None and is_stored(known):
            return known
        topics = (_to_topic(project_id),)
        for fact in await self._fetch(abi.MODEL_SUBMISSION, ProjectCreated, created_at, topics):
            if is_stored(fact.params):
                self._remember(project_id, fact.params)
                return fact.params
        raise _missing("ProjectCreated", created_at)

    async def fetch_revealed(
        self, project_id: ProjectId, index: SubmissionIndex, block: BlockNumber, expected: bytes
    ) -> Cid:
        """Return the CID that a submission revealed in `block`. `expected`: its hash in storage."""
        topics = (_to_topic(project_id), _to_topic(index))
        for fact in await self._fetch(abi.MODEL_SUBMISSION, SubmissionRevealed, block, topics):
            if cid_hash(Cid(fact.parameters_cid)) == expected:
                return Cid(fact.parameters_cid)
        raise _missing("SubmissionRevealed", block)

    async def fetch_opened(self, task_id: TaskId, block: BlockNumber) -> TaskOpened:
        """Return the opening of a task in `block`."""
        for fact in await self._fetch(abi.ATTESTATION_CENTER, TaskOpened, block, (task_id,)):
            return fact
        raise _missing("TaskOpened", block)

    async def fetch_settled(
        self, project_id: ProjectId, index: SubmissionIndex, first: BlockNumber, last: BlockNumber
    ) -> SubmissionSettled:
        """Return the end of a final submission; it is in one of the blocks first … last."""
        topics = (_to_topic(project_id), _to_topic(index))
        async for fact in self._scan(SubmissionSettled, first, last, topics):
            return fact
        raise _missing("SubmissionSettled", last)

    async def find_committed(
        self, project_id: ProjectId, commitment: bytes, first: BlockNumber, last: BlockNumber
    ) -> SubmissionCommitted | None:
        """Return the commit of `commitment` in the blocks first … last, or None."""
        async for fact in self._scan(SubmissionCommitted, first, last, (_to_topic(project_id),)):
            if fact.commitment == commitment:
                return fact
        return None

    async def fetch_withheld_between(self, first: BlockNumber, last: BlockNumber) -> list[RewardWithheld]:
        """Return the rewards that were withheld in the blocks first … last."""
        return [fact async for fact in self._scan(RewardWithheld, first, last)]

    async def _scan(
        self, fact_class: type[F], first: BlockNumber, last: BlockNumber, topics: tuple[bytes, ...] = ()
    ) -> AsyncIterator[F]:
        """Yield the market's facts of one kind in the blocks first … last."""
        entry = load_abi(abi.MODEL_SUBMISSION).get_event(fact_class.__name__)
        log_filter = LogFilter((self._addresses[abi.MODEL_SUBMISSION],), (entry.hash,), topics)
        async for span in scan_spans(self._rpc, log_filter, first, last, pace=self._pace):
            for log in span.logs:
                fact = decode_fact(entry, log.topics, log.data)
                if isinstance(fact, fact_class):
                    yield fact

    async def _fetch(
        self, contract: str, fact_class: type[F], block: BlockNumber, topics: tuple[bytes, ...]
    ) -> list[F]:
        entry = load_abi(contract).get_event(fact_class.__name__)
        log_filter = LogFilter((self._addresses[contract],), (entry.hash,), topics)
        logs = await fetch_logs_between(self._rpc, log_filter, block, block)
        facts = [decode_fact(entry, log.topics, log.data) for log in logs]
        return [fact for fact in facts if isinstance(fact, fact_class)]

    def _remember(self, project_id: ProjectId, params: ProjectParams) -> None:
        self._params[project_id] = params
        if len(self._params) > MAX_REMEMBERED_PROJECTS:
            self._params.popitem(last=False)


def _to_topic(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _missing(event: str, block: BlockNumber) -> Retry:
    return Retry(Reason.RPC_ERROR, f"node lacks {event}", block=block)
