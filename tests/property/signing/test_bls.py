"""`find_invalid` names exactly the bad members of a batch, for any subset and any kind of fault."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kit.signing.values import DIGEST
from zarathustra.core.types import BlsSignature, Digest
from zarathustra.signing.backends import load_backend
from zarathustra.signing.bls import BlsBackend, Signed, find_invalid, is_batch_valid
from zarathustra.signing.keys import BlsSecretKey

pytestmark = pytest.mark.property

BACKEND: BlsBackend = load_backend("fast")
SECRETS = [BlsSecretKey.from_int(1000 + number) for number in range(20)]
SIGNED = [Signed(BACKEND.public_key(secret), BACKEND.sign(secret, DIGEST)) for secret in SECRETS]

WAYS_TO_BE_WRONG: list[Callable[[int], BlsSignature]] = [
    lambda place: BACKEND.sign(SECRETS[place], Digest(b"\x02" * 32)),
    lambda place: SIGNED[(place + 1) % len(SIGNED)].signature,
    lambda place: BACKEND.prove_possession(SECRETS[place], DIGEST),
    lambda _: BlsSignature(b"\xc0" + bytes(95)),
    lambda _: BlsSignature(b""),
]
bad_members = st.dictionaries(st.integers(0, len(SIGNED) - 1), st.sampled_from(WAYS_TO_BE_WRONG))


@settings(max_examples=40, deadline=None)
@given(bad_members, st.integers(1, len(SIGNED)))
def test_find_invalid__any_members_wrong_in_any_way__names_exactly_these(
    wrong: dict[int, Callable[[int], BlsSignature]], size: int
) -> None:
    batch = [
        Signed(one.public_key, wrong[place](place)) if place in wrong else one
        for place, one in enumerate(SIGNED[:size])
    ]
    expected = tuple(sorted(place for place in wrong if place < size))

    assert find_invalid(BACKEND, DIGEST, batch) == expected
    assert is_batch_valid(BACKEND, DIGEST, batch) is (not expected)


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=48, max_size=48), st.binary(min_size=96, max_size=96))
def test_parse__random_bytes__never_verify_and_never_crash(key: bytes, signature: bytes) -> None:
    """Any exception except Invalid would escape `is_batch_valid` and fail the test."""
    assert not is_batch_valid(BACKEND, DIGEST, [Signed(SIGNED[0].public_key, BlsSignature(signature))])
    assert not is_batch_valid(BACKEND, DIGEST, [Signed(type(SIGNED[0].public_key)(key), SIGNED[0].signature)])
