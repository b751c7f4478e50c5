"""Signatures and the vote log under arbitrary inputs."""

import tempfile
from pathlib import Path

import pytest
from eth_keys.datatypes import Signature
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kit.chain.deployment import DOMAIN
from tests.kit.signing.values import make_vote, open_log
from zarathustra.core.errors import Invalid
from zarathustra.core.types import Digest, EcdsaSignature, OperatorId
from zarathustra.signing.ecdsa import compute_address, recover_address, sign_digest
from zarathustra.signing.envelope import build_headers, sign_record, verify_envelope
from zarathustra.signing.keys import SECP256K1_ORDER, EcdsaSecretKey

pytestmark = pytest.mark.property

secrets = st.integers(1, SECP256K1_ORDER - 1).map(EcdsaSecretKey.from_int)
votes = st.builds(
    make_vote,
    task=st.integers(0, 1),
    attempt=st.integers(0, 1),
    evaluation=st.integers(0, 2),
    approved=st.booleans(),
)
input_hashes = st.sampled_from([b"\x01" * 32, b"\x02" * 32])


@given(secrets, st.binary(min_size=32, max_size=32))
def test_recover_address__any_signed_digest__is_the_signer_as_in_another_library(
    secret: EcdsaSecretKey, digest: bytes
) -> None:
    signature = sign_digest(secret, Digest(digest))
    assert recover_address(Digest(digest), signature) == compute_address(secret)

    elsewhere = Signature(signature[:64] + bytes([signature[64] - 27]))
    assert elsewhere.recover_public_key_from_msg_hash(digest).to_canonical_address() == compute_address(secret)


@given(st.binary(min_size=65, max_size=65))
def test_recover_address__random_bytes__give_an_address_or_invalid(signature: bytes) -> None:
    try:
        address = recover_address(Digest(b"\x01" * 32), EcdsaSignature(signature))
    except Invalid:
        return
    assert len(address) == 20


@given(secrets, st.text(max_size=20), st.binary(max_size=200), st.data())
def test_verify_envelope__one_bit_flipped_anywhere__is_refused(
    secret: EcdsaSecretKey, topic: str, value: bytes, data: st.DataObject
) -> None:
    operator = OperatorId(compute_address(secret))
    signature = sign_record(secret, DOMAIN, topic, value)
    assert verify_envelope(topic, value, build_headers(operator, signature), DOMAIN) == operator

    parts = [value, bytes(operator), bytes(signature)]
    which = data.draw(st.sampled_from([place for place, part in enumerate(parts) if part]))
    parts[which] = _flip_bit(parts[which], data.draw(st.integers(0, len(parts[which]) * 8 - 1)))
    changed = build_headers(OperatorId(parts[1]), EcdsaSignature(parts[2]))
    with pytest.raises(Invalid):
        verify_envelope(topic, parts[0], changed, DOMAIN)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(votes, input_hashes, st.booleans()), max_size=20))
def test_vote_log__any_votes_and_restarts__signs_the_first_choice_only(steps: list[tuple]) -> None:  # type: ignore[type-arg]
    """The model is a dictionary of first choices. The third value of a step says whether to restart before the vote."""
    first: dict[tuple[bytes, int, bytes], tuple[bytes, bool]] = {}
    with tempfile.TemporaryDirectory() as folder:
        log = open_log(Path(folder) / "votes.db")
        for vote, input_hash, restarts in steps:
            if restarts:
                log.close()
                log = open_log(Path(folder) / "votes.db")
            choice = vote.evaluation_hash, vote.approved
            expected = first.setdefault((vote.task_id, vote.attempt, input_hash), choice) == choice
            try:
                log.record(vote, input_hash)
                accepted = True
            except Invalid:
                accepted = False
            assert accepted is expected
        log.close()


def _flip_bit(raw: bytes, place: int) -> bytes:
    return bytes(byte ^ (1 << place % 8) if index == place // 8 else byte for index, byte in enumerate(raw))
