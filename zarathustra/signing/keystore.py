"""Encrypted key files that other Ethereum tools read: EIP-2335 for BLS keys, web3 v3 for ECDSA keys.

A file is written once and never overwrites another, and only its owner may read it. A file that others can read is
refused, because they may already know the secret.
"""

import json
import os
import unicodedata
from enum import Enum
from pathlib import Path
from typing import Any

from eth_keyfile.keyfile import create_keyfile_json, decode_keyfile_json

from zarathustra.core.errors import Invalid
from zarathustra.core.nesting import is_nested_too_deep
from zarathustra.core.reasons import Reason
from zarathustra.signing.bls import BlsBackend
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import BlsSecretKey, EcdsaSecretKey

OWNER_ONLY = 0o600
OTHERS = 0o077
V3, EIP2335 = 3, 4  # the `version` field of the file
MAX_FILE_LENGTH = 64 * 1024  # a keystore has 600 bytes; a wrong path may be a huge file


class KeystoreCost(Enum):
    """Scrypt's N: each guess at the password costs N × 1 KiB of memory and about N × 3 µs."""

    STRONG = 2**18  # 256 MiB, 1 s: what geth and the staking tools use
    DEVELOPMENT = 2**12  # 4 MiB, 10 ms: for keys that protect nothing, so that a devnet starts fast


def save_bls_keystore(
    path: Path, secret: BlsSecretKey, password: str, *, cost: KeystoreCost = KeystoreCost.STRONG
) -> None:
    """Encrypt a BLS key into a new EIP-2335 file. Raises FileExistsError instead of overwriting a key."""
    content = create_keyfile_json(
        secret.reveal(), _normalize(password), version=EIP2335, kdf="scrypt", iterations=cost.value
    )
    _write_new(path, content)


def load_bls_keystore(path: Path, password: str, backend: BlsBackend) -> BlsSecretKey:
    """Decrypt an EIP-2335 file and check that it holds the key it names.

    Blocks for about a second. Raises Invalid(BAD_SETTING) if the file is missing, readable by others or malformed, or
    the password is wrong; Invalid(BAD_KEY) if it holds no BLS key, or another one than it names.
    """
    content = _read_private(path)
    secret = BlsSecretKey(_decrypt(path, content, EIP2335, _normalize(password)))
    _validate_named(path, content.get("pubkey"), backend.public_key(secret))
    return secret


def save_ecdsa_keystore(
    path: Path, secret: EcdsaSecretKey, password: str, *, cost: KeystoreCost = KeystoreCost.STRONG
) -> None:
    """Encrypt an ECDSA key into a new web3 v3 file. Raises FileExistsError instead of overwriting a key."""
    content = create_keyfile_json(secret.reveal(), password.encode(), version=V3, kdf="scrypt", iterations=cost.value)
    _write_new(path, content)


def load_ecdsa_keystore(path: Path, password: str) -> EcdsaSecretKey:
    """Decrypt a web3 v3 file and check that it holds the key it names. Errors as in `load_bls_keystore`."""
    content = _read_private(path)
    secret = EcdsaSecretKey(_decrypt(path, content, V3, password.encode()))
    _validate_named(path, content.get("address"), compute_address(secret))
    return secret


def _decrypt(path: Path, content: dict[str, Any], version: int, password: bytes) -> bytes:
    if content.get("version") != version:
        raise Invalid(Reason.BAD_SETTING, "keystore has another version", path=path, expected=version)
    try:
        return bytes(decode_keyfile_json(content, password))
    except ValueError as error:  # a wrong checksum, or invalid hex
        raise Invalid(Reason.BAD_SETTING, "decrypt the keystore: is the password right?", path=path) from error
    except (KeyError, TypeError, AttributeError, AssertionError) as error:
        raise Invalid(Reason.BAD_SETTING, "keystore is malformed", path=path) from error


def _validate_named(path: Path, named: object, derived: bytes) -> None:
    """Check the key that the file names. The checksum does not cover it, and the operator may register that key."""
    text = str(named or "").lower().removeprefix("0x")
    if text and text != derived.hex():
        raise Invalid(Reason.BAD_KEY, "keystore names another key than it holds", path=path)


def _normalize(password: str) -> bytes:
    """Normalise a password as EIP-2335 says: NFKD, without control characters, UTF-8."""
    text = unicodedata.normalize("NFKD", password)
    return "".join(char for char in text if unicodedata.category(char) != "Cc").encode()


def _write_new(path: Path, content: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())  # the key may be registered on chain seconds later: it must not exist only in memory


def _read_private(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            # of the open file, so that it cannot be replaced between check and use
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(MAX_FILE_LENGTH)
    except OSError as error:
        raise Invalid(Reason.BAD_SETTING, "read the keystore", path=path, cause=error.strerror) from error
    if mode & OTHERS:
        raise Invalid(Reason.BAD_SETTING, "others can read the keystore: run chmod 600 on it", path=path)
    return _parse_object(path, text)


def _parse_object(path: Path, text: bytes) -> dict[str, Any]:
    try:
        decoded = text.decode("utf-8")
        content = None if is_nested_too_deep(decoded) else json.loads(decoded)
    except ValueError as error:
        raise Invalid(Reason.BAD_SETTING, "keystore is not JSON", path=path) from error
    if not isinstance(content, dict):
        raise Invalid(Reason.BAD_SETTING, "keystore is not a JSON object", path=path)
    return content
