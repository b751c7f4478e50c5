"""The validator's settings, from the environment."""

from dataclasses import dataclass
from pathlib import Path

from zarathustra.duty.service import DutySettings
from zarathustra.runtime.settings import Secret
from zarathustra.signing.backends import FAST


@dataclass(frozen=True, kw_only=True)
class Settings(DutySettings):
    bls_key_file: Path  # EIP-2335 keystore of the operator's voting key
    bls_key_password: Secret
    bls_backend: str = FAST  # or py_ecc, the reference
    vote_log_file: Path  # never delete it: it is what keeps this operator from voting twice
    http_listen: str = "127.0.0.1:9102"
