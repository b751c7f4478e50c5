"""Options that several commands share, and the format of their output."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from zarathustra.chain.addresses import parse_address
from zarathustra.core.types import Address, Micro, Wei
from zarathustra.sdk.network import Network, NetworkFile, load_network, load_network_file
from zarathustra.signing.keys import EcdsaSecretKey
from zarathustra.signing.keystore import load_ecdsa_keystore
from zarathustra.wire.json_view import to_json_value

F = TypeVar("F", bound=Callable[..., Any])

WEI_PER_ETHER = 10**18
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_HASH = re.compile(r"(0x)?[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Account:
    """The files of the signing key. `unlock` reads and decrypts them."""

    key_file: Path
    password_file: Path

    def unlock(self) -> EcdsaSecretKey:
        return load_ecdsa_keystore(self.key_file, self.password_file.read_text(encoding="utf-8").strip())


class AddressType(click.ParamType):
    """An address in hex; its checksum is checked if the case is mixed."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        try:
            return value if isinstance(value, bytes) else parse_address(value)  # type: ignore[return-value]
        except ValueError as error:
            self.fail(str(error), param, ctx)


class HashType(click.ParamType):
    """32 bytes in hex."""

    name = "32 bytes of hex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        if isinstance(value, bytes):
            return value
        if _HASH.fullmatch(value) is None:
            self.fail(f"{value!r} is not 0x and 64 hex digits", param, ctx)
        return bytes.fromhex(value.removeprefix("0x"))


ADDRESS = AddressType()
HASH = HashType()


def network_option(command: F) -> F:
    """Add --network, as a `Network`."""

    def load(_context: click.Context, _parameter: click.Parameter, value: Path) -> Network:
        return load_network(value)

    return _add_network_option(command, load)


def network_file_option(command: F) -> F:
    """Add --network, as a `NetworkFile`."""

    def load(_context: click.Context, _parameter: click.Parameter, value: Path) -> NetworkFile:
        return load_network_file(value)

    return _add_network_option(command, load)


def _add_network_option(command: F, load: Callable[[click.Context, click.Parameter, Path], object]) -> F:
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


def json_option(command: F) -> F:
    """Add --json, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(command)


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


def echo_rows(rows: Mapping[str, object]) -> None:
    """Print names and values in two columns."""
    width = max(map(len, rows), default=0)
    for name, value in rows.items():
        click.echo(f"{name:<{width}}  {value}".rstrip())
