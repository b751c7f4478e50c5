"""What every `Signer` guarantees. A new implementation joins by adding itself to the fixture."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.chain.deployment import DOMAIN
from tests.kit.signing.values import INPUT_HASH, KEYS, make_evaluation, make_signer, make_vote, open_log
from zarathustra.core import digests
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlsSignature, OperatorId
from zarathustra.core.vote import Vote
from zarathustra.signing.backends import load_backend
from zarathustra.signing.ecdsa import compute_address, recover_address
from zarathustra.signing.envelope import build_headers, verify_envelope
from zarathustra.signing.signer import EcdsaSigner, RecordSigner, Signer

pytestmark = pytest.mark.conformance

FAST = load_backend("fast")


@pytest.fixture(params=["local", "ecdsa"])
def record_signer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RecordSigner]:
    """Every signer of records, voting or not."""
    if request.param == "ecdsa":
        yield EcdsaSigner(KEYS.ecdsa, DOMAIN)
        return
    with open_log(tmp_path / "votes.db") as log:
        yield make_signer(log, FAST)


@pytest.fixture(params=["local-fast", "local-py_ecc"])
def signer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Signer]:
    with open_log(tmp_path / "votes.db") as log:
        yield make_signer(log, load_backend(request.param.removeprefix("local-")))


async def test_sign_vote__first_vote__verifies_under_the_public_key(signer: Signer) -> None:
    vote = make_vote()
    signature = await signer.sign_vote(vote, INPUT_HASH)
    FAST.verify(signer.public_key, digests.vote_digest(DOMAIN, vote), signature)


async def test_sign_vote__same_vote_again__gives_the_same_bytes(signer: Signer) -> None:
    first = await signer.sign_vote(make_vote(), INPUT_HASH)
    assert await signer.sign_vote(make_vote(), INPUT_HASH) == first


async def test_sign_vote__another_vote__is_refused(signer: Signer) -> None:
    await signer.sign_vote(make_vote(), INPUT_HASH)
    for other in (make_vote(approved=False), make_vote(evaluation=2)):
        with pytest.raises(Invalid) as caught:
            await signer.sign_vote(other, INPUT_HASH)
        assert caught.value.reason is Reason.ALREADY_VOTED


async def test_sign_vote__reorged_seed_gives_another_input__signs(signer: Signer) -> None:
    await signer.sign_vote(make_vote(), INPUT_HASH)
    other = make_vote(approved=False)
    signature = await signer.sign_vote(other, b"\x20" * 32)
    FAST.verify(signer.public_key, digests.vote_digest(DOMAIN, other), signature)


async def test_sign_vote__concurrent_contradictory_callers__one_vote_is_signed(signer: Signer) -> None:
    votes = [make_vote(evaluation=number) for number in (1, 2, 3)] * 2
    answers = await asyncio.gather(*(_try_to_sign(signer, vote) for vote in votes))

    signed = {(vote.evaluation_hash, answer) for vote, answer in zip(votes, answers, strict=True) if answer}
    assert len(signed) == 1


async def test_sign_vote__input_hash_of_wrong_length__is_refused(signer: Signer) -> None:
    with pytest.raises(Invalid):
        await signer.sign_vote(make_vote(), b"short")


def test_sign_evaluation__own_claim__recovers_to_the_operator(record_signer: RecordSigner) -> None:
    evaluation = make_evaluation(record_signer.operator_id)
    signature = record_signer.sign_evaluation(evaluation)
    recovered = recover_address(digests.evaluation_digest(DOMAIN, evaluation), signature)
    assert OperatorId(recovered) == record_signer.operator_id


def test_sign_evaluation__another_performers_claim__is_refused(record_signer: RecordSigner) -> None:
    with pytest.raises(Invalid) as caught:
        record_signer.sign_evaluation(make_evaluation(OperatorId(b"\x0f" * 20)))
    assert caught.value.reason is Reason.WRONG_PERFORMER


def test_sign_envelope__opened__names_the_operator(record_signer: RecordSigner) -> None:
    signature = record_signer.sign_envelope("evaluations.v1", b"value")
    headers = build_headers(record_signer.operator_id, signature)
    assert verify_envelope("evaluations.v1", b"value", headers, DOMAIN) == record_signer.operator_id


def test_operator_id__of_the_key__is_its_address(record_signer: RecordSigner) -> None:
    assert record_signer.operator_id == OperatorId(compute_address(KEYS.ecdsa))


async def _try_to_sign(signer: Signer, vote: Vote) -> BlsSignature | None:
    try:
        return await signer.sign_vote(vote, INPUT_HASH)
    except Invalid:
        return None
