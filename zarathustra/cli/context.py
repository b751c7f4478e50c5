"""Options that several commands share, and the format of their output."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from zarathustra.core.types import Micro, Wei
from zarathustra.sdk.network import Network, load_network
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.signing.keystore import load_ecdsa_keystore
from zarathustra.wire.json_view import to_json_value

F = TypeVar("F", bound=Callable[..., Any])

WEI_PER_ETHER = 10**18
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True)
class Account:
    """The files of the signing key. `unlock` reads and decrypts them."""

    key_file: Path
    password_file: Path

    def unlock(self) -> EcdsaSecretKey:
        return load_ecdsa_keystore(self.key_file, self.password_file.read_text(encoding="utf-8").strip())


def network_option(command: F) -> F:
    """Add --network, as a `Network`."""

    def load(_context: click.Context, _parameter: click.Parameter, value: Path) -> Network:
        return load_network(value)

    option = click.option(
        "--network", envvar="ZARATHUSTRA_NETWORK", type=FILE, required=True, callback=load, help="The network file."
    )
    return option(command)


def account_options(command: F) -> F:
    """Add --key-file and --password-file. Pass both to `Account`."""
    key = click.option(
        "--key-file", envvar="ZARATHUSTRA_KEY_FILE", type=FILE, required=True, help="Your web3 v3 keystore."
    )
    password = click.option(
        "--password-file",
        envvar="ZARATHUSTRA_KEY_PASSWORD_FILE",
        type=FILE,
        required=True,
        help="The file that holds the keystore's password.",
    )
    return key(password(command))


def format_score(score: Micro) -> str:
    """Format a score as a decimal number with its sign."""
    return f"{score / 1_000_000:+.6f}"


def format_ether(amount: Wei) -> str:
    """Format an amount of the chain's coin exactly, in ETH."""
    whole, rest = divmod(amount, WEI_PER_ETHER)
    return f"{whole}.{rest:018d}".rstrip("0").rstrip(".") + " ETH"


def echo_json(value: object) -> None:
    """Print a core value as JSON, for programs."""
    click.echo(json.dumps(to_json_value(value), indent=2, sort_keys=True))
