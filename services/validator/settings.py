"""The validator's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.duty.service import DutySettings
from zarathustra.runtime.settings import Secret, setting
from zarathustra.signing.backends import FAST


@dataclass(frozen=True, kw_only=True)
class Settings(DutySettings):
    bls_key_file: Path = setting("EIP-2335 keystore of the operator's voting (BLS) key")
    bls_key_password: Secret = setting("password of that keystore")
    bls_backend: str = setting("`fast`, or `py_ecc`: the reference, some 200 times slower", default=FAST)
    vote_log_file: Path = setting("vote log (SQLite), on a disk that survives the service; never delete it")
    http_listen: str = setting("address of `/livez`, `/readyz` and `/metrics`", default="127.0.0.1:9102")
