"""How many dead letters of foreign writers are kept: anyone can write invalid records, and the disk is ours."""

from collections import Counter

WINDOW_MS = 60_000
MAX_PER_SENDER = 20  # enough to see what is wrong with one operator's records
MAX_IN_ALL = 500  # the sender is only claimed: a flood may name another one in each record


class LetterQuota:
    """Counts the dead letters of each sender and of all senders, anew in each minute."""

    def __init__(self) -> None:
        self._window = 0
        self._letters: Counter[bytes] = Counter()

    def admit(self, sender: bytes, now_ms: int) -> bool:
        """Return whether one more dead letter of `sender` is kept, and count it."""
        window = now_ms // WINDOW_MS
        if window != self._window:
            self._window = window
            self._letters.clear()
        if self._letters[sender] >= MAX_PER_SENDER or self._letters.total() >= MAX_IN_ALL:
            return False
        self._letters[sender] += 1
        return True
