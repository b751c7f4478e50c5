"""The log of every vote that this operator has signed. It prevents contradictory votes.

One vote per (task, attempt, input hash). It is written and synced *before* the signature is made. After a crash in
between, only the same vote can be signed. Append-only, one process at a time.

Protect the file like the key: an old copy lacks votes, so that the operator could contradict them.
"""

import sqlite3
import threading
from pathlib import Path
from typing import Self

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import Attempt, BlsPublicKey, TaskId, validate_length
from zarathustra.core.vote import Vote

# Triggers, so that a bug in this program cannot change or delete a vote.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS owner (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    public_key BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS votes (
    task_id         BLOB    NOT NULL,
    attempt         INTEGER NOT NULL,
    input_hash      BLOB    NOT NULL,
    evaluation_hash BLOB    NOT NULL,
    approved        INTEGER NOT NULL,
    PRIMARY KEY (task_id, attempt, input_hash)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS votes_are_final BEFORE UPDATE ON votes
    BEGIN SELECT RAISE(ABORT, 'the vote log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS votes_stay BEFORE DELETE ON votes
    BEGIN SELECT RAISE(ABORT, 'the vote log is append-only'); END;
"""


class VoteLog:
    """An append-only SQLite file, locked until `close` or the end of the process. Safe to use from any thread."""

    def __init__(self, path: Path, public_key: BlsPublicKey) -> None:
        """Open or create the log of that key.

        Raises Invalid(BAD_SETTING) when another process holds the file, or when it belongs to another key: a log
        without the key's votes would let it vote twice.
        """
        path.touch(mode=0o600)
        self._lock = threading.Lock()  # not every build of SQLite lets threads share a connection
        self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._take_ownership(path, public_key)
        except BaseException:
            self._connection.close()
            raise

    def record(self, vote: Vote, input_hash: bytes) -> None:
        """Store `vote` as the only one on its (task, attempt, input hash); return when it is on disk.

        The same vote again changes nothing; another one raises Invalid(ALREADY_VOTED).
        """
        validate_length("input_hash", input_hash, 32)
        key = (vote.task_id, vote.attempt, input_hash)
        choice = (vote.evaluation_hash, int(vote.approved))
        with self._lock:
            self._connection.execute("INSERT OR IGNORE INTO votes VALUES (?, ?, ?, ?, ?)", key + choice)
            recorded = self._connection.execute(
                "SELECT evaluation_hash, approved FROM votes WHERE (task_id, attempt, input_hash) = (?, ?, ?)", key
            ).fetchone()
        if recorded != choice:
            raise Invalid(
                Reason.ALREADY_VOTED,
                "the vote log has another vote on this attempt",
                task_id=vote.task_id.hex(),
                attempt=vote.attempt,
            )

    def find(self, task_id: TaskId, attempt: Attempt, input_hash: bytes) -> Vote | None:
        """Return the vote on (task, attempt, input hash), or None."""
        with self._lock:
            row = self._connection.execute(
                "SELECT evaluation_hash, approved FROM votes WHERE (task_id, attempt, input_hash) = (?, ?, ?)",
                (task_id, attempt, input_hash),
            ).fetchone()
        return None if row is None else Vote(task_id, attempt, row[0], bool(row[1]))

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take_ownership(self, path: Path, public_key: BlsPublicKey) -> None:
        try:
            self._lock_file()
            self._connection.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            raise Invalid(
                Reason.BAD_SETTING,
                "open the vote log: is another signer running with it? One signer per operator",
                path=path,
                sqlite=error,
            ) from error
        except sqlite3.DatabaseError as error:
            raise Invalid(Reason.BAD_SETTING, "the vote log is not a database", path=path) from error
        self._connection.execute("INSERT OR IGNORE INTO owner VALUES (1, ?)", (public_key,))
        [(owner,)] = self._connection.execute("SELECT public_key FROM owner").fetchall()
        if owner != public_key:
            raise Invalid(Reason.BAD_SETTING, "the vote log belongs to another BLS key", path=path, owner=owner.hex())

    def _lock_file(self) -> None:
        """Lock the file until `close` or the end of the process; the kernel releases the lock even after kill -9."""
        self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")  # sync the WAL at each commit, not at checkpoints
        self._connection.execute("BEGIN EXCLUSIVE")
        self._connection.execute("COMMIT")
