"""Models whose bytes say their score, an evaluator of them, and a store that loses them on demand."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields

from zarathustra.core.errors import Retry
from zarathustra.core.outcomes import Code
from zarathustra.core.promotion import sub_seed
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Cid, Micro
from zarathustra.store.cid import BlockId
from zarathustra.store.memory import MemoryStore
from zarathustra.store.port import ArtefactWriter
from zarathustra.wire.evaluator import EvaluateRequest, EvaluateResult


def make_model(quality: int) -> bytes:
    """Return parameters that `ModelEvaluator` scores near `quality`."""
    return f"model of quality {quality}".encode()


BROKEN_MODEL = b"no model at all"


@dataclass
class ModelEvaluator:
    """Evaluates `make_model` files. Each round adds to both scores the same number, drawn from the seed.

    `drift` is added to every score of this machine; `busy` is how many requests it still refuses; `on_evaluated` is
    called before each answer.
    """

    drift: int = 0
    busy: int = 0
    on_evaluated: Callable[[], None] = lambda: None
    requests: list[EvaluateRequest] = field(default_factory=list)

    async def evaluate(self, request: EvaluateRequest) -> EvaluateResult:
        """The `Evaluate` port."""
        if self.busy > 0:
            self.busy -= 1
            raise Retry(Reason.EVALUATOR_BUSY, "queue is full")
        self.requests.append(request)
        self.on_evaluated()
        champion = self._score(request.champion, request)
        if champion is None:
            return EvaluateResult(Code.EVALUATOR_FAILED, Reason.BAD_HEADER, (), ())
        challenger = self._score(request.challenger, request)
        if challenger is None:
            return EvaluateResult(Code.INVALID, Reason.BAD_HEADER, champion, ())
        return EvaluateResult(Code.VALID, None, champion, challenger)

    def _score(self, model: bytes, request: EvaluateRequest) -> tuple[Micro, ...] | None:
        if not model.startswith(b"model of quality "):
            return None
        quality = int(model.rpartition(b" ")[2])
        luck = (sub_seed(request.seed, number)[0] for number in range(request.rounds))
        return tuple(Micro(quality + self.drift + one) for one in luck)


@dataclass(frozen=True)
class Artefacts:
    """The four files of a task."""

    architecture: bytes = b"architecture"
    evaluator: bytes = b"evaluator"
    champion: bytes = make_model(500_000)
    challenger: bytes = make_model(900_000)

    async def publish(self, store: ArtefactWriter) -> dict[str, Cid]:
        """Add each file to the store; returns the CIDs by field name."""
        return {each.name: await store.add(getattr(self, each.name)) for each in fields(self)}


class ArtefactStore:
    """A reader over a `MemoryStore` that can lose files.

    `missing`: every endpoint says that it does not have them. `unanswered`: some endpoint does not answer for them.
    With `is_reachable` False, none answers for anything.
    """

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.missing: set[str] = set()
        self.unanswered: set[str] = set()
        self.is_reachable = True
        self.fetched: list[Cid | str] = []  # whole files that were asked for

    async def fetch(self, cid: Cid | str, *, max_bytes: int) -> bytes:
        """See `store.port.ArtefactReader`."""
        self.fetched.append(cid)
        self._check_served(cid)
        return await self._store.fetch(cid, max_bytes=max_bytes)

    async def fetch_block(self, block_id: BlockId) -> bytes:
        """See `store.port.BlockSource`; the files of these tests are single blocks."""
        self._check_served(block_id.cid)
        return await self._store.fetch_block(block_id)

    def _check_served(self, cid: Cid | str) -> None:
        if not self.is_reachable or cid in self.unanswered:
            raise Retry(Reason.UNAVAILABLE, "no endpoint serves the block", is_absent=False)
        if cid in self.missing:
            raise Retry(Reason.UNAVAILABLE, "no endpoint serves the block", is_absent=True)
