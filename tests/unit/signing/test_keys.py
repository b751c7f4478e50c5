"""Secret keys: only scalars of the group are accepted, and no message shows a key."""

import pytest

from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.signing.keys import BlsSecretKey, EcdsaSecretKey, SecretKey

pytestmark = pytest.mark.unit

KEY_TYPES: list[type[SecretKey]] = [BlsSecretKey, EcdsaSecretKey]


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_secret_key__out_of_the_group__is_refused(key_type: type[SecretKey]) -> None:
    for value in (-1, 0, key_type.ORDER, key_type.ORDER + 1):
        with pytest.raises(Invalid) as caught:
            key_type.from_int(value)
        assert caught.value.reason is Reason.BAD_KEY
    for raw in (b"", bytes(32), b"\x01" * 31, b"\x01" * 33, key_type.ORDER.to_bytes(32, "big"), b"\xff" * 32):
        with pytest.raises(Invalid) as caught:
            key_type(raw)
        assert caught.value.reason is Reason.BAD_KEY


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_secret_key__ends_of_the_group__are_accepted(key_type: type[SecretKey]) -> None:
    for value in (1, key_type.ORDER - 1):
        assert key_type.from_int(value).reveal() == value.to_bytes(32, "big")


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_secret_key__printed_any_way__shows_nothing(key_type: type[SecretKey]) -> None:
    key = key_type(b"\x42" * 32)
    for text in (repr(key), str(key), f"{key}", f"{key!r}", str([key]), str({"key": key})):
        assert "***" in text
        assert "42" not in text
        assert "BBB" not in text  # how Python prints b"\x42"


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_secret_key__refused__error_does_not_quote_it(key_type: type[SecretKey]) -> None:
    with pytest.raises(Invalid) as caught:
        key_type(b"\xff" * 32)
    assert "ff" not in str(caught.value).replace("off", "")
    assert "255" not in str(caught.value)


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_generate__twice__gives_two_keys(key_type: type[SecretKey]) -> None:
    assert key_type.generate() != key_type.generate()
