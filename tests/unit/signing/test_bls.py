"""Batch checks and bisection over any backend: what they refuse and how many pairing checks they need."""

from collections.abc import Sequence

import pytest

from tests.kit.signing.values import DIGEST
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.core.types import BlsPublicKey, BlsSignature, Digest
from zarathustra.signing.backends import load_backend
from zarathustra.signing.bls import Signed, draw_weights, find_invalid, is_batch_valid
from zarathustra.signing.bls_fast import FastBls
from zarathustra.signing.keys import BlsSecretKey

pytestmark = pytest.mark.unit


class CountingBls(FastBls):
    """A backend that counts checks instead of pairing: a member is valid if and only if its signature is empty."""

    def __init__(self) -> None:
        self.checks = 0

    def is_weighted_sum_valid(self, digest: Digest, signed: Sequence[Signed], weights: Sequence[int]) -> bool:
        self.checks += 1
        return not any(one.signature for one in signed)


def make_batch(size: int, bad: set[int]) -> list[Signed]:
    return [Signed(BlsPublicKey(b""), BlsSignature(b"x" if place in bad else b"")) for place in range(size)]


def test_load_backend__unknown_name__is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        load_backend("milagro")
    assert caught.value.reason is Reason.BAD_SETTING


def test_draw_weights__many__are_large_and_never_zero() -> None:
    weights = draw_weights(200)
    assert all(0 < weight < 2**128 for weight in weights)
    assert len(set(weights)) == 200
    assert max(weights).bit_length() > 120


@pytest.mark.parametrize("weights", [[], [1], [1, 0], [1, -1], [1, 2**128], [1, 2, 3]])
def test_is_batch_valid__weights_that_skip_a_member__raise(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        is_batch_valid(CountingBls(), DIGEST, make_batch(2, set()), weights=lambda _: weights)


def test_is_batch_valid__weights_injected__are_used() -> None:
    """With equal weights the batch is the plain aggregate, which a cancelling pair passes."""
    backend = FastBls()
    first, second = BlsSecretKey.from_int(11), BlsSecretKey.from_int(12)
    swapped = [
        Signed(backend.public_key(first), backend.sign(second, DIGEST)),
        Signed(backend.public_key(second), backend.sign(first, DIGEST)),
    ]
    assert is_batch_valid(backend, DIGEST, swapped, weights=lambda count: [1] * count)
    assert not is_batch_valid(backend, DIGEST, swapped, weights=lambda count: list(range(1, count + 1)))


def test_find_invalid__empty__returns_none_invalid() -> None:
    assert find_invalid(CountingBls(), DIGEST, []) == ()


def test_find_invalid__all_valid__needs_one_check() -> None:
    backend = CountingBls()
    assert find_invalid(backend, DIGEST, make_batch(128, set())) == ()
    assert backend.checks == 1


def test_find_invalid__one_bad_of_128__needs_two_checks_per_level() -> None:
    backend = CountingBls()
    assert find_invalid(backend, DIGEST, make_batch(128, {77})) == (77,)
    assert backend.checks == 1 + 2 * 7


def test_find_invalid__all_bad__names_all_in_order() -> None:
    backend = CountingBls()
    assert find_invalid(backend, DIGEST, make_batch(128, set(range(128)))) == tuple(range(128))
    assert backend.checks == 255
