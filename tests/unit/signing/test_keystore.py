"""Keystores: files of other tools are read; files that other users can read are refused."""

import json
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from tests.kit.signing.values import KEYS
from zarathustra.core.errors import Invalid
from zarathustra.core.reasons import Reason
from zarathustra.signing.backends import load_backend
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keystore import (
    KeystoreCost,
    load_bls_keystore,
    load_ecdsa_keystore,
    save_bls_keystore,
    save_ecdsa_keystore,
)

pytestmark = pytest.mark.unit

FAST = load_backend("fast")
CHEAP = KeystoreCost.DEVELOPMENT
PASSWORD = "zur Einsamkeit 🔑"


@pytest.fixture
def bls_path(tmp_path: Path) -> Path:
    path = tmp_path / "bls.json"
    save_bls_keystore(path, KEYS.bls, PASSWORD, cost=CHEAP)
    return path


@pytest.fixture
def ecdsa_path(tmp_path: Path) -> Path:
    path = tmp_path / "ecdsa.json"
    save_ecdsa_keystore(path, KEYS.ecdsa, PASSWORD, cost=CHEAP)
    return path


def load_bls(path: Path, password: str = PASSWORD) -> object:
    return load_bls_keystore(path, password, FAST)


def load_ecdsa(path: Path, password: str = PASSWORD) -> object:
    return load_ecdsa_keystore(path, password)


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_bls_keystore__saved_and_loaded__is_the_same_key(bls_path: Path) -> None:
    assert load_bls(bls_path) == KEYS.bls
    assert json.loads(bls_path.read_text())["pubkey"] == FAST.public_key(KEYS.bls).hex()


def test_ecdsa_keystore__saved_and_loaded__is_the_same_key(ecdsa_path: Path) -> None:
    assert load_ecdsa(ecdsa_path) == KEYS.ecdsa


def test_bls_keystore__vector_of_the_standard__decrypts(tmp_path: Path) -> None:
    """The scrypt vector of EIP-2335: only NFKD turns the letters of its password into ASCII."""
    path = tmp_path / "vector.json"
    path.write_text(json.dumps(EIP_2335_VECTOR))
    path.chmod(0o600)
    fraktur = "".join(chr(0x1D51E + ord(letter) - ord("a")) for letter in "testpassword")
    secret = load_bls_keystore(path, fraktur + "🔑", FAST)
    assert secret.reveal().hex() == "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    assert load_bls_keystore(path, "test\tpassword\x7f🔑", FAST) == secret  # control characters are ignored


def test_ecdsa_keystore__vector_of_the_standard__decrypts(tmp_path: Path) -> None:
    path = tmp_path / "vector.json"
    path.write_text(json.dumps(WEB3_V3_VECTOR))
    path.chmod(0o600)
    secret = load_ecdsa_keystore(path, "testpassword")
    assert secret.reveal().hex() == "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"


def test_ecdsa_keystore__written_by_us__names_its_address(ecdsa_path: Path) -> None:
    named = json.loads(ecdsa_path.read_text())["address"]
    assert named.lower() == compute_address(KEYS.ecdsa).hex()


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " "])
def test_load__another_password__is_refused(bls_path: Path, ecdsa_path: Path, password: str) -> None:
    _assert_refused(Reason.BAD_SETTING, lambda: load_bls(bls_path, password))
    _assert_refused(Reason.BAD_SETTING, lambda: load_ecdsa(ecdsa_path, password))


def test_load__refused__message_shows_neither_key_nor_password(bls_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        load_bls(bls_path, "my secret password")
    assert "my secret password" not in repr(caught.value) + str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601])
def test_load__other_users_have_any_right_to_the_file__is_refused(bls_path: Path, ecdsa_path: Path, mode: int) -> None:
    bls_path.chmod(mode)
    ecdsa_path.chmod(mode)
    _assert_refused(Reason.BAD_SETTING, lambda: load_bls(bls_path))
    _assert_refused(Reason.BAD_SETTING, lambda: load_ecdsa(ecdsa_path))


def test_save__new_file__only_its_owner_reads_it(bls_path: Path, ecdsa_path: Path) -> None:
    assert bls_path.stat().st_mode & 0o777 == 0o600
    assert ecdsa_path.stat().st_mode & 0o777 == 0o600


def test_save__over_an_existing_key__is_refused(bls_path: Path, ecdsa_path: Path) -> None:
    before = bls_path.read_bytes(), ecdsa_path.read_bytes()
    with pytest.raises(FileExistsError):
        save_bls_keystore(bls_path, KEYS.bls, PASSWORD, cost=CHEAP)
    with pytest.raises(FileExistsError):
        save_ecdsa_keystore(ecdsa_path, KEYS.ecdsa, PASSWORD, cost=CHEAP)
    assert (bls_path.read_bytes(), ecdsa_path.read_bytes()) == before


def test_load__file_missing__is_refused(tmp_path: Path) -> None:
    _assert_refused(Reason.BAD_SETTING, lambda: load_bls(tmp_path / "nowhere.json"))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}", b" " * 70_000 + b"{}", b"[" * 60_000])
def test_load__file_is_not_a_keystore__is_refused(bls_path: Path, text: bytes) -> None:
    bls_path.write_bytes(text)
    _assert_refused(Reason.BAD_SETTING, lambda: load_bls(bls_path))
    _assert_refused(Reason.BAD_SETTING, lambda: load_ecdsa(bls_path))


def test_load__the_other_kind_of_keystore__is_refused(bls_path: Path, ecdsa_path: Path) -> None:
    _assert_refused(Reason.BAD_SETTING, lambda: load_ecdsa(bls_path))
    _assert_refused(Reason.BAD_SETTING, lambda: load_bls(ecdsa_path))


@pytest.mark.parametrize("field", ["kdf", "cipher", "checksum"])
def test_load__part_missing_or_of_wrong_type__is_refused(bls_path: Path, field: str) -> None:
    rewrite(bls_path, lambda content: content["crypto"].pop(field))
    _assert_refused(Reason.BAD_SETTING, lambda: load_bls(bls_path))
    rewrite(bls_path, lambda content: content["crypto"].update({field: 5}))
    _assert_refused(Reason.BAD_SETTING, lambda: load_bls(bls_path))


def test_load__names_a_key_it_does_not_hold__is_refused(bls_path: Path, ecdsa_path: Path) -> None:
    rewrite(bls_path, lambda content: content.update(pubkey="97" + "00" * 47))
    rewrite(ecdsa_path, lambda content: content.update(address="00" * 20))
    _assert_refused(Reason.BAD_KEY, lambda: load_bls(bls_path))
    _assert_refused(Reason.BAD_KEY, lambda: load_ecdsa(ecdsa_path))


def test_cost__default__is_the_strong_one() -> None:
    """Check only the parameter: a keystore of that cost takes a second."""
    for save in (save_bls_keystore, save_ecdsa_keystore):
        assert signature(save).parameters["cost"].default is KeystoreCost.STRONG
    assert KeystoreCost.STRONG.value >= 2**18


def test_cost__development__is_written_into_the_file(bls_path: Path, ecdsa_path: Path) -> None:
    assert json.loads(bls_path.read_text())["crypto"]["kdf"]["params"]["n"] == CHEAP.value
    assert json.loads(ecdsa_path.read_text())["crypto"]["kdfparams"]["n"] == CHEAP.value


def _assert_refused(reason: Reason, call: Callable[[], object]) -> None:
    with pytest.raises(Invalid) as caught:
        call()
    assert caught.value.reason is reason


EIP_2335_VECTOR = {
    "crypto": {
        "kdf": {
            "function": "scrypt",
            "params": {
                "dklen": 32,
                "n": 262144,
                "p": 1,
                "r": 8,
                "salt": "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
            },
            "message": "",
        },
        "checksum": {
            "function": "sha256",
            "params": {},
            "message": "d2217fe5f3e9a1e34581ef8a78f7c9928e436d36dacc5e846690a5581e8ea484",
        },
        "cipher": {
            "function": "aes-128-ctr",
            "params": {"iv": "264daa3f303d7259501c93d997d84fe6"},
            "message": "06ae90d55fe0a6e9c5c3bc5b170827b2e5cce3929ed3f116c2811e6366dfe20f",
        },
    },
    "description": "This is a test keystore that uses scrypt to secure the secret.",
    "pubkey": "9612d7a727c9d0a22e185a1c768478dfe919cada9266988cb32359c11f2b7b27f4ae4040902382ae2910c15e2b420d07",
    "path": "m/12381/60/3141592653/589793238",
    "uuid": "1d85ae20-35c5-4611-98e8-aa14a633906f",
    "version": 4,
}
WEB3_V3_VECTOR = {
    "crypto": {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
        "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
        "kdf": "pbkdf2",
        "kdfparams": {
            "c": 262144,
            "dklen": 32,
            "prf": "hmac-sha256",
            "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
        },
        "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
    },
    "id": "3198bc9c-6672-5ab3-d995-4942343ae5b6",
    "version": 3,
}
