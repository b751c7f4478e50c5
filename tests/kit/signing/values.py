"""A signer with its vote log, and what it signs in the signing tests."""

from pathlib import Path

from tests.kit.chain.deployment import DOMAIN
from tests.kit.signing.operators import make_keys
from zarathustra.core.outcomes import Code
from zarathustra.core.types import Attempt, Digest, Evaluation, Micro, OperatorId, TaskId
from zarathustra.core.vote import Vote
from zarathustra.signing.backends import load_backend
from zarathustra.signing.bls import BlsBackend
from zarathustra.signing.signer import LocalSigner
from zarathustra.signing.vote_log import VoteLog

KEYS = make_keys(0)
INPUT_HASH = b"\x1f" * 32
DIGEST = Digest(b"\xd1" * 32)


def make_vote(*, task: int = 1, attempt: int = 0, evaluation: int = 1, approved: bool = True) -> Vote:
    return Vote(TaskId(bytes([task]) * 32), Attempt(attempt), bytes([evaluation]) * 32, approved)


def make_evaluation(performer: OperatorId, *, champion_score: int = 900_000) -> Evaluation:
    return Evaluation(
        task_id=TaskId(b"\x01" * 32),
        attempt=Attempt(0),
        performer=performer,
        input_hash=INPUT_HASH,
        code=Code.VALID,
        champion_score=Micro(champion_score),
        challenger_score=Micro(910_000),
        gain_lower_bound=Micro(-5),
        report_hash=b"\x02" * 32,
    )


def open_log(path: Path) -> VoteLog:
    """Open the vote log of KEYS."""
    return VoteLog(path, load_backend("fast").public_key(KEYS.bls))


def make_signer(log: VoteLog, backend: BlsBackend) -> LocalSigner:
    return LocalSigner(bls_key=KEYS.bls, ecdsa_key=KEYS.ecdsa, domain=DOMAIN, backend=backend, vote_log=log)
