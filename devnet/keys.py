"""New development keys for one run, in keystores with weak encryption: they protect nothing of value."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from zarathustra.core.types import Address, OperatorId
from zarathustra.signing.ecdsa import compute_address
from zarathustra.signing.keys import BlsSecretKey, EcdsaSecretKey
from zarathustra.signing.keystore import KeystoreCost, save_bls_keystore, save_ecdsa_keystore


@dataclass(frozen=True)
class OperatorKeys:
    """The keys of one operator: owner (stake), signing (hot), voting, keeper; and their files for the services."""

    number: int
    directory: Path
    owner: EcdsaSecretKey
    signing: EcdsaSecretKey
    keeper: EcdsaSecretKey
    voting: BlsSecretKey

    @property
    def operator_id(self) -> OperatorId:
        return OperatorId(compute_address(self.signing))

    @property
    def owner_address(self) -> Address:
        return compute_address(self.owner)

    @property
    def keeper_address(self) -> Address:
        return compute_address(self.keeper)

    @property
    def password_file(self) -> Path:
        return self.directory / "development-password"

    @property
    def signing_file(self) -> Path:
        return self.directory / "development-signing.json"

    @property
    def keeper_file(self) -> Path:
        return self.directory / "development-keeper.json"

    @property
    def voting_file(self) -> Path:
        return self.directory / "development-voting.json"


@dataclass(frozen=True)
class AdministratorKey:
    """The account that proposes to the timelock, pauses and rules on disputes; and its files for the CLI."""

    directory: Path
    key: EcdsaSecretKey

    @property
    def address(self) -> Address:
        return compute_address(self.key)

    @property
    def password_file(self) -> Path:
        return self.directory / "development-password"

    @property
    def key_file(self) -> Path:
        return self.directory / "development-administrator.json"


def create_administrator_key(directory: Path) -> AdministratorKey:
    """Generate and store the administrator's key."""
    administrator = AdministratorKey(directory, EcdsaSecretKey.generate())
    password = _create_password(administrator.directory, administrator.password_file)
    save_ecdsa_keystore(administrator.key_file, administrator.key, password, cost=KeystoreCost.DEVELOPMENT)
    return administrator


def create_operator_keys(number: int, directory: Path) -> OperatorKeys:
    """Generate and store the keys of one operator. The owner's key stays in memory: no service needs it."""
    keys = OperatorKeys(
        number=number,
        directory=directory,
        owner=EcdsaSecretKey.generate(),
        signing=EcdsaSecretKey.generate(),
        keeper=EcdsaSecretKey.generate(),
        voting=BlsSecretKey.generate(),
    )
    password = _create_password(keys.directory, keys.password_file)
    save_ecdsa_keystore(keys.signing_file, keys.signing, password, cost=KeystoreCost.DEVELOPMENT)
    save_ecdsa_keystore(keys.keeper_file, keys.keeper, password, cost=KeystoreCost.DEVELOPMENT)
    save_bls_keystore(keys.voting_file, keys.voting, password, cost=KeystoreCost.DEVELOPMENT)
    return keys


def _create_password(directory: Path, path: Path) -> str:
    """Create the directory, and a password in a file of it that only this user reads."""
    directory.mkdir(parents=True, mode=0o700)
    password = secrets.token_hex(16)
    path.touch(mode=0o600)
    path.write_text(password)
    return password
