"""The vote log: one vote per (task, attempt, input hash), across restarts, threads, processes and kill −9."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.paths import ROOT
from tests.kit.signing.values import INPUT_HASH, make_signer, make_vote, open_log
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlsPublicKey
from zarathustra.core.vote import Vote
from zarathustra.signing.backends import load_backend
from zarathustra.signing.vote_log import VoteLog

pytestmark = pytest.mark.unit

FAST = load_backend("fast")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "votes.db"


@contextmanager
def running_signer(mode: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the signer process and wait until it reports that it waits; kill it when the block ends."""
    process = subprocess.Popen(  # noqa: S603  our own module and arguments
        [sys.executable, "-m", "tests.kit.signing.signer_process", mode, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() in {"ready", "signing"}
        yield process
    finally:
        process.kill()
        process.wait(timeout=30)
        process.stdin.close()
        process.stdout.close()


def test_record__same_vote_twice__accepts(path: Path) -> None:
    with open_log(path) as log:
        log.record(make_vote(), INPUT_HASH)
        log.record(make_vote(), INPUT_HASH)


@pytest.mark.parametrize(
    "other", [make_vote(approved=False), make_vote(evaluation=2), make_vote(evaluation=2, approved=False)]
)
def test_record__another_vote_on_the_attempt__is_refused(path: Path, other: Vote) -> None:
    with open_log(path) as log:
        log.record(make_vote(), INPUT_HASH)
        with pytest.raises(Invalid) as caught:
            log.record(other, INPUT_HASH)
        assert caught.value.reason is Reason.ALREADY_VOTED
        log.record(make_vote(), INPUT_HASH)  # the refusal changed nothing


def test_record__other_task_attempt_or_input__is_another_vote(path: Path) -> None:
    with open_log(path) as log:
        log.record(make_vote(), INPUT_HASH)
        log.record(make_vote(task=2, approved=False), INPUT_HASH)
        log.record(make_vote(attempt=1, approved=False), INPUT_HASH)
        log.record(make_vote(approved=False), b"\x20" * 32)  # another branch's seed block: the old vote must not bind


def test_record__input_hash_of_wrong_length__is_refused(path: Path) -> None:
    with open_log(path) as log, pytest.raises(Invalid):
        log.record(make_vote(), INPUT_HASH[:-1])


def test_open__after_a_clean_close__remembers(path: Path) -> None:
    with open_log(path) as log:
        log.record(make_vote(), INPUT_HASH)
    with open_log(path) as log, pytest.raises(Invalid):
        log.record(make_vote(approved=False), INPUT_HASH)


def test_open__log_of_another_key__is_refused(path: Path) -> None:
    open_log(path).close()
    with pytest.raises(Invalid) as caught:
        VoteLog(path, BlsPublicKey(b"\x99" * 48))
    assert caught.value.reason is Reason.BAD_SETTING


def test_open__file_is_not_a_database__is_refused(path: Path) -> None:
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(Invalid) as caught:
        open_log(path)
    assert caught.value.reason is Reason.BAD_SETTING


def test_open__new_file__only_its_owner_reads_it(path: Path) -> None:
    open_log(path).close()
    assert path.stat().st_mode & 0o077 == 0


def test_open__second_time_in_one_process__is_refused(path: Path) -> None:
    with open_log(path):
        with pytest.raises(Invalid) as caught:
            open_log(path)
        assert "One signer per operator" in str(caught.value)


def test_open__another_process_holds_it__is_refused_until_that_process_ends(path: Path) -> None:
    with running_signer("hold", path), pytest.raises(Invalid) as caught:
        open_log(path)
    assert caught.value.reason is Reason.BAD_SETTING
    open_log(path).close()  # kill −9 left no lock behind


async def test_kill_9__between_record_and_signature__binds_the_operator(path: Path) -> None:
    with running_signer("stuck", path):
        pass
    with open_log(path) as log:
        signer = make_signer(log, FAST)
        with pytest.raises(Invalid) as caught:
            await signer.sign_vote(make_vote(evaluation=1, approved=False), INPUT_HASH)
        assert caught.value.reason is Reason.ALREADY_VOTED
        signature = await signer.sign_vote(make_vote(evaluation=1), INPUT_HASH)
    assert len(signature) == 96


def test_record__threads_race_with_different_votes__one_wins(path: Path) -> None:
    votes = [make_vote(evaluation=number, approved=bool(number % 2)) for number in range(1, 9)]
    barrier = threading.Barrier(len(votes))

    def attempt(number: int) -> bool:
        barrier.wait(timeout=30)
        try:
            log.record(votes[number], INPUT_HASH)
        except Invalid:
            return False
        return True

    with open_log(path) as log, ThreadPoolExecutor(len(votes)) as pool:
        assert sum(pool.map(attempt, range(len(votes)))) == 1


@pytest.mark.parametrize("statement", ["DELETE FROM votes", "UPDATE votes SET approved = 0"])
def test_file__changed_by_another_program__is_refused_by_its_triggers(path: Path, statement: str) -> None:
    with open_log(path) as log:
        log.record(make_vote(), INPUT_HASH)
    connection = sqlite3.connect(path)
    try:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    finally:
        connection.close()


def test_file__settings__sync_every_vote_to_disk(path: Path) -> None:
    """WAL with synchronous=NORMAL would lose the last votes in a power cut."""
    with open_log(path) as log:
        connection = log._connection
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
