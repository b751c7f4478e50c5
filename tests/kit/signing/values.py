"""Values that the signing tests share."""

from pathlib import Path

from zarathustra.core.digests import Domain
from zarathustra.core.outcomes import Code
from zarathustra.core.types import Address, Attempt, Digest, Evaluation, Micro, OperatorId, TaskId
from zarathustra.core.vote import Vote
from zarathustra.signing.backends import load_backend
from zarathustra.signing.bls import BlsBackend
from zarathustra.signing.keys import BlsSecretKey, EcdsaSecretKey
from zarathustra.signing.signer import LocalSigner
from zarathustra.signing.vote_log import VoteLog

DOMAIN = Domain(31_337, Address(b"\xac" * 20))
BLS_KEY = BlsSecretKey.from_int(0xB15)
ECDSA_KEY = EcdsaSecretKey.from_int(0xEC)
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
    """The vote log of BLS_KEY."""
    return VoteLog(path, load_backend("fast").public_key(BLS_KEY))


def make_signer(log: VoteLog, backend: BlsBackend) -> LocalSigner:
    return LocalSigner(bls_key=BLS_KEY, ecdsa_key=ECDSA_KEY, domain=DOMAIN, backend=backend, vote_log=log)
