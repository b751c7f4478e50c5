"""The endpoints of one chain: which one is asked next, and which one is left for a while.

An endpoint that fails rests; the others are asked first meanwhile, and it is asked again when none of them answers.
One that limits our rate, or that serves another chain, is not asked at all before its time.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from zarathustra.chain.answers import RateLimited, Refused
from zarathustra.core.errors import Retry
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlockNumber

MAX_BATCH: Final = 50  # providers refuse longer batches
SHORTEST_REST_S: Final = 0.1  # whatever an endpoint asks for
FIRST_REST_S: Final = 1.0
MAX_REST_S: Final = 60.0  # a rest doubles with each failure in a row, up to this
REMEMBER_S: Final = 600.0  # a limit that an endpoint showed is tried again after this

FAR_BEHIND_BLOCKS: Final = 16  # more than two nodes of one network differ by, also where blocks come every 250 ms
FAR_BEHIND_S: Final = 30.0  # a head that another endpoint had this long ago

# Failures of the endpoint itself. A refusal of one call says nothing about its other answers, nor does a block that is
# not there yet.
_OWN_FAILURES: Final = frozenset(
    {Reason.RPC_UNREACHABLE, Reason.RPC_TIMEOUT, Reason.RPC_ERROR, Reason.RATE_LIMITED, Reason.BAD_SETTING}
)
_BARRING: Final = frozenset({Reason.RATE_LIMITED, Reason.BAD_SETTING})


@dataclass
class Endpoint:
    """One URL, and what is known of the node, or of the nodes, behind it."""

    url: str
    is_identified: bool = False  # its chain was asked for since it last failed
    rests_until: float = 0.0
    lags_until: float = 0.0  # as `rests_until`, but a success does not end it
    is_barred: bool = False  # not asked before `rests_until`, whatever happens to the others
    head: BlockNumber | None = None
    failure: Retry | None = None  # the last one; None after a success
    _failures: int = 0  # in a row
    _batch: int = MAX_BATCH
    _batch_until: float = 0.0

    @property
    def host(self) -> str:
        """Only the host: paths and user info of provider URLs hold API keys."""
        return urlsplit(self.url).hostname or "unknown"

    def note_success(self) -> None:
        """Note that a call held."""
        self._failures = 0
        self.failure = None
        self.is_barred = False
        self.rests_until = 0.0

    def note_failure(self, error: Retry, now: float) -> None:
        """Note that a call failed; let the endpoint rest when the failure is its own."""
        if isinstance(error, Refused) or error.reason not in _OWN_FAILURES:
            return
        self.failure = error
        self._failures += 1
        self.is_identified = False
        self.is_barred = error.reason in _BARRING
        self.rests_until = now + self._choose_rest(error)

    def note_lag(self, now: float) -> None:
        """Let the endpoint rest because the others are far ahead of it."""
        self.lags_until = now + FAR_BEHIND_S

    def get_rest(self, now: float) -> float:
        """Return the seconds for which the endpoint should still be left."""
        return max(0.0, self.rests_until - now, self.lags_until - now)

    def get_batch(self, now: float) -> int:
        """Return how many calls a batch may have here."""
        return self._batch if now < self._batch_until else MAX_BATCH

    def note_batch(self, length: int, now: float) -> None:
        """Note that no longer batch was served."""
        self._batch = min(length, self.get_batch(now))
        self._batch_until = now + REMEMBER_S

    def _choose_rest(self, error: Retry) -> float:
        growth = 2.0 ** min(self._failures - 1, 10)
        if isinstance(error, RateLimited) and error.retry_after_s is not None:
            return max(error.retry_after_s, SHORTEST_REST_S * growth)
        return float(min(FIRST_REST_S * growth, MAX_REST_S))


class Endpoints:
    """All endpoints, and the one that answered last."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.all = [Endpoint(url) for url in urls]
        self._current = self.all[0]
        self._best_heads: deque[tuple[float, BlockNumber]] = deque()  # (time, highest head), oldest first

    def list_usable(self, now: float) -> list[Endpoint]:
        """Return the endpoints to ask, in order: the one that answered last, the others, then those that rest."""
        usable = [item for item in self.all if not (item.is_barred and now < item.rests_until)]
        return sorted(usable, key=lambda item: (item.get_rest(now), item is not self._current))

    def prefer(self, endpoint: Endpoint) -> None:
        """Ask this endpoint first from now on."""
        self._current = endpoint

    def find_pause(self, now: float) -> float | None:
        """Return the seconds until an endpoint that limits our rate may be asked again; None if none does."""
        limited = [max(0.0, item.rests_until - now) for item in self.all if _is_limited(item)]
        return min(limited, default=None)

    def judge_heads(self, now: float) -> None:
        """Let those rest whose head is far behind the others', or stands still while the others' moves."""
        heads = [item.head for item in self.all if item.head is not None]
        if not heads:
            return
        self._best_heads.append((now, max(heads)))
        while len(self._best_heads) > 1 and self._best_heads[1][0] <= now - FAR_BEHIND_S:
            self._best_heads.popleft()
        expected = max(heads) - FAR_BEHIND_BLOCKS
        if self._best_heads[0][0] <= now - FAR_BEHIND_S:
            expected = max(expected, self._best_heads[0][1])
        for item in self.all:
            if item.head is not None and item.head < expected:
                item.note_lag(now)


def _is_limited(endpoint: Endpoint) -> bool:
    return endpoint.failure is not None and endpoint.failure.reason is Reason.RATE_LIMITED
